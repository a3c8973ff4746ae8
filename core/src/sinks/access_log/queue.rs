//! The bounded buffer between the engine's thread and the log's thread.
//!
//! Pushing is one lock, under which the line is formatted: there the exchange is still in the processor's cache, and its
//! memory is free again for the next one. (Handing the exchanges over instead cost 1.3 us a request more where server
//! and thread share a core: bench, hello.) The log's thread only writes. It sleeps while the buffer is empty and is woken on few edges
//! only: empty to not empty, half of the lines, and [`ENOUGH_BYTES`]. Between the two it gathers, so that a busy server pays for a few
//! wake-ups a second and not for one a request. It holds the lock only to swap the buffer for an empty one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::format::Format;
use crate::exchange::Exchange;
use crate::trace::Clock;

/// How long the thread gathers after the first exchange: long beside a wake-up, short for somebody who watches.
const GATHER: Duration = Duration::from_millis(30);

/// So much is worth a write. The buffer stays this small on a busy server, and so in the processor's cache.
const ENOUGH_BYTES: usize = 256 << 10;

/// Lines that wait never hold more than this, whatever their number: a path may be long.
const MAX_BYTES: usize = 64 << 20;

/// What the two threads share, under the lock.
#[derive(Debug)]
struct Buffer {
    format: Format,
    lines: Lines,
    /// Exchanges ever taken in.
    pushed: u64,
    /// Of those, how many are written or given up.
    settled: u64,
    /// Somebody waits for `settled`: do not gather.
    hurry: bool,
    /// Nothing is taken in any more.
    closed: bool,
    /// Asks the thread for one round even if there is nothing to write.
    nudged: bool,
    /// The thread exists.
    running: bool,
}

/// Formatted lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    pub(super) count: usize,
}

/// The buffer and its counters.
#[derive(Debug)]
pub(super) struct Queue {
    buffer: Mutex<Buffer>,
    /// There is something to do.
    ready: Condvar,
    /// `settled` has grown.
    progress: Condvar,
    capacity: usize,
    written: AtomicU64,
    dropped: AtomicU64,
    abandoned: AtomicBool,
}

/// What one push did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// Nothing to do.
    Quietly,
    /// The thread should look.
    Edge,
}

impl Queue {
    pub(super) fn new(format: Format, capacity: usize) -> Self {
        let buffer = Buffer {
            format,
            lines: Lines::default(),
            pushed: 0,
            settled: 0,
            hurry: false,
            closed: false,
            nudged: false,
            running: false,
        };
        Self {
            buffer: Mutex::new(buffer),
            ready: Condvar::new(),
            progress: Condvar::new(),
            capacity,
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        // Nothing panics while the lock is held, and the data is plain.
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an exchange in, or drops and counts it.
    pub(super) fn push(&self, exchange: &Exchange) -> Pushed {
        let mut buffer = self.lock();
        let len = buffer.lines.count + 1;
        if len > self.capacity || buffer.lines.bytes.len() > MAX_BYTES || buffer.closed {
            self.count_dropped(1);
            return Pushed::Quietly;
        }
        let was_enough = self.has_enough(&buffer.lines);
        let Buffer { format, lines, .. } = &mut *buffer;
        format.write(exchange, &mut lines.bytes);
        lines.count = len;
        buffer.pushed += 1;
        let is_enough = !was_enough && self.has_enough(&buffer.lines);
        if len == 1 || is_enough { Pushed::Edge } else { Pushed::Quietly }
    }

    /// Whether it is time to write, however short the thread has gathered.
    const fn has_enough(&self, lines: &Lines) -> bool {
        lines.count >= self.half() || lines.bytes.len() >= ENOUGH_BYTES
    }

    const fn half(&self) -> usize {
        self.capacity.div_ceil(2)
    }

    /// Wakes the thread.
    pub(super) fn wake(&self) {
        self.ready.notify_one();
    }

    /// Makes the thread do one round even if there is nothing to write.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.wake();
    }

    /// For the thread: waits until there is something to do, gathers, and swaps the lines for `batch`, which is
    /// empty. Returns false once the queue is closed and this was the last batch.
    pub(super) fn take(&self, batch: &mut Lines) -> bool {
        let mut buffer = self.lock();
        while buffer.lines.count == 0 && !(buffer.closed || buffer.nudged) {
            buffer = self.ready.wait(buffer).unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + GATHER;
        while !(buffer.closed || buffer.hurry || buffer.nudged || self.has_enough(&buffer.lines)) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            buffer = self.ready.wait_timeout(buffer, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut buffer.lines, batch);
        (buffer.hurry, buffer.nudged) = (false, false);
        !buffer.closed
    }

    /// For the thread: appends the line that tells of dropped exchanges.
    pub(super) fn put_dropped(&self, count: u64, out: &mut Vec<u8>) {
        self.lock().format.write_dropped(count, Clock::System.wall(), out);
    }

    /// For the thread: this many were taken and are dealt with.
    pub(super) fn settle(&self, count: usize) {
        self.lock().settled += count as u64;
        self.progress.notify_all();
    }

    /// The thread exists from here on, or no longer does.
    pub(super) fn set_running(&self, running: bool) {
        self.lock().running = running;
        self.progress.notify_all();
    }

    /// Whether exchanges wait for the thread.
    pub(super) fn has_pending(&self) -> bool {
        let buffer = self.lock();
        buffer.settled < buffer.pushed
    }

    /// Waits until all that was pushed before is dealt with. Returns whether that came in time and nothing was
    /// lost on the way.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let mut buffer = self.lock();
        let goal = buffer.pushed;
        buffer.hurry |= buffer.settled < goal;
        self.wait(buffer, timeout, |buffer| buffer.settled >= goal || !buffer.running)
    }

    /// Takes nothing in any more and waits for the thread's end. Returns as [`Queue::flush`] does.
    pub(super) fn close(&self, timeout: Duration) -> bool {
        let mut buffer = self.lock();
        buffer.closed = true;
        let is_clean = self.wait(buffer, timeout, |buffer| !buffer.running);
        self.abandoned.store(true, Ordering::Relaxed);
        is_clean
    }

    fn wait(
        &self,
        buffer: MutexGuard<'_, Buffer>,
        timeout: Duration,
        is_over: impl Fn(&Buffer) -> bool,
    ) -> bool {
        let dropped = self.dropped();
        let goal = buffer.pushed;
        self.wake();
        let (buffer, _) = self
            .progress
            .wait_timeout_while(buffer, timeout, |buffer| !is_over(buffer))
            .unwrap_or_else(PoisonError::into_inner);
        is_over(&buffer) && buffer.settled >= goal && self.dropped() == dropped
    }

    /// Whether nobody waits for the thread any more, so that it should not wait for a slow reader.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }

    pub(super) fn count_dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn count_written(&self, count: u64) {
        self.written.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}
