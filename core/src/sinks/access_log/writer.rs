//! The log's own thread: takes the lines that wait and writes them with one call.

use std::fs::File;
use std::io::{Error, Write as _};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use super::queue::{Lines, Queue};
use super::target::write_all;

/// Memory kept for the next batch.
const KEEP: usize = 1 << 20;

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    /// Put here by `reopen`, taken before the next write.
    replacement: Arc<Mutex<Option<File>>>,
    /// Dropped exchanges that the log itself has told of.
    told: u64,
    /// The last write ended within a line.
    torn: bool,
    /// Writing fails, and that was said.
    failing: bool,
}

impl Writer {
    pub(super) const fn new(file: File, replacement: Arc<Mutex<Option<File>>>) -> Self {
        Self { file, replacement, told: 0, torn: false, failing: false }
    }

    /// Runs until the queue is closed.
    pub(super) fn run(mut self, queue: &Queue) {
        let mut batch = Lines::default();
        loop {
            let goes_on = queue.take(&mut batch);
            self.write_batch(&batch, queue);
            queue.settle(batch.count);
            batch.count = 0;
            batch.bytes.clear();
            batch.bytes.shrink_to(KEEP);
            if !goes_on {
                return;
            }
        }
    }

    /// Writes a batch. What cannot be written is dropped and counted: the next batch tries again.
    fn write_batch(&mut self, batch: &Lines, queue: &Queue) {
        if let Some(file) = self.replacement.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.file = file;
            self.torn = false;
        }
        let lead = self.write_lead(queue);
        let (reached, result) = if lead.is_ok() { self.write(&batch.bytes, queue) } else { (0, lead) };
        let lines = count_lines(&batch.bytes[..reached]);
        queue.count_written(lines);
        queue.count_dropped(batch.count as u64 - lines);
        match result {
            Ok(()) => self.failing = false,
            Err(error) => self.report(&error),
        }
    }

    /// Ends a line that a failed write left torn, and tells of what was dropped since the log last did.
    fn write_lead(&mut self, queue: &Queue) -> Result<(), Error> {
        let dropped = queue.dropped();
        let mut lead = Vec::new();
        if self.torn {
            lead.push(b'\n');
        }
        if dropped > self.told {
            queue.put_dropped(dropped - self.told, &mut lead);
        }
        let (_, result) = self.write(&lead, queue);
        if result.is_ok() {
            self.told = dropped;
        }
        result
    }

    /// Writes all of it if it can. Returns how much it could.
    fn write(&mut self, bytes: &[u8], queue: &Queue) -> (usize, Result<(), Error>) {
        let (reached, result) = match write_all(&mut self.file, bytes, || queue.is_abandoned()) {
            Ok(()) => (bytes.len(), Ok(())),
            Err((reached, error)) => (reached, Err(error)),
        };
        if reached > 0 {
            self.torn = bytes[reached - 1] != b'\n';
        }
        (reached, result)
    }

    /// Says once that writing fails; again only after it worked.
    fn report(&mut self, error: &Error) {
        if !mem::replace(&mut self.failing, true) {
            // Where standard error is gone too there is nobody left to tell; the counters have it.
            _ = writeln!(
                std::io::stderr(),
                "wirespan: cannot write the access log, its lines are dropped: {error}"
            );
        }
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}
