//! What goes to the disk, and when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Delivery;
use super::fleet::{Place, Shipment};
use crate::otlp::encode::Batch;
use crate::otlp::exporter::spool::Evicted;
use crate::otlp::finished::Finished;

/// How often we look for what dead processes left. Tests do not wait for a minute.
pub(in crate::otlp::exporter) const ADOPT_EVERY: Duration =
    if cfg!(test) { Duration::from_millis(50) } else { Duration::from_secs(60) };

impl Delivery {
    pub(super) fn has_spooled(&self) -> bool {
        self.spool.as_ref().is_some_and(|spool| !spool.is_empty())
    }

    /// The batch needs no further try.
    pub(super) fn finish(&mut self, shipment: &Shipment) {
        let spans = shipment.batch.spans;
        match (shipment.place, &mut self.spool) {
            (Place::Memory, _) => self.settled += u64::from(spans),
            (Place::Spool(ticket), Some(spool)) => spool.settle(ticket, spans),
            _ => {}
        }
    }

    /// The batch must be tried again, from where it is kept.
    pub(super) fn put_back(&mut self, shipment: Shipment) {
        match (shipment.place, &mut self.spool) {
            (Place::Memory, spool) => {
                let is_spooling = spool.is_some();
                self.add_piece(shipment.number, shipment.batch, shipment.since);
                if is_spooling {
                    self.spool_shipments();
                }
            }
            (Place::Spool(ticket), Some(spool)) => spool.release(ticket),
            _ => self.drop_spans(shipment.batch.spans.into(), |dropped| &mut dropped.spool_full),
        }
    }

    /// Before all others of the same shipment. `since`: when it was sent first.
    pub(super) fn add_piece(&mut self, number: u64, batch: Arc<Batch>, since: Instant) {
        let at = self.pieces.partition_point(|piece| piece.number < number);
        self.pieces.insert(at, Shipment { number, batch, place: Place::Memory, since });
    }

    /// Moves a batch from memory to the spool, or drops it if that fails.
    fn append(&mut self, batch: &Batch) {
        // The oldest spans of a batch go like all others.
        if !self.has_room(batch)
            && let Some(halves) = batch.halves()
        {
            return halves.iter().for_each(|half| self.append(half));
        }
        self.settled += u64::from(batch.spans);
        if !self.store(batch) {
            self.drop_spans(batch.spans.into(), |dropped| &mut dropped.spool_failed);
        }
    }

    fn has_room(&self, batch: &Batch) -> bool {
        self.spool.as_ref().is_none_or(|spool| spool.has_room(batch))
    }

    /// Writes a batch to the spool. Returns whether it is there.
    fn store(&mut self, batch: &Batch) -> bool {
        let Some(spool) = &mut self.spool else { return false };
        let mut evicted = Evicted::default();
        let result = spool.append(batch, &mut evicted);
        for shipment in self.fleet.shipments_mut() {
            if matches!(shipment.place, Place::Spool(ticket) if evicted.taken.contains(&ticket)) {
                shipment.place = Place::Evicted;
            }
        }
        self.note_evicted(evicted.spans);
        let was_broken = std::mem::replace(&mut self.is_spool_broken, result.is_err());
        if let Err(error) = &result {
            let line = format!("the spool cannot be written, spans are dropped: {error}");
            if !was_broken {
                self.ledger.log(&line);
            }
            self.ledger.update(|status| status.last_error = Some(line));
        }
        result.is_ok()
    }

    /// Counts what had to go; the log has it once until the spool is empty again.
    fn note_evicted(&mut self, spans: u64) {
        self.drop_spans(spans, |dropped| &mut dropped.spool_full);
        if spans > 0 && !std::mem::replace(&mut self.is_spool_full, true) {
            self.ledger.log("the spool is full: its oldest spans are dropped");
        }
    }

    /// Moves all that is held to the spool, what is under way first.
    pub(super) fn spool_held(&mut self, held: &mut Finished) {
        if held.is_empty() {
            return;
        }
        self.spool_shipments();
        while !held.is_empty() {
            let batch = self.encoder.encode(&held.take(self.batch_size));
            self.append(&batch);
        }
    }

    /// Moves what was taken up for sending from memory to the spool, oldest first. What of it is under way keeps its
    /// place there until the answer.
    fn spool_shipments(&mut self) {
        let in_memory = self.fleet.shipments().filter(|shipment| shipment.place == Place::Memory);
        let under_way = in_memory.map(|shipment| (shipment.number, Arc::clone(&shipment.batch), true));
        let pieces = self.pieces.drain(..).map(|piece| (piece.number, piece.batch, false));
        let mut all: Vec<_> = under_way.chain(pieces).collect();
        all.sort_by_key(|(number, ..)| *number);
        for (_, batch, is_under_way) in all {
            if is_under_way {
                self.spool_under_way(&batch);
            } else {
                self.append(&batch);
            }
        }
    }

    /// If it cannot be written it stays in memory, for it may yet arrive.
    fn spool_under_way(&mut self, batch: &Arc<Batch>) {
        if !self.has_room(batch) || !self.store(batch) {
            return;
        }
        self.settled += u64::from(batch.spans);
        let shipment = self.fleet.shipments_mut().find(|shipment| Arc::ptr_eq(&shipment.batch, batch));
        if let (Some(shipment), Some(spool)) = (shipment, &mut self.spool) {
            shipment.place = Place::Spool(spool.take_last());
        }
    }

    /// Takes over what dead processes left; only while nothing is under way, since it may become the spool's first.
    pub(super) fn adopt(&mut self) {
        let now = Instant::now();
        let Some(spool) = self.spool.as_mut().filter(|_| self.fleet.is_empty() && now >= self.adopt_at)
        else {
            return;
        };
        self.adopt_at = now + ADOPT_EVERY;
        match spool.adopt() {
            Ok(0) => {}
            Ok(torn) => {
                self.ledger.log(&format!("the spool has {torn} files with a torn end, the rest is sent"));
            }
            Err(error) => self.ledger.update(|status| {
                status.last_error = Some(format!("the spool cannot be listed: {error}"));
            }),
        }
    }

    /// No time is left: all that is in memory goes to the spool, or is lost.
    pub(super) fn put_away(&mut self, held: &mut Finished) {
        if self.spool.is_some() {
            self.spool_held(held);
        }
        let mut lost = held.take_all().len() as u64;
        for shipment in self.fleet.abandon() {
            self.put_back(shipment);
        }
        // Without a spool this is what was under way, or failed before.
        let left: u64 = self.pieces.drain(..).map(|piece| u64::from(piece.batch.spans)).sum();
        lost += left;
        self.settled += lost;
        self.drop_spans(lost, |dropped| &mut dropped.shutdown);
    }
}
