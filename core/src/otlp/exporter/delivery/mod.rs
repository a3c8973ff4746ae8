//! Spans to an OTLP receiver: the order of things.
//!
//! At most one request is under way, made by the [`Courier`]'s thread, so that this one can always answer to a
//! deadline. What is sent next is, in this order: the rest of a batch that was too large or failed before, the oldest
//! batch of the spool, new spans. Without a spool a failure stops everything until the next try and spans wait in the
//! queue, whose size is the bound. With one, whatever cannot be sent soon goes to its end, the batch under way first, so
//! that the order stays; a batch is in memory or in the spool, and counted out of memory once it is in the spool.

mod answers;
mod spooling;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::answers::Trouble;
#[cfg(test)]
pub(super) use self::spooling::ADOPT_EVERY;
use super::answer::Answer;
use super::backoff::Backoff;
use super::http::{Courier, Target};
use super::inbox::{Appetite, Inbox, Round};
use super::spool::Spool;
use super::status::Dropped;
use super::worker::{Destination, Ledger, Step};
use crate::otlp::encode::{Batch, Encoder};
use crate::otlp::finished::Finished;
use crate::otlp::options::Options;

/// Where the batch under way is kept besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nowhere else: its spans count as in memory.
    Memory,
    /// First in the spool.
    Spool,
    /// It was in the spool and had to go: if it fails it is lost.
    Evicted,
}

/// The state of the export to one receiver.
pub(super) struct Delivery {
    encoder: Encoder,
    /// Halved when a batch is too large, and one more for each full batch that is not.
    batch_size: usize,
    max_batch_size: usize,
    timeout: Duration,
    export_timeout: Duration,
    target: Target,
    courier: Option<Courier>,
    inbox: Arc<Inbox>,
    ledger: Arc<Ledger>,
    spool: Option<Spool>,
    adopt_at: Instant,
    under_way: Option<(Arc<Batch>, Place)>,
    /// Halves of a batch that was too large, and without a spool also a batch that failed: sent before all others, the
    /// last of the list first. They are where `pieces_at` says.
    pieces: Vec<Arc<Batch>>,
    pieces_at: Place,
    backoff: Backoff,
    /// Nothing is sent before.
    retry_at: Option<Instant>,
    /// The receiver named that time: not even a flush comes earlier.
    is_retry_asked: bool,
    /// The receiver has failed since.
    failing_since: Option<Instant>,
    trouble: Trouble,
    /// The last write to the spool failed, and that was said.
    is_spool_broken: bool,
    /// The spool dropped its oldest, and that was said.
    is_spool_full: bool,
    /// No more requests: what is left goes to the spool or is lost.
    is_ending: bool,
    /// Spans that left memory in this round.
    settled: u64,
}

impl Delivery {
    pub(super) fn new(
        options: &Options,
        target: Target,
        encoder: Encoder,
        spool: Option<Spool>,
        inbox: Arc<Inbox>,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self {
            encoder,
            batch_size: options.max_batch_size,
            max_batch_size: options.max_batch_size,
            timeout: options.timeout,
            export_timeout: options.export_timeout,
            target,
            courier: None,
            inbox,
            ledger,
            spool,
            adopt_at: Instant::now(),
            under_way: None,
            pieces: Vec::new(),
            pieces_at: Place::Memory,
            backoff: Backoff::new(options.retry_delay, options.retry_delay_max),
            retry_at: None,
            is_retry_asked: false,
            failing_since: None,
            trouble: Trouble::None,
            is_spool_broken: false,
            is_spool_full: false,
            is_ending: false,
            settled: 0,
        }
    }

    fn drop_spans(&self, count: u64, reason: impl FnOnce(&mut Dropped) -> &mut u64) {
        if count > 0 {
            self.ledger.update(|status| *reason(&mut status.dropped) += count);
        }
    }

    /// Sends the next batch, if it is time for one.
    fn send_next(&mut self, held: &mut Vec<Finished>, closing: Option<Instant>) {
        let now = Instant::now();
        if self.under_way.is_some() || self.retry_at.is_some_and(|at| at > now) {
            return;
        }
        let Some((batch, place)) = self.next_batch(held) else { return };
        self.under_way = Some((Arc::clone(&batch), place));
        let left = closing.map_or(self.timeout, |deadline| deadline.saturating_duration_since(now));
        // Zero would mean "no bound".
        let timeout = self.timeout.min(left).max(Duration::from_millis(1));
        if let Err(why) = self.hand_over(batch, timeout) {
            self.inbox.put_answer(Answer::unreachable(why));
        }
    }

    fn next_batch(&mut self, held: &mut Vec<Finished>) -> Option<(Arc<Batch>, Place)> {
        if let Some(batch) = self.pieces.pop() {
            return Some((batch, self.pieces_at));
        }
        self.pieces_at = Place::Memory;
        if let Some(batch) = self.spool.as_mut().and_then(Spool::head) {
            self.pieces_at = Place::Spool;
            return Some((Arc::new(batch), Place::Spool));
        }
        let count = held.len().min(self.batch_size);
        if count == 0 {
            return None;
        }
        let batch = self.encoder.encode(&held[..count]);
        held.drain(..count);
        Some((Arc::new(batch), Place::Memory))
    }

    fn hand_over(&mut self, batch: Arc<Batch>, timeout: Duration) -> Result<(), String> {
        if self.courier.is_none() {
            let inbox = Arc::clone(&self.inbox);
            let courier = Courier::start(self.target.clone(), move |answer| inbox.put_answer(answer));
            self.courier = Some(courier.map_err(|error| format!("cannot start a thread: {error}"))?);
        }
        let is_sent = self.courier.as_ref().is_some_and(|courier| courier.send(batch, timeout));
        if !is_sent {
            self.courier = None;
        }
        is_sent.then_some(()).ok_or_else(|| "the sending thread is gone".to_owned())
    }

    /// A batch that has failed for long makes room when there is none.
    fn give_up(&mut self, is_full: bool) {
        let is_long = self.failing_since.is_some_and(|since| since.elapsed() >= self.export_timeout);
        if is_full
            && is_long
            && self.pieces_at == Place::Memory
            && let Some(batch) = self.pieces.pop()
        {
            self.settled += u64::from(batch.spans);
            self.drop_spans(batch.spans.into(), |dropped| &mut dropped.given_up);
        }
    }

    /// Whether new spans will not be sent soon.
    fn is_held_up(&self, is_crowded: bool) -> bool {
        self.failing_since.is_some() || self.has_spooled() || (is_crowded && self.under_way.is_some())
    }

    /// Whether nothing more can come of trying before the deadline: with a spool, a receiver that fails is enough.
    fn is_hopeless(&self, deadline: Instant) -> bool {
        let is_failing = self.failing_since.is_some();
        (self.spool.is_some() && is_failing)
            || self.retry_at.is_some_and(|at| at >= deadline)
            || Instant::now() >= deadline
    }

    fn publish(&mut self) {
        let unreadable = self.spool.as_mut().map_or(0, Spool::take_unreadable);
        self.drop_spans(unreadable, |dropped| &mut dropped.spool_failed);
        let under_way = self.under_way.iter().map(|(batch, _)| batch);
        let in_flight = under_way.chain(&self.pieces).map(|batch| u64::from(batch.spans)).sum();
        let spooled = self.spool.as_ref().map(Spool::totals).unwrap_or_default();
        if self.spool.is_some() && spooled.spans == 0 && std::mem::take(&mut self.is_spool_full) {
            self.ledger.log("the spool is empty again: no more spans are dropped");
        }
        self.ledger.update(|status| (status.in_flight, status.spooled) = (in_flight, spooled));
    }

    fn wake_at(&self, closing: Option<Instant>) -> Option<Instant> {
        if self.under_way.is_some() {
            return closing;
        }
        let adopt_at = self.spool.is_some().then_some(self.adopt_at);
        [self.retry_at, adopt_at, closing].into_iter().flatten().min()
    }
}

impl Destination for Delivery {
    fn appetite(&self, is_holding: bool) -> Appetite {
        let is_busy = self.under_way.is_some() || !self.pieces.is_empty() || is_holding;
        match &self.spool {
            Some(_) if self.failing_since.is_some() || self.has_spooled() => Appetite::Due,
            Some(_) if is_busy => Appetite::Crowded,
            None if is_busy => Appetite::None,
            _ => Appetite::Due,
        }
    }

    fn step(&mut self, held: &mut Vec<Finished>, round: Round) -> Step {
        self.settled = 0;
        if let Some(answer) = round.answer {
            self.resolve(answer, round.closing.is_some());
        }
        self.adopt();
        if round.is_nudged && !self.is_retry_asked {
            self.retry_at = None;
        }
        self.is_ending |= round.closing.is_some_and(|deadline| self.is_hopeless(deadline));
        if self.is_ending {
            self.put_away(held);
        } else {
            self.give_up(round.is_full);
            if self.spool.is_some() && self.is_held_up(round.is_crowded) {
                self.spool_held(held);
            }
            self.send_next(held, round.closing);
        }
        self.publish();
        let is_idle = self.under_way.is_none() && self.pieces.is_empty() && held.is_empty();
        Step {
            settled: self.settled,
            wake_at: self.wake_at(round.closing),
            is_done: is_idle && (self.is_ending || !self.has_spooled()),
        }
    }
}
