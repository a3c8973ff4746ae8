//! Spans for tests: kept as they are, until somebody takes them.

use std::sync::{Arc, Mutex, PoisonError};

use super::inbox::{Appetite, Round};
use super::worker::{Destination, Ledger, Step};
use crate::otlp::finished::Finished;
use crate::otlp::span::SpanData;

/// What an in-memory exporter got. Call `Exporter::flush` before looking.
#[derive(Clone, Debug, Default)]
pub struct MemorySpans(Arc<Mutex<Vec<SpanData>>>);

impl MemorySpans {
    /// Takes all spans out, in the order in which they were pushed.
    #[must_use]
    pub fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Adds to [`MemorySpans`], up to a bound.
pub(super) struct Memory {
    pub(super) spans: MemorySpans,
    pub(super) capacity: usize,
    pub(super) ledger: Arc<Ledger>,
}

impl Destination for Memory {
    fn appetite(&self, _held: usize) -> Appetite {
        Appetite::Due
    }

    fn step(&mut self, held: &mut Finished, _round: Round) -> Step {
        let count = held.len();
        let mut spans = self.spans.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = count.min(self.capacity.saturating_sub(spans.len()));
        spans.extend(held.take_all().into_data().take(kept));
        drop(spans);
        self.ledger.update(|status| {
            status.exported += kept as u64;
            status.dropped.refused += (count - kept) as u64;
        });
        Step { settled: count as u64, wake_at: None, is_done: true }
    }
}
