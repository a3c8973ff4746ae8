//! What an exporter tells about itself.

use std::time::{SystemTime, UNIX_EPOCH};

/// Spans that nobody will see, by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// There was no room in memory: the receiver is slow or down and there is no spool.
    pub queue_full: u64,
    /// The receiver refused the batch for good, for example with 400.
    pub refused: u64,
    /// The receiver took the batch but not these spans (partial success).
    pub rejected: u64,
    /// The batch failed for longer than `export_timeout` and its room was needed.
    pub given_up: u64,
    /// The spool was full and these were its oldest.
    pub spool_full: u64,
    /// The spool could not be written or read.
    pub spool_failed: u64,
    /// The time for the shutdown was over.
    pub shutdown: u64,
    /// The span ended after the shutdown.
    pub already_shutdown: u64,
}

impl Dropped {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.queue_full
            + self.refused
            + self.rejected
            + self.given_up
            + self.spool_full
            + self.spool_failed
            + self.shutdown
            + self.already_shutdown
    }
}

/// What is known about the receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Receiver {
    /// Nothing was sent yet.
    #[default]
    Unknown,
    /// The last request was answered and not put off.
    Up,
    /// The last request must be tried again.
    Down,
}

/// What waits in the spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spooled {
    /// Spans.
    pub spans: u64,
    /// Batches.
    pub batches: u64,
    /// Bytes on the disk, delivered batches of a file that is still needed included.
    pub bytes: u64,
}

/// The state of an exporter at one moment. Counts since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Spans in memory, those on their way included.
    pub queued: u64,
    /// Most spans in memory.
    pub capacity: u64,
    /// Spans that wait to be taken by the exporter's thread.
    pub waiting: u64,
    /// Spans that it has taken, whatever became of them.
    pub processed: u64,
    /// Spans on their way to the receiver, the wait between two tries included.
    pub in_flight: u64,
    /// Spans that the receiver has.
    pub exported: u64,
    /// Spans that are lost.
    pub dropped: Dropped,
    /// Requests that came back.
    pub requests: u64,
    /// Requests among them that failed, tried again or not.
    pub failed: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
    /// What waits in the spool.
    pub spooled: Spooled,
    /// Whether the receiver works.
    pub receiver: Receiver,
    /// Since when `receiver` is what it is: nanoseconds since 1970; 0 while it is unknown.
    pub since_unix_ns: u64,
}

impl Status {
    /// Notes what the last request says about the receiver. Returns whether that changed.
    pub(super) fn set_receiver(&mut self, receiver: Receiver) -> bool {
        let is_new = self.receiver != receiver;
        if is_new {
            self.receiver = receiver;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.since_unix_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        }
        is_new
    }
}
