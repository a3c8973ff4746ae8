//! Finished spans to where they are wanted, without ever holding up who finished them.
//!
//! Path of a span: [`Exporter::push`] -> `inbox` (bounded, one lock) -> `worker` (the exporter's thread) -> a
//! destination: `delivery` (OTLP, with `http`, `answer`, `backoff` and `spool`), `console` or `memory`.
//!
//! Metrics have an exporter of their own ([`metrics`]), which shares what comes after the queue.
//!
//! Threads and `fork`: making an exporter starts no thread and takes no lock in the spool. The first push, or
//! [`Exporter::start`], does. Make it before a fork if you like, push in the processes that serve. A process that
//! forks after its exporter started needs a new one in the child: threads do not survive a fork, and the queue's
//! lock may have been held. [`Exporter::flush`] and [`Exporter::shutdown`] return at once there.

mod answer;
mod backoff;
mod console;
mod delivery;
mod http;
mod inbox;
mod memory;
pub mod metrics;
mod spool;
mod status;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use self::console::Console;
use self::delivery::Delivery;
use self::http::Target;
use self::inbox::{Inbox, Pushed};
use self::memory::Memory;
use self::spool::Spool;
use self::worker::{Destination, Ledger};
use super::encode::{Encoder, Encoding};
use super::options::{LONGEST, OptionError, Options, Signal};
use super::span::Resource;
use crate::sinks::opentelemetry::{Item, SpanSink};

pub use memory::MemorySpans;
pub use status::{Dropped, Receiver, Spooled, Status};
pub use worker::Log;

/// Spans that an in-memory exporter keeps.
const MEMORY_CAPACITY: usize = 100_000;

/// The one door for finished spans. Shared by all threads that finish some.
pub struct Exporter {
    inbox: Arc<Inbox>,
    ledger: Arc<Ledger>,
    capacity: usize,
    /// How long no span must be dropped before we say that it is over.
    calm: Duration,
    /// Taken by the thread when it starts.
    destination: Mutex<Option<Box<dyn Destination>>>,
    /// The process in which the thread runs; 0: in none yet.
    process: AtomicU32,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Exporter {
    /// To an OTLP receiver over HTTP. `log` gets a line when the receiver goes down or comes back, when spans begin
    /// and cease to be dropped; it is called on the exporter's thread.
    ///
    /// # Errors
    /// [`OptionError`] for options that cannot work, certificates that cannot be read, a spool that cannot be made.
    pub fn otlp(options: &Options, resource: &Resource, log: Log) -> Result<Self, OptionError> {
        options.check()?;
        let target = Target::new(options)?;
        let encoder = Encoder::new(resource, options.encoding, options.is_gzip);
        let open = |dir: &std::path::PathBuf| {
            let wrong = |error| OptionError(format!("cannot use {} as spool_dir: {error}", dir.display()));
            Spool::open(dir, options.spool_max_bytes).map_err(wrong)
        };
        let spool = options.spool_dir.as_ref().map(open).transpose()?;
        Ok(Self::new(options, log, |inbox, ledger| {
            Box::new(Delivery::new(options, target, encoder, spool, inbox, ledger))
        }))
    }

    /// As lines of OTLP JSON to `out`, without delay.
    #[must_use]
    pub fn console(out: Box<dyn Write + Send>, resource: &Resource, log: Log) -> Self {
        let options = Options { schedule_delay: Duration::ZERO, ..Options::new(Signal::Traces) };
        let encoder = Encoder::new(resource, Encoding::Json, false);
        Self::new(&options, log, |_, ledger| Box::new(Console { encoder, out, ledger }))
    }

    /// Into memory, for tests.
    #[must_use]
    pub fn memory() -> (Self, MemorySpans) {
        let spans = MemorySpans::default();
        let kept = spans.clone();
        let options = Options {
            schedule_delay: Duration::ZERO,
            max_queue_size: MEMORY_CAPACITY,
            ..Options::new(Signal::Traces)
        };
        let exporter = Self::new(&options, Arc::new(|_: &str| ()), |_, ledger| {
            Box::new(Memory { spans: kept, capacity: MEMORY_CAPACITY, ledger })
        });
        (exporter, spans)
    }

    fn new(
        options: &Options,
        log: Log,
        destination: impl FnOnce(Arc<Inbox>, Arc<Ledger>) -> Box<dyn Destination>,
    ) -> Self {
        let (capacity, delay) = (options.max_queue_size, options.schedule_delay);
        let inbox = Arc::new(Inbox::new(capacity, options.max_batch_size, delay));
        let ledger = Arc::new(Ledger::new(log));
        let destination = destination(Arc::clone(&inbox), Arc::clone(&ledger));
        Self {
            inbox,
            ledger,
            capacity,
            calm: delay,
            destination: Mutex::new(Some(destination)),
            process: AtomicU32::new(0),
        }
    }

    /// Takes a finished span: one lock and one move, never a wait. Without room it is dropped and counted.
    pub fn push(&self, span: impl Into<Item>) {
        match self.inbox.push(span.into()) {
            Pushed::Quietly => {}
            Pushed::Edge => self.inbox.wake(),
            Pushed::Unattended => self.start(),
        }
    }

    /// Starts the exporter's thread in this process, if it does not run. With a spool, what dead processes left in it
    /// is sent from now on, also if no span is ever pushed.
    pub fn start(&self) {
        let mut destination = self.destination.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(destination) = destination.take().filter(|_| self.inbox.claim_start()) else { return };
        self.process.store(std::process::id(), Ordering::Relaxed);
        let (inbox, ledger, calm) = (Arc::clone(&self.inbox), Arc::clone(&self.ledger), self.calm);
        let thread = thread::Builder::new().name("wirespan-otlp".to_owned());
        let spawned = thread.spawn(move || worker::run(&inbox, destination, &ledger, calm));
        if let Err(error) = spawned {
            self.inbox.set_ended();
            self.ledger.log(&format!("cannot start the export thread, spans are dropped: {error}"));
        }
    }

    /// Sends what was pushed before, without waiting for a full batch. Returns whether all of it left memory within
    /// `timeout`: delivered, in the spool, or lost and counted. Never takes longer.
    pub fn flush(&self, timeout: Duration) -> bool {
        !self.is_forked() && self.inbox.flush(timeout.min(LONGEST))
    }

    /// Sends what can be sent within `timeout`, puts the rest into the spool or counts it as lost, and ends the
    /// thread. Returns whether that was done in time. Never takes longer. Spans that come later are lost and counted.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        !self.is_forked() && self.inbox.close(timeout.min(LONGEST))
    }

    /// Whether the thread was started in another process: then it is not here.
    fn is_forked(&self) -> bool {
        let process = self.process.load(Ordering::Relaxed);
        process != 0 && process != std::process::id()
    }

    /// The state now.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = self.ledger.update(|status| status.clone());
        let counts = self.inbox.counts();
        (status.queued, status.capacity) = (counts.queued, self.capacity as u64);
        (status.waiting, status.processed) = (counts.waiting, counts.taken);
        status.dropped.queue_full = counts.overflowed;
        status.dropped.shutdown += counts.late;
        status
    }
}

impl SpanSink for Exporter {
    fn push(&self, item: Item) {
        Self::push(self, item);
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // Without a shutdown before, what is in memory goes to the spool or is lost. Nobody waits for it here.
        self.shutdown(Duration::ZERO);
    }
}
