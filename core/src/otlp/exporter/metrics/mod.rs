//! Metrics to where they are wanted, once a minute.
//!
//! Nothing waits in a queue here: what is counted stays with [`crate::metrics::Metrics`], and a report that does not arrive is contained in
//! the next one, cumulative or delta. So a receiver that is down costs one report in memory and nothing else, and there is
//! no spool. Within its interval a report is tried again as OTLP asks; the next interval makes a new one instead.
//!
//! Threads and `fork`: as for spans. [`MetricsExporter::start`] starts the thread; the child of a fork has a life of its own.

mod destination;
mod options;
mod round;
mod status;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub use options::MetricsOptions;
pub use status::MetricsStatus;

use self::destination::Destination;
use self::round::Worker;
use super::Log;
use super::answer::Response;
use super::http::Target;
use crate::metrics::Lives;
use crate::otlp::encode::Encoding;
use crate::otlp::encode::metrics::MetricsEncoder;
use crate::otlp::options::{LONGEST, OptionError};
use crate::otlp::span::Resource;
use crate::propagation::ids;

/// What the threads share, under the lock.
#[derive(Debug, Default)]
struct Store {
    /// How a request ended.
    response: Option<Response>,
    /// Reports that were asked for, and those that were made and tried.
    asked: u64,
    tried: u64,
    /// All must be over by then.
    closing: Option<Instant>,
    was_started: bool,
    is_running: bool,
    status: MetricsStatus,
}

/// The door between those who ask and the exporter's thread.
#[derive(Debug, Default)]
struct Shared {
    store: Mutex<Store>,
    /// There may be something to do for the thread.
    ready: Condvar,
    /// `tried` or `is_running` changed.
    progress: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Store> {
        // Nothing panics while the lock is held, and the data is plain.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once.
    fn claim_start(&self) -> bool {
        let mut store = self.lock();
        let is_first = !std::mem::replace(&mut store.was_started, true);
        store.is_running |= is_first;
        is_first
    }

    fn put_response(&self, response: Response) {
        self.lock().response = Some(response);
        self.ready.notify_one();
    }
}

/// How the thread's things are made.
struct Recipe {
    options: MetricsOptions,
    resource: Resource,
    metrics: Arc<Lives>,
    log: Log,
    /// Called when the thread starts.
    destination: Box<dyn Fn() -> Destination + Send + Sync>,
}

impl Recipe {
    fn worker(&self, shared: Arc<Shared>) -> Worker {
        let destination = (self.destination)();
        let resource = self.resource.of_this_process();
        let encoder = match destination {
            Destination::Otlp(_) => {
                MetricsEncoder::new(&resource, self.options.otlp.encoding, self.options.otlp.is_gzip)
            }
            Destination::Console(_) => MetricsEncoder::new(&resource, Encoding::Json, false),
        };
        let parts = (shared, Arc::clone(self.metrics.current()), encoder, destination);
        Worker::new(&self.options, parts, Arc::clone(&self.log))
    }
}

/// What of an exporter belongs to one process.
struct Life {
    shared: Arc<Shared>,
    /// Tells processes apart.
    epoch: u32,
    /// In a child of this process.
    next: OnceLock<Box<Life>>,
}

impl Life {
    fn new() -> Self {
        Self { shared: Arc::default(), epoch: ids::epoch(), next: OnceLock::new() }
    }
}

/// Sends the metrics of a process. See the module's documentation.
pub struct MetricsExporter {
    recipe: Recipe,
    life: Life,
}

impl std::fmt::Debug for MetricsExporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetricsExporter").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl MetricsExporter {
    /// To an OTLP receiver over HTTP. `log` gets a line when the receiver goes down, comes back, or takes no metrics; it
    /// is called on the exporter's thread.
    ///
    /// # Errors
    /// [`OptionError`] for options that cannot work, certificates that cannot be read.
    pub fn otlp(
        options: MetricsOptions,
        resource: Resource,
        metrics: Arc<Lives>,
        log: Log,
    ) -> Result<Self, OptionError> {
        options.check()?;
        let target = Target::new(&options.otlp)?;
        let otlp = options.otlp.clone();
        let destination = Box::new(move || Destination::otlp(&otlp, target.clone()));
        Ok(Self { recipe: Recipe { options, resource, metrics, log, destination }, life: Life::new() })
    }

    /// As lines of OTLP JSON to what `open` returns.
    #[must_use]
    pub fn console(
        options: MetricsOptions,
        open: impl Fn() -> Box<dyn Write + Send> + Send + Sync + 'static,
        resource: Resource,
        metrics: Arc<Lives>,
        log: Log,
    ) -> Self {
        let destination = Box::new(move || Destination::Console(open()));
        Self { recipe: Recipe { options, resource, metrics, log, destination }, life: Life::new() }
    }

    /// What belongs to this process: after a fork something new.
    fn shared(&self) -> &Arc<Shared> {
        let epoch = ids::epoch();
        let mut life = &self.life;
        while life.epoch != epoch {
            life = life.next.get_or_init(|| Box::new(Life::new()));
        }
        &life.shared
    }

    /// Starts the thread in this process, if it was never started here.
    pub fn start(&self) {
        let shared = self.shared();
        if !shared.claim_start() {
            return;
        }
        let worker = self.recipe.worker(Arc::clone(shared));
        let spawned = thread::Builder::new().name("wirespan-metrics".to_owned()).spawn(|| worker.run());
        if let Err(error) = spawned {
            shared.lock().is_running = false;
            (self.recipe.log)(&format!("cannot start the thread for metrics, they are not sent: {error}"));
        }
    }

    /// Asks for a report now; [`MetricsExporter::wait`] waits for it.
    #[must_use]
    pub fn ask(&self) -> u64 {
        let shared = self.shared();
        let mut store = shared.lock();
        store.asked += 1;
        shared.ready.notify_one();
        store.asked
    }

    /// Waits until a report that was asked for was tried, whether it arrived or not. Returns whether that was in time.
    #[must_use]
    pub fn wait(&self, report: u64, timeout: Duration) -> bool {
        let shared = self.shared();
        let is_over = |store: &Store| store.tried >= report || !store.is_running;
        let (store, _) = shared
            .progress
            .wait_timeout_while(shared.lock(), timeout.min(LONGEST), |store| !is_over(store))
            .unwrap_or_else(PoisonError::into_inner);
        is_over(&store)
    }

    /// Sends a last report and ends the thread; [`MetricsExporter::wait_end`] waits for that.
    pub fn close(&self, timeout: Duration) {
        let shared = self.shared();
        let mut store = shared.lock();
        store.closing.get_or_insert(Instant::now() + timeout.min(LONGEST));
        shared.ready.notify_one();
    }

    /// Waits for the thread's end. Returns whether it came in time.
    #[must_use]
    pub fn wait_end(&self, timeout: Duration) -> bool {
        let shared = self.shared();
        let (store, _) = shared
            .progress
            .wait_timeout_while(shared.lock(), timeout.min(LONGEST), |store| store.is_running)
            .unwrap_or_else(PoisonError::into_inner);
        !store.is_running
    }

    /// The state now.
    #[must_use]
    pub fn status(&self) -> MetricsStatus {
        self.shared().lock().status.clone()
    }
}

impl Drop for MetricsExporter {
    fn drop(&mut self) {
        // Nobody waits for the last report here.
        self.close(Duration::ZERO);
    }
}
