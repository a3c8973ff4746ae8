//! What goes to the disk, and when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Delivery, Place};
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
    pub(super) fn finish(&mut self, batch: &Batch, place: Place) {
        match (place, &mut self.spool) {
            (Place::Memory, _) => self.settled += u64::from(batch.spans),
            (Place::Spool, Some(spool)) if self.pieces.is_empty() => _ = spool.finish_head(),
            _ => {}
        }
    }

    /// The batch must be tried again. One of the spool is tried again as a whole, for so it stands there.
    pub(super) fn put_back(&mut self, batch: Arc<Batch>, place: Place) {
        self.pieces.push(batch);
        self.pieces_at = place;
        match (place, &mut self.spool) {
            (Place::Memory, None) => {}
            (Place::Memory, Some(_)) => self.append_pieces(),
            (Place::Spool, Some(spool)) => {
                spool.release_head();
                self.pieces.clear();
            }
            _ => self.lose_pieces(),
        }
    }

    /// Moves what is left of a batch from memory to the spool.
    fn append_pieces(&mut self) {
        while let Some(batch) = self.pieces.pop() {
            self.append(&batch);
        }
    }

    /// What is left of a batch that had to leave the spool.
    fn lose_pieces(&mut self) {
        let lost = self.pieces.drain(..).map(|batch| u64::from(batch.spans)).sum();
        self.drop_spans(lost, |dropped| &mut dropped.spool_full);
    }

    /// Moves a batch from memory to the spool, or drops it if that fails.
    fn append(&mut self, batch: &Batch) {
        self.settled += u64::from(batch.spans);
        if !self.store(batch) {
            self.drop_spans(batch.spans.into(), |dropped| &mut dropped.spool_failed);
        }
    }

    /// Writes a batch to the spool. Returns whether it is there.
    fn store(&mut self, batch: &Batch) -> bool {
        let Some(spool) = &mut self.spool else { return false };
        let mut evicted = Evicted::default();
        let result = spool.append(batch, &mut evicted);
        if evicted.has_head
            && let Some((_, place)) = &mut self.under_way
        {
            *place = Place::Evicted;
            self.pieces_at = Place::Evicted;
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

    /// Moves all that is held to the spool, the batch under way first.
    pub(super) fn spool_held(&mut self, held: &mut Vec<Finished>) {
        if held.is_empty() {
            return;
        }
        let under_way = self.under_way.clone().filter(|_| !self.has_spooled());
        if let Some((batch, Place::Memory)) = under_way {
            self.spool_under_way(&batch);
        }
        for spans in held.chunks(self.batch_size) {
            let batch = self.encoder.encode(spans);
            self.append(&batch);
        }
        held.clear();
    }

    /// The spool is empty: the batch under way becomes the first. If it cannot be
    /// written it stays in memory, for it may yet arrive.
    fn spool_under_way(&mut self, batch: &Batch) {
        if !self.store(batch) {
            return;
        }
        self.settled += u64::from(batch.spans);
        if let (Some((_, place)), Some(spool)) = (&mut self.under_way, &mut self.spool) {
            spool.take_head();
            *place = Place::Spool;
        }
        // Its other pieces become batches of their own, behind it.
        self.append_pieces();
    }

    /// Takes over what dead processes left; only while nothing is under way, since it may become the spool's first.
    pub(super) fn adopt(&mut self) {
        let now = Instant::now();
        let Some(spool) = self.spool.as_mut().filter(|_| self.under_way.is_none() && now >= self.adopt_at)
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
    pub(super) fn put_away(&mut self, held: &mut Vec<Finished>) {
        if self.spool.is_some() {
            self.spool_held(held);
        }
        let mut lost = held.len() as u64;
        held.clear();
        if let Some((batch, place)) = self.under_way.take() {
            self.put_back(batch, place);
        }
        // Without a spool this is what was under way, or failed before.
        let left: u64 = self.pieces.drain(..).map(|batch| u64::from(batch.spans)).sum();
        lost += left;
        self.settled += lost;
        self.drop_spans(lost, |dropped| &mut dropped.shutdown);
    }
}
