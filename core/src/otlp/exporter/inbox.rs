//! The bounded queue between whoever finishes spans and the exporter's thread.
//!
//! A push is one lock, and one move or the writing of a span. It wakes the thread on a few edges only: the first span (a
//! delay begins, where the thread waits for one), as many as it waits for, three quarters of the room, and the first span
//! that finds no room. The thread takes all spans at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::answer::Response;
use crate::otlp::finished::Lot;
use crate::sinks::opentelemetry::Item;

/// What the threads share, under the lock.
#[derive(Debug, Default)]
struct Store {
    spans: Taken,
    /// When the first of `spans` came.
    since: Option<Instant>,
    /// So many of them wake the thread.
    enough: usize,
    /// The first one does, too.
    wants_first: bool,
    /// Spans ever taken in.
    pushed: u64,
    /// Of those, how many are out of memory: exported, spooled or lost.
    settled: u64,
    /// Spans that found no room.
    overflowed: u64,
    /// Spans that came after the end.
    late: u64,
    /// The thread knows of the overflow and looks at the count itself: no need to wake it for each span.
    is_overflow_known: bool,
    /// The thread should look, whatever it waits for.
    has_news: bool,
    /// Somebody asked for a flush or the end.
    is_nudged: bool,
    /// `flush` waits until so many are settled.
    goal: u64,
    /// Answers of requests, with the places of those in the sender's list.
    answers: Vec<(usize, Response)>,
    /// Something that the thread is to tell the operator.
    notice: Option<&'static str>,
    /// Nothing is taken in any more, and by when all should be over.
    closing: Option<Instant>,
    /// The thread exists.
    is_running: bool,
    /// It does, or did.
    was_started: bool,
}

/// When the thread wants spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appetite {
    /// When a batch is full or its delay is over.
    Due,
    /// When there are so many.
    Enough(usize),
    /// When three quarters of the room are taken.
    Crowded,
    /// Not now.
    None,
}

/// Spans, to be made or written already.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) items: Vec<Item>,
    pub(super) lot: Lot,
}

impl Taken {
    const fn len(&self) -> usize {
        self.items.len() + self.lot.len()
    }

    /// Moves all of `new` to here, where nothing is. The items by swapping, so that two allocations go back and forth.
    fn take_over(&mut self, new: &mut Self) {
        std::mem::swap(&mut self.items, &mut new.items);
        let next = new.lot.successor();
        self.lot = std::mem::replace(&mut new.lot, next);
    }
}

/// What the thread finds when it wakes.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Answers of requests, with the places of those in the sender's list.
    pub(super) answers: Vec<(usize, Response)>,
    /// Somebody just asked for a flush or the end: try now what would be tried later.
    pub(super) is_nudged: bool,
    /// There is no room for one more span.
    pub(super) is_full: bool,
    /// At least three quarters of the room are taken.
    pub(super) is_crowded: bool,
    /// All must be over by then.
    pub(super) closing: Option<Instant>,
    /// Spans that found no room so far.
    pub(super) overflowed: u64,
    /// To be told to the operator.
    pub(super) notice: Option<&'static str>,
}

/// What a push asks its caller to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// Nothing.
    Quietly,
    /// Wake the thread.
    Edge,
    /// Start the thread.
    Unattended,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Inbox {
    store: Mutex<Store>,
    /// There may be something to do for the thread.
    ready: Condvar,
    /// `settled` or `is_running` changed.
    progress: Condvar,
    capacity: u64,
    batch: usize,
    delay: Duration,
}

/// Numbers for a status report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) queued: u64,
    /// Not yet taken by the thread.
    pub(super) waiting: u64,
    /// Taken by it.
    pub(super) taken: u64,
    pub(super) overflowed: u64,
    pub(super) late: u64,
}

impl Inbox {
    pub(super) fn new(capacity: usize, batch: usize, delay: Duration) -> Self {
        Self {
            store: Mutex::new(Store { enough: batch, wants_first: true, ..Store::default() }),
            ready: Condvar::new(),
            progress: Condvar::new(),
            capacity: capacity as u64,
            batch,
            delay,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // The data is plain, and a lot takes back half a span: whatever panicked, all is right.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a span in, or counts it as lost.
    pub(super) fn push(&self, span: Item) -> Pushed {
        self.admit(|spans| spans.items.push(span))
    }

    /// Has a span written, or counts it as lost. Nothing written is no span.
    #[inline]
    pub(super) fn push_encoded(&self, write: impl FnOnce(&mut Vec<u8>)) -> Pushed {
        self.admit(|spans| spans.lot.append(write))
    }

    #[inline]
    fn admit(&self, add: impl FnOnce(&mut Taken)) -> Pushed {
        let mut store = self.lock();
        if store.closing.is_some() {
            store.late += 1;
            return Pushed::Quietly;
        }
        if store.pushed - store.settled >= self.capacity {
            store.overflowed += 1;
            if std::mem::replace(&mut store.is_overflow_known, true) {
                return Pushed::Quietly;
            }
            store.has_news = true;
            return Pushed::Edge;
        }
        let before = store.spans.len();
        add(&mut store.spans);
        let len = store.spans.len();
        if len == before {
            return Pushed::Quietly;
        }
        store.pushed += 1;
        if len == 1 {
            store.since = Some(Instant::now());
        }
        match len {
            _ if !store.is_running => Pushed::Unattended,
            1 if store.wants_first => Pushed::Edge,
            _ if len == store.enough || store.pushed - store.settled == self.crowd() => Pushed::Edge,
            _ => Pushed::Quietly,
        }
    }

    const fn crowd(&self) -> u64 {
        (3 * self.capacity).div_ceil(4)
    }

    /// Wakes the thread.
    pub(super) fn wake(&self) {
        self.ready.notify_one();
    }

    /// For whoever starts the thread: returns true once.
    pub(super) fn claim_start(&self) -> bool {
        let mut store = self.lock();
        let is_first = !std::mem::replace(&mut store.was_started, true);
        store.is_running |= is_first;
        is_first
    }

    /// The thread has ended, or could not be started. What is left is lost.
    pub(super) fn set_ended(&self) {
        self.lock().is_running = false;
        self.progress.notify_all();
    }

    /// For the sending thread.
    pub(super) fn put_answer(&self, place: usize, response: Response) {
        self.lock().answers.push((place, response));
        self.wake();
    }

    /// For whoever must not wait for a log.
    pub(super) fn put_notice(&self, line: &'static str) {
        let mut store = self.lock();
        (store.notice, store.has_news) = (Some(line), true);
    }

    /// For the thread: waits until there is something to do, not beyond `until`. Spans that it wants are put into
    /// `taken`, where none are.
    pub(super) fn wait(&self, appetite: Appetite, until: Option<Instant>, taken: &mut Taken) -> Round {
        let mut store = self.lock();
        store.wants_first = appetite == Appetite::Due;
        store.enough = if let Appetite::Enough(count) = appetite { count } else { self.batch };
        loop {
            let now = Instant::now();
            let due = self.due(&store, appetite);
            let is_time = |at: Option<Instant>| at.is_some_and(|at| at <= now);
            if is_time(due) || is_time(until) || !store.answers.is_empty() || store.has_news {
                if is_time(due) {
                    taken.take_over(&mut store.spans);
                }
                return self.round(&mut store);
            }
            store = match [due, until].into_iter().flatten().min() {
                Some(at) => {
                    self.ready.wait_timeout(store, at - now).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.ready.wait(store).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn round(&self, store: &mut Store) -> Round {
        let outstanding = store.pushed - store.settled;
        store.has_news = false;
        Round {
            answers: std::mem::take(&mut store.answers),
            is_nudged: std::mem::take(&mut store.is_nudged),
            is_full: outstanding >= self.capacity,
            is_crowded: outstanding >= self.crowd(),
            closing: store.closing,
            overflowed: store.overflowed,
            notice: store.notice.take(),
        }
    }

    /// When the spans should be taken, as far as known now.
    fn due(&self, store: &Store, appetite: Appetite) -> Option<Instant> {
        let since = store.since.filter(|_| store.spans.len() > 0)?;
        let is_crowded = store.pushed - store.settled >= self.crowd();
        match appetite {
            _ if store.closing.is_some() || store.goal > store.settled => Some(since),
            Appetite::Due | Appetite::Enough(_) if store.spans.len() >= store.enough => Some(since),
            Appetite::Due => Some(since + self.delay),
            Appetite::Crowded if is_crowded => Some(since),
            Appetite::Enough(_) | Appetite::Crowded | Appetite::None => None,
        }
    }

    /// For the thread: so many spans are out of memory.
    pub(super) fn settle(&self, count: u64) {
        if count > 0 {
            self.lock().settled += count;
            self.progress.notify_all();
        }
    }

    /// For the thread: wants to be woken again at the next span that finds no room.
    pub(super) fn forget_overflow(&self) {
        self.lock().is_overflow_known = false;
    }

    /// Waits until all that was pushed before is out of memory. Returns whether that came in time.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let mut store = self.lock();
        let goal = store.pushed;
        store.goal = goal;
        (store.has_news, store.is_nudged) = (true, true);
        self.wake();
        let is_over = |store: &mut Store| store.settled >= goal || !store.is_running;
        let (store, _) = self
            .progress
            .wait_timeout_while(store, timeout, |store| !is_over(store))
            .unwrap_or_else(PoisonError::into_inner);
        store.settled >= goal
    }

    /// Takes nothing in any more and waits for the thread's end. Returns whether all spans left memory in time.
    pub(super) fn close(&self, timeout: Duration) -> bool {
        let mut store = self.lock();
        // The thread gets a little less, to put the rest into the spool while we still wait.
        let margin = (timeout / 4).min(Duration::from_millis(200));
        store.closing.get_or_insert(Instant::now() + timeout.saturating_sub(margin));
        (store.has_news, store.is_nudged) = (true, true);
        self.wake();
        let (store, _) = self
            .progress
            .wait_timeout_while(store, timeout, |store| store.is_running)
            .unwrap_or_else(PoisonError::into_inner);
        !store.is_running && store.settled >= store.pushed
    }

    pub(super) fn counts(&self) -> Counts {
        let store = self.lock();
        let waiting = store.spans.len() as u64;
        Counts {
            queued: store.pushed - store.settled,
            waiting,
            taken: store.pushed - waiting,
            overflowed: store.overflowed,
            late: store.late,
        }
    }
}
