//! The exporter's thread: takes spans when they are due and hands them to the destination.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::inbox::{Appetite, Inbox, Round, Taken};
use super::operations::{Ending, Operations};
use super::status::Status;
use crate::otlp::finished::Finished;
use crate::sinks::opentelemetry::Item;

/// Where lines for the operator go.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// What destinations count and say.
pub(super) struct Ledger {
    status: Mutex<Status>,
    operations: Mutex<Operations>,
    log: Log,
}

impl Ledger {
    pub(super) fn new(log: Log) -> Self {
        Self { status: Mutex::default(), operations: Mutex::default(), log }
    }

    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Status) -> T) -> T {
        // Plain numbers: whatever panicked, they are still right.
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A batch is done with, after a first try at `since`.
    pub(super) fn count_operation(&self, ending: Ending, since: Instant) {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).record(ending, since);
    }

    pub(super) fn operations(&self) -> Operations {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn log(&self, line: &str) {
        (self.log)(line);
    }
}

/// What a destination did in one round.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Spans that are out of memory now.
    pub(super) settled: u64,
    /// When it wants the next round at the latest.
    pub(super) wake_at: Option<Instant>,
    /// It has nothing left to do.
    pub(super) is_done: bool,
}

/// Where spans go. Called on the exporter's thread only, and may take its time there.
pub(super) trait Destination: Send {
    /// When it wants more spans. `held`: those that it has not dealt with.
    fn appetite(&self, held: usize) -> Appetite;

    /// Deals with `held` as far as it can; what it leaves there it finds again in the next round.
    fn step(&mut self, held: &mut Finished, round: Round) -> Step;
}

/// Tells when spans begin to find no room, and when that is over.
struct OverflowWatch {
    /// What was counted when we last looked, and when it would be calm.
    dropping: Option<(u64, Instant)>,
    /// Count before this time of dropping.
    before: u64,
    calm: Duration,
}

impl OverflowWatch {
    /// Looks at the count. Returns when to look again.
    fn look(&mut self, count: u64, inbox: &Inbox, ledger: &Ledger) -> Option<Instant> {
        let now = Instant::now();
        match self.dropping {
            None if count > self.before => {
                ledger.log("spans are dropped: the export queue is full");
                self.dropping = Some((count, now + self.calm));
            }
            Some((seen, _)) if count > seen => self.dropping = Some((count, now + self.calm)),
            Some((_, calm_at)) if now >= calm_at => {
                ledger.log(&format!("spans are no longer dropped; {} were", count - self.before));
                (self.before, self.dropping) = (count, None);
                inbox.forget_overflow();
            }
            _ => {}
        }
        self.dropping.map(|(_, calm_at)| calm_at)
    }
}

/// Says that the thread is gone also when it panicked: nobody then waits for it in vain.
struct Presence<'a>(&'a Inbox);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.set_ended();
    }
}

/// Makes spans of what was taken, which costs their makers nothing here. Returns how many had nothing to tell.
fn build(taken: &mut Taken, held: &mut Finished) -> u64 {
    let before = held.len() + taken.items.len();
    held.extend(taken.items.drain(..).filter_map(Item::finished));
    let unknown = before - held.len();
    held.push_lot(mem::take(&mut taken.lot));
    unknown as u64
}

/// The last chance to say what nobody will see.
fn tell_loss(ledger: &Ledger) {
    let lost = ledger.update(|status| status.dropped.shutdown);
    if lost > 0 {
        ledger.log(&format!(
            "spans were lost at the end: {lost}; the receiver did not take them in time, a spool would keep them"
        ));
    }
}

/// The thread's life: until the inbox is closed and the destination is done.
pub(super) fn run(inbox: &Inbox, destination: Box<dyn Destination>, ledger: &Ledger, calm: Duration) {
    let _presence = Presence(inbox);
    // Declared later, dropped earlier: whoever waits for our end finds the spool closed.
    let mut destination = destination;
    let mut watch = OverflowWatch { dropping: None, before: 0, calm };
    let (mut taken, mut held) = (Taken::default(), Finished::default());
    let mut wake_at = Some(Instant::now());
    loop {
        let round = inbox.wait(destination.appetite(held.len()), mem::take(&mut wake_at), &mut taken);
        let unknown = build(&mut taken, &mut held);
        if let Some(line) = round.notice {
            ledger.log(line);
        }
        let (is_closing, overflowed) = (round.closing.is_some(), round.overflowed);
        let step = destination.step(&mut held, round);
        inbox.settle(step.settled + unknown);
        let look_at = watch.look(overflowed, inbox, ledger);
        wake_at = [step.wake_at, look_at].into_iter().flatten().min();
        if is_closing && step.is_done {
            return tell_loss(ledger);
        }
    }
}
