//! Metrics to where they are wanted, once a minute.
//!
//! Nothing waits in a queue here: what is counted stays with [`Metrics`], and a report that does not arrive is contained in
//! the next one, cumulative or delta. So a receiver that is down costs one report in memory and nothing else, and there is
//! no spool. Within its interval a report is tried again as OTLP asks; the next interval makes a new one instead.
//!
//! Threads and `fork`: as for spans. [`MetricsExporter::start`] starts the thread, in the process that serves.

mod options;
mod round;
mod status;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub use options::MetricsOptions;
pub use status::MetricsStatus;

use self::round::{Destination, Worker};
use super::Log;
use super::answer::Answer;
use super::http::Target;
use crate::metrics::Metrics;
use crate::otlp::encode::Encoding;
use crate::otlp::encode::metrics::MetricsEncoder;
use crate::otlp::options::{LONGEST, OptionError};
use crate::otlp::span::Resource;

/// What the threads share, under the lock.
#[derive(Debug, Default)]
struct Store {
    /// The answer of a request.
    answer: Option<Answer>,
    /// Reports that were asked for, and those that were made and tried.
    asked: u64,
    tried: u64,
    /// All must be over by then.
    closing: Option<Instant>,
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

    fn put_answer(&self, answer: Answer) {
        self.lock().answer = Some(answer);
        self.ready.notify_one();
    }
}

/// Sends the metrics of a process. See the module's documentation.
pub struct MetricsExporter {
    shared: Arc<Shared>,
    /// Taken by the thread when it starts.
    worker: Mutex<Option<Worker>>,
    log: Log,
    /// The process in which the thread runs; 0: in none yet.
    process: AtomicU32,
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
        options: &MetricsOptions,
        resource: &Resource,
        metrics: Arc<Metrics>,
        log: Log,
    ) -> Result<Self, OptionError> {
        options.check()?;
        let target = Target::new(&options.otlp)?;
        let encoder = MetricsEncoder::new(resource, options.otlp.encoding, options.otlp.is_gzip);
        Ok(Self::new(options, metrics, encoder, Destination::otlp(&options.otlp, target), log))
    }

    /// As lines of OTLP JSON to `out`.
    #[must_use]
    pub fn console(
        options: &MetricsOptions,
        out: Box<dyn Write + Send>,
        resource: &Resource,
        metrics: Arc<Metrics>,
        log: Log,
    ) -> Self {
        let encoder = MetricsEncoder::new(resource, Encoding::Json, false);
        Self::new(options, metrics, encoder, Destination::Console(out), log)
    }

    fn new(
        options: &MetricsOptions,
        metrics: Arc<Metrics>,
        encoder: MetricsEncoder,
        destination: Destination,
        log: Log,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let parts = (Arc::clone(&shared), metrics, encoder, destination);
        let worker = Mutex::new(Some(Worker::new(options, parts, Arc::clone(&log))));
        Self { shared, worker, log, process: AtomicU32::new(0) }
    }

    /// Starts the thread in this process, if it does not run.
    pub fn start(&self) {
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(worker) = worker else { return };
        self.shared.lock().is_running = true;
        self.process.store(std::process::id(), Ordering::Relaxed);
        let spawned = thread::Builder::new().name("wirespan-metrics".to_owned()).spawn(|| worker.run());
        if let Err(error) = spawned {
            self.shared.lock().is_running = false;
            (self.log)(&format!("cannot start the thread for metrics, they are not sent: {error}"));
        }
    }

    /// Asks for a report now; [`MetricsExporter::wait`] waits for it.
    #[must_use]
    pub fn ask(&self) -> u64 {
        if self.is_forked() {
            return 0;
        }
        let mut store = self.shared.lock();
        store.asked += 1;
        self.shared.ready.notify_one();
        store.asked
    }

    /// Waits until a report that was asked for was tried, whether it arrived or not. Returns whether that was in time.
    #[must_use]
    pub fn wait(&self, report: u64, timeout: Duration) -> bool {
        if self.is_forked() {
            return false;
        }
        let is_over = |store: &Store| store.tried >= report || !store.is_running;
        let (store, _) = self
            .shared
            .progress
            .wait_timeout_while(self.shared.lock(), timeout.min(LONGEST), |store| !is_over(store))
            .unwrap_or_else(PoisonError::into_inner);
        is_over(&store)
    }

    /// Sends a last report and ends the thread; [`MetricsExporter::wait_end`] waits for that.
    pub fn close(&self, timeout: Duration) {
        if self.is_forked() {
            return;
        }
        let mut store = self.shared.lock();
        store.closing.get_or_insert(Instant::now() + timeout.min(LONGEST));
        self.shared.ready.notify_one();
    }

    /// Waits for the thread's end. Returns whether it came in time.
    #[must_use]
    pub fn wait_end(&self, timeout: Duration) -> bool {
        if self.is_forked() {
            return false;
        }
        let (store, _) = self
            .shared
            .progress
            .wait_timeout_while(self.shared.lock(), timeout.min(LONGEST), |store| store.is_running)
            .unwrap_or_else(PoisonError::into_inner);
        !store.is_running
    }

    /// Whether the thread was started in another process: then it is not here, and the lock may have been held.
    fn is_forked(&self) -> bool {
        let process = self.process.load(Ordering::Relaxed);
        process != 0 && process != std::process::id()
    }

    /// The state now.
    #[must_use]
    pub fn status(&self) -> MetricsStatus {
        self.shared.lock().status.clone()
    }
}

impl Drop for MetricsExporter {
    fn drop(&mut self) {
        // Nobody waits for the last report here.
        self.close(Duration::ZERO);
    }
}
