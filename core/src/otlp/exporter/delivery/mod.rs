//! Spans to an OTLP receiver: the order of things.
//!
//! Requests are made by threads of the [`Fleet`], so that this one can always answer to a deadline. What is sent next
//! is, in this order: what of a batch that was too large or failed before is left, the oldest batch of the spool, new
//! spans. Without a spool a failure stops everything until the next try and spans wait in the queue, whose size is the
//! bound. With one, whatever cannot be sent soon goes to its end, what is under way first, so that the order stays; a
//! batch is in memory or in the spool, and counted out of memory once it is in the spool.
//!
//! One request is under way at a time, except that a full batch of new spans does not wait for answers: a receiver that
//! is slow and works gets as many requests at once as there are full batches (OTLP 1.x, "OTLP Concurrent Requests").
//! What is in the spool goes one by one, for its order's sake. [`Pace`] has the rules after a failure.

mod answers;
mod fleet;
mod pace;
mod spooling;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::answers::Trouble;
use self::fleet::{Fleet, Flight, Place, Shipment};
use self::pace::{MOST_REQUESTS, Pace};
#[cfg(test)]
pub(super) use self::spooling::ADOPT_EVERY;
use super::backoff::Backoff;
use super::http::Target;
use super::inbox::{Appetite, Inbox, Round};
use super::operations::Ending;
use super::spool::Spool;
use super::status::Dropped;
use super::worker::{Destination, Ledger, Step};
use crate::otlp::encode::Encoder;
use crate::otlp::finished::Finished;
use crate::otlp::options::Options;

/// The state of the export to one receiver.
pub(super) struct Delivery {
    encoder: Encoder,
    /// Halved when a batch is too large, and one more for each full batch that is not.
    batch_size: usize,
    max_batch_size: usize,
    timeout: Duration,
    export_timeout: Duration,
    fleet: Fleet,
    pace: Pace,
    /// Requests that may be under way at once.
    max_requests: usize,
    /// Shipments so far.
    shipped: u64,
    ledger: Arc<Ledger>,
    spool: Option<Spool>,
    adopt_at: Instant,
    /// Halves of a batch that was too large, and without a spool also batches that failed: sent before all others,
    /// oldest first. They are in memory only.
    pieces: VecDeque<Shipment>,
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

/// How many requests there is room for. With a spool they get half of the memory, so that spans find room in the other
/// half until those are on the disk.
fn max_requests(options: &Options) -> usize {
    match options.spool_dir {
        Some(_) => (options.max_queue_size / 2 / options.max_batch_size).clamp(1, MOST_REQUESTS),
        None => MOST_REQUESTS,
    }
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
            fleet: Fleet::new(target, inbox),
            pace: Pace::new(Backoff::new(options.retry_delay, options.retry_delay_max)),
            max_requests: max_requests(options),
            shipped: 0,
            ledger,
            spool,
            adopt_at: Instant::now(),
            pieces: VecDeque::new(),
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

    /// Sends what may be sent now.
    fn send_all(&mut self, held: &mut Finished, closing: Option<Instant>) {
        let now = Instant::now();
        while self.may_send(held, now) {
            let Some(shipment) = self.next_shipment(held) else { return };
            let left = closing.map_or(self.timeout, |deadline| deadline.saturating_duration_since(now));
            // Zero would mean "no bound".
            let timeout = self.timeout.min(left).max(Duration::from_millis(1));
            self.fleet.send(Flight { shipment, wave: self.pace.wave() }, timeout);
        }
    }

    fn may_send(&self, held: &Finished, now: Instant) -> bool {
        let is_needed = self.fleet.is_empty() || (held.len() >= self.batch_size && self.has_free_request());
        is_needed && self.pace.may_try(now)
    }

    /// Whether one more request may be under way beside others.
    fn has_free_request(&self) -> bool {
        !self.pace.is_failing() && !self.has_spooled() && self.fleet.len() < self.limit()
    }

    /// Requests that may be under way at once now.
    fn limit(&self) -> usize {
        self.max_requests.min(self.pace.allowed())
    }

    fn next_shipment(&mut self, held: &mut Finished) -> Option<Shipment> {
        if let Some(piece) = self.pieces.pop_front() {
            return Some(piece);
        }
        let since = Instant::now();
        let number = self.shipped;
        self.shipped += 1;
        let max_spans = u32::try_from(self.batch_size).unwrap_or(u32::MAX);
        if let Some((ticket, batch)) = self.spool.as_mut().and_then(|spool| spool.take(max_spans)) {
            return Some(Shipment { number, batch: Arc::new(batch), place: Place::Spool(ticket), since });
        }
        if held.is_empty() {
            return None;
        }
        let batch = self.encoder.encode(&held.take(self.batch_size));
        Some(Shipment { number, batch: Arc::new(batch), place: Place::Memory, since })
    }

    /// A batch that has failed for long makes room when there is none.
    fn give_up(&mut self, is_full: bool) {
        if is_full
            && self.pace.has_failed_for(self.export_timeout)
            && let Some(Shipment { batch, since, .. }) = self.pieces.pop_front()
        {
            self.ledger.count_operation(Ending::Failed(None, "given_up"), since);
            self.settled += u64::from(batch.spans);
            self.drop_spans(batch.spans.into(), |dropped| &mut dropped.given_up);
        }
    }

    /// Whether new spans will not be sent soon.
    fn is_held_up(&self, is_crowded: bool) -> bool {
        self.pace.is_failing() || self.has_spooled() || (is_crowded && self.fleet.len() >= self.limit())
    }

    /// Whether nothing more can come of trying before the deadline: with a spool, a receiver that fails is enough.
    fn is_hopeless(&self, deadline: Instant) -> bool {
        (self.spool.is_some() && self.pace.is_failing())
            || self.pace.retry_at().is_some_and(|at| at >= deadline)
            || Instant::now() >= deadline
    }

    fn publish(&mut self) {
        let unreadable = self.spool.as_mut().map_or(0, Spool::take_unreadable);
        self.drop_spans(unreadable, |dropped| &mut dropped.spool_failed);
        let all = self.fleet.shipments().chain(&self.pieces);
        let in_flight = all.map(|shipment| u64::from(shipment.batch.spans)).sum();
        let spooled = self.spool.as_ref().map(Spool::totals).unwrap_or_default();
        if self.spool.is_some() && spooled.spans == 0 && std::mem::take(&mut self.is_spool_full) {
            self.ledger.log("the spool is empty again: no more spans are dropped");
        }
        self.ledger.update(|status| (status.in_flight, status.spooled) = (in_flight, spooled));
    }

    fn wake_at(&self, closing: Option<Instant>) -> Option<Instant> {
        let adopt_at = self.spool.is_some().then_some(self.adopt_at);
        // Both wait until nothing is under way.
        let is_free = self.fleet.is_empty();
        let times = [self.pace.retry_at().filter(|_| is_free), adopt_at.filter(|_| is_free)];
        times.into_iter().chain([closing, self.fleet.retires_at()]).flatten().min()
    }
}

impl Destination for Delivery {
    fn appetite(&self, held: usize) -> Appetite {
        let is_busy = !self.fleet.is_empty() || !self.pieces.is_empty() || held > 0;
        match &self.spool {
            _ if !is_busy => Appetite::Due,
            Some(_) if self.pace.is_failing() || self.has_spooled() => Appetite::Due,
            _ if self.has_free_request() => Appetite::Enough(self.batch_size.saturating_sub(held).max(1)),
            Some(_) => Appetite::Crowded,
            None => Appetite::None,
        }
    }

    fn step(&mut self, held: &mut Finished, round: Round) -> Step {
        self.settled = 0;
        for (slot, response) in round.answers {
            self.resolve(slot, response, round.closing.is_some());
        }
        self.fleet.retire(Instant::now());
        self.adopt();
        if round.is_nudged {
            self.pace.hurry();
        }
        self.is_ending |= round.closing.is_some_and(|deadline| self.is_hopeless(deadline));
        if self.is_ending {
            self.put_away(held);
        } else {
            self.give_up(round.is_full);
            if self.spool.is_some() && self.is_held_up(round.is_crowded) {
                self.spool_held(held);
            }
            self.send_all(held, round.closing);
        }
        self.publish();
        let is_idle = self.fleet.is_empty() && self.pieces.is_empty() && held.is_empty();
        Step {
            settled: self.settled,
            wake_at: self.wake_at(round.closing),
            is_done: is_idle && (self.is_ending || !self.has_spooled()),
        }
    }
}
