//! The access log: one line for each finished exchange, whatever its end.
//!
//! The engine's thread pushes the exchange into a bounded buffer ([`queue`]) and is done; formatting and writing
//! happen on the log's own thread ([`writer`]). Nothing here ever blocks or fails a request: when the buffer is
//! full or the target cannot be written, lines are dropped, counted, and the log says so itself where the next
//! line is written. `written + dropped` is the number of finished exchanges once the log is flushed.
//!
//! No bytes of a client can end a line, a string or reach a terminal ([`escape`]).
//!
//! The thread starts with the first exchange. A process that forks afterwards has no such thread in the child:
//! create the log in the process that serves.

mod atoms;
mod escape;
mod field;
mod format;
mod json;
mod pretty;
mod queue;
mod stamp;
mod target;
#[cfg(test)]
mod tests;
mod widths;
mod writer;

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;

pub use field::FIELDS;
pub use target::Target;

use self::format::Format;
use self::queue::{Pushed, Queue};
use self::writer::Writer;
use super::Sink;
use crate::exchange::Exchange;

/// How long dropping the log waits for its last lines. Call [`AccessLog::close`] to choose.
const DROP_TIMEOUT: Duration = Duration::from_secs(2);

/// What is written, where, and how much may wait.
#[derive(Debug)]
pub struct Options {
    /// `json`, `combined`, `pretty` or a format string of atoms such as `%(h)s "%(r)s" %(s)s`.
    pub format: String,
    /// Where the lines go.
    pub target: Target,
    /// Exchanges that may wait for the thread; more are dropped. One takes one to two KiB.
    pub capacity: usize,
    /// Colours, in `pretty` only.
    pub color: bool,
    /// Width of the terminal that `pretty` lines must fit; None where they may be as long as they are.
    pub columns: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: "json".to_owned(),
            target: Target::Stdout,
            capacity: 16_384,
            color: false,
            columns: None,
        }
    }
}

/// Why a log could not be made. All of these are the operator's to correct.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Neither a name nor a format string.
    #[error(
        "unknown access log format `{0}`: write json, combined, pretty or a format string with atoms such as %(h)s"
    )]
    UnknownFormat(String),
    /// A format string that cannot be compiled.
    #[error("access log format, character {at}: {what}")]
    Format {
        /// What is wrong, and what would be right.
        what: String,
        /// Where, 1 for the first character.
        at: usize,
    },
    /// A capacity of 0.
    #[error("the access log's capacity must be at least 1")]
    Capacity,
    /// The target could not be opened.
    #[error("cannot open the access log{}: {source}", path.as_ref().map(|p| format!(" {}", p.display())).unwrap_or_default())]
    Target {
        /// The file, if it is one.
        path: Option<PathBuf>,
        /// What the operating system says.
        source: std::io::Error,
    },
}

/// A sink that writes one line for each exchange.
#[derive(Debug)]
pub struct AccessLog {
    queue: Arc<Queue>,
    /// Until the thread takes it.
    writer: Arc<Mutex<Option<Writer>>>,
    started: AtomicBool,
    path: Option<PathBuf>,
    replacement: Arc<Mutex<Option<File>>>,
}

impl AccessLog {
    /// Checks the options and opens the target.
    ///
    /// # Errors
    /// [`SetupError`] says which option is wrong.
    pub fn new(options: Options) -> Result<Self, SetupError> {
        if options.capacity == 0 {
            return Err(SetupError::Capacity);
        }
        // A system without zone data logs in UTC.
        let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
        let format = Format::parse(&options, zone)?;
        let path = options.target.path().map(ToOwned::to_owned);
        let file =
            options.target.open().map_err(|source| SetupError::Target { path: path.clone(), source })?;
        let replacement = Arc::default();
        let writer = Writer::new(file, Arc::clone(&replacement));
        Ok(Self {
            queue: Arc::new(Queue::new(format, options.capacity)),
            writer: Arc::new(Mutex::new(Some(writer))),
            started: AtomicBool::new(false),
            path,
            replacement,
        })
    }

    /// Starts the thread now instead of with the first exchange.
    ///
    /// # Errors
    /// What the operating system says when it gives us no thread. The next exchange tries again.
    pub fn start(&self) -> std::io::Result<()> {
        if self.started.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let (queue, slot) = (Arc::clone(&self.queue), Arc::clone(&self.writer));
        queue.set_running(true);
        let run = move || {
            let writer = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(writer) = writer {
                writer.run(&queue);
            }
            queue.set_running(false);
        };
        let spawned = std::thread::Builder::new().name("wirespan-log".to_owned()).spawn(run);
        if spawned.is_err() {
            self.queue.set_running(false);
            self.started.store(false, Ordering::Relaxed);
        }
        spawned.map(drop)
    }

    /// Lines that were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.queue.written()
    }

    /// Exchanges without a line: the buffer was full, writing failed, or the log was closed.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Opens the path anew, after a log rotation renamed the file. Lines that wait go to the new file; none is
    /// lost. Does nothing for other targets.
    ///
    /// # Errors
    /// The file cannot be opened: the old one stays in use.
    pub fn reopen(&self) -> std::io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let file = target::open_path(path)?;
        *self.replacement.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        self.queue.nudge();
        Ok(())
    }

    /// Waits until all that was finished before is written. Returns false when the time was too short or lines
    /// were lost meanwhile.
    #[must_use]
    pub fn flush(&self, timeout: Duration) -> bool {
        self.start_for_pending();
        self.queue.flush(timeout)
    }

    /// Writes all that was finished before and ends the thread; exchanges that finish later are dropped. Returns
    /// false when the time was too short or lines were lost meanwhile. A second call changes nothing.
    pub fn close(&self, timeout: Duration) -> bool {
        self.start_for_pending();
        self.queue.close(timeout)
    }

    fn start_for_pending(&self) {
        if self.queue.has_pending() {
            // Without a thread the caller gets false, and the counters say the rest.
            _ = self.start();
        }
    }
}

impl Sink for AccessLog {
    fn finish(&self, exchange: &Arc<Exchange>) {
        if self.queue.push(exchange) == Pushed::Edge {
            // Where the system gives us no thread the buffer fills and drops are counted.
            _ = self.start();
            self.queue.wake();
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.close(DROP_TIMEOUT);
    }
}
