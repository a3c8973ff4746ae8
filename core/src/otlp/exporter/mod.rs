//! Finished spans to where they are wanted, without ever holding up who finished them.
//!
//! Path of a span: [`Exporter::push`] -> `inbox` (bounded, one lock) -> `worker` (the exporter's thread) -> a
//! destination: `delivery` (OTLP, with `http`, `answer`, `backoff` and `spool`), `console` or `memory`.
//!
//! Metrics have an exporter of their own ([`metrics`]), which shares what comes after the queue.
//!
//! Threads and `fork`: making an exporter starts no thread and takes no lock in the spool. The first push, or
//! [`Exporter::start`], does. Threads do not survive a fork, and the queue's lock may have been held, so the child gets
//! a life of its own at first use: an empty queue, a thread, its own process id among the resource's attributes. What
//! the parent had queued stays the parent's.

mod answer;
mod backoff;
mod console;
mod delivery;
mod http;
mod inbox;
mod life;
mod memory;
pub mod metrics;
mod operations;
mod several;
mod spool;
mod status;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use self::console::Console;
use self::delivery::Delivery;
use self::http::Target;
use self::inbox::{Inbox, Pushed};
use self::life::{Life, Recipe};
use self::memory::Memory;
pub(crate) use self::operations::{Ending, Operations};
use self::spool::Spool;
use self::worker::{Destination, Ledger};
use super::encode::{Encoder, Encoding};
use super::options::{LONGEST, OptionError, Options, Signal};
use super::span::{Resource, Text};
use crate::sinks::opentelemetry::{Item, SpanSink};

pub use http::Post;
pub use memory::MemorySpans;
pub use several::Exporters;
pub use status::{Dropped, Receiver, Spooled, Status};
pub use worker::Log;

/// Spans that an in-memory exporter keeps.
const MEMORY_CAPACITY: usize = 100_000;

/// The one door for finished spans. Shared by all threads that finish some.
pub struct Exporter {
    recipe: Recipe,
    takes_encoded: bool,
    /// Host and port of the receiver, where there is one.
    receiver: Option<(Text, u16)>,
    /// In the process that made it; forked ones have their own, found from here.
    life: Life,
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
        open_spool(options)?; // the thread's own comes when it starts: wrong options are told here
        let (own, resource) = (options.clone(), resource.clone());
        let mut exporter = Self::new(options, log, move |inbox, ledger| {
            let encoder = Encoder::new(&resource.of_this_process(), own.encoding, own.is_gzip);
            let spool = open_spool(&own).unwrap_or_else(|error| {
                ledger.log(&format!("spans wait in memory only: {error}"));
                None
            });
            Box::new(Delivery::new(&own, target.clone(), encoder, spool, inbox, ledger))
        });
        exporter.takes_encoded = options.encoding == Encoding::Protobuf;
        exporter.receiver = options.host();
        Ok(exporter)
    }

    /// As lines of OTLP JSON to what `open` returns, without delay.
    #[must_use]
    pub fn console(
        open: impl Fn() -> Box<dyn Write + Send> + Send + Sync + 'static,
        resource: &Resource,
        log: Log,
    ) -> Self {
        let options = Options { schedule_delay: Duration::ZERO, ..Options::new(Signal::Traces) };
        let resource = resource.clone();
        Self::new(&options, log, move |_, ledger| {
            let encoder = Encoder::new(&resource.of_this_process(), Encoding::Json, false);
            Box::new(Console { encoder, out: open(), ledger })
        })
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
        let exporter = Self::new(&options, Arc::new(|_: &str| ()), move |_, ledger| {
            Box::new(Memory { spans: kept.clone(), capacity: MEMORY_CAPACITY, ledger })
        });
        (exporter, spans)
    }

    fn new(
        options: &Options,
        log: Log,
        destination: impl Fn(Arc<Inbox>, Arc<Ledger>) -> Box<dyn Destination> + Send + Sync + 'static,
    ) -> Self {
        let recipe = Recipe {
            capacity: options.max_queue_size,
            batch: options.max_batch_size,
            delay: options.schedule_delay,
            log,
            destination: Box::new(destination),
        };
        let life = Life::new(&recipe);
        Self { recipe, takes_encoded: false, receiver: None, life }
    }

    fn life(&self) -> &Life {
        self.life.of_this_process(&self.recipe)
    }

    /// Takes a finished span: one lock and one move, never a wait. Without room it is dropped and counted.
    pub fn push(&self, span: impl Into<Item>) {
        let life = self.life();
        self.act(life, life.inbox.push(span.into()));
    }

    fn act(&self, life: &Life, pushed: Pushed) {
        match pushed {
            Pushed::Quietly => {}
            Pushed::Edge => life.inbox.wake(),
            Pushed::Unattended => life.start(&self.recipe),
        }
    }

    /// Starts the exporter's thread in this process, if it does not run. With a spool, what dead processes left in it
    /// is sent from now on, also if no span is ever pushed.
    pub fn start(&self) {
        self.life().start(&self.recipe);
    }

    /// Says something to the operator, from a thread that must not wait: the exporter's thread writes it.
    pub fn tell(&self, line: &'static str) {
        let inbox = &self.life().inbox;
        inbox.put_notice(line);
        inbox.wake();
    }

    /// Sends what was pushed before, without waiting for a full batch. Returns whether all of it left memory within
    /// `timeout`: delivered, in the spool, or lost and counted. Never takes longer.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.life().inbox.flush(timeout.min(LONGEST))
    }

    /// Sends what can be sent within `timeout`, puts the rest into the spool or counts it as lost, and ends the
    /// thread. Returns whether that was done in time. Never takes longer. Spans that come later are lost and counted.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        self.life().inbox.close(timeout.min(LONGEST))
    }

    /// Host and port of the receiver, where there is one.
    pub(crate) fn receiver(&self) -> Option<(Text, u16)> {
        self.receiver.clone()
    }

    /// How long exports took.
    pub(crate) fn operations(&self) -> Operations {
        self.life().ledger.operations()
    }

    /// The state now.
    #[must_use]
    pub fn status(&self) -> Status {
        let life = self.life();
        let mut status = life.ledger.update(|status| status.clone());
        let counts = life.inbox.counts();
        (status.queued, status.capacity) = (counts.queued, self.recipe.capacity as u64);
        (status.waiting, status.processed) = (counts.waiting, counts.taken);
        status.dropped.queue_full = counts.overflowed;
        status.dropped.already_shutdown = counts.late;
        status
    }
}

/// The spool that the options ask for.
fn open_spool(options: &Options) -> Result<Option<Spool>, OptionError> {
    let open = |dir: &std::path::PathBuf| {
        let wrong = |error| OptionError(format!("cannot use {} as spool_dir: {error}", dir.display()));
        Spool::open(dir, options.spool_max_bytes).map_err(wrong)
    };
    options.spool_dir.as_ref().map(open).transpose()
}

impl SpanSink for Exporter {
    fn push(&self, item: Item) {
        Self::push(self, item);
    }

    fn push_encoded(&self, write: &mut dyn FnMut(&mut Vec<u8>)) -> bool {
        if self.takes_encoded {
            let life = self.life();
            self.act(life, life.inbox.push_encoded(write));
        }
        self.takes_encoded
    }

    fn tell(&self, line: &'static str) {
        Self::tell(self, line);
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // Without a shutdown before, what is in memory goes to the spool or is lost. Nobody waits for it here.
        self.shutdown(Duration::ZERO);
    }
}
