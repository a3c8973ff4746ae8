//! The log's own thread: takes batches, formats them into one buffer and writes that with one call.

use std::fs::File;
use std::io::{Error, Write as _};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use super::format::Format;
use super::queue::Queue;
use super::target::write_all;
use crate::exchange::Exchange;
use crate::trace::Clock;

/// Bytes formatted before they are written. A batch of a whole full buffer would be tens of megabytes.
const CHUNK: usize = 64 * 1024;

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    format: Format,
    file: File,
    /// Put here by `reopen`, taken before the next write.
    replacement: Arc<Mutex<Option<File>>>,
    out: Vec<u8>,
    /// Lines at the start of `out` that are no exchange's.
    lead: u64,
    /// Dropped exchanges that the log itself has told of.
    told: u64,
    /// `told`, once `out` is written.
    telling: u64,
    /// The last write ended within a line.
    torn: bool,
    /// Writing fails, and that was said.
    failing: bool,
}

impl Writer {
    pub(super) fn new(format: Format, file: File, replacement: Arc<Mutex<Option<File>>>) -> Self {
        Self {
            format,
            file,
            replacement,
            out: Vec::with_capacity(CHUNK / 4),
            lead: 0,
            told: 0,
            telling: 0,
            torn: false,
            failing: false,
        }
    }

    /// Runs until the queue is closed.
    pub(super) fn run(mut self, queue: &Queue) {
        let mut batch = Vec::new();
        loop {
            let goes_on = queue.take(&mut batch);
            self.write_batch(&mut batch, queue);
            if !goes_on {
                return;
            }
        }
    }

    fn write_batch(&mut self, batch: &mut Vec<Arc<Exchange>>, queue: &Queue) {
        if let Some(file) = self.replacement.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.file = file;
            self.torn = false;
        }
        let now = Clock::System.wall();
        let count = batch.len();
        self.begin_chunk(queue, now);
        for exchange in batch.drain(..) {
            self.format.write(&exchange, now, &mut self.out);
            if self.out.len() >= CHUNK {
                self.write_chunk(queue);
                self.begin_chunk(queue, now);
            }
        }
        self.write_chunk(queue);
        queue.settle(count);
    }

    /// Ends a line that a failed write left torn, and tells of what was dropped since the log last did.
    fn begin_chunk(&mut self, queue: &Queue, now: u64) {
        self.out.clear();
        self.lead = u64::from(self.torn);
        if self.torn {
            self.out.push(b'\n');
        }
        self.telling = queue.dropped();
        if self.telling > self.told {
            self.lead += 1;
            self.format.write_dropped(self.telling - self.told, now, &mut self.out);
        }
    }

    /// Writes what is formatted. What cannot be written is dropped and counted: the next chunk tries again.
    fn write_chunk(&mut self, queue: &Queue) {
        let result = write_all(&mut self.file, &self.out, || queue.is_abandoned());
        let reached = result.as_ref().map_or_else(|(reached, _)| *reached, |()| self.out.len());
        let lines = count_lines(&self.out[..reached]);
        queue.count_written(lines.saturating_sub(self.lead));
        if lines >= self.lead {
            self.told = self.telling;
        }
        if reached > 0 {
            self.torn = self.out[reached - 1] != b'\n';
        }
        match result {
            Ok(()) => self.failing = false,
            Err((_, error)) => {
                let missing = count_lines(&self.out[reached..]);
                queue.count_dropped(missing - self.lead.saturating_sub(lines));
                self.report(&error);
            }
        }
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
