//! Which spans came lately, so that what a sender repeats is stored once.
//!
//! A Collector that got no answer sends its spans again, in batches cut in other places. The receiver recognizes equal
//! bodies; here are the spans themselves. What waits to be committed is only remembered when it is: a repeat of spans
//! that were not stored is what brings them.
//!
//! A sender with a queue on disk may repeat after hours what is forgotten here. No span comes before it began, so one that
//! began after the last one that was forgotten cannot have come before: all spans of a healthy stream. Only the others
//! are [`Recent::doubtful`], and the store is asked for them.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Int64Array, RecordBatch, UInt64Array};
use arrow_schema::ArrowError;

use crate::table::assemble;

/// Spans of a generation. The last one or two generations are known: half a minute at 20,000 spans a second, in 20 MB.
const GENERATION: usize = 1 << 19;

/// What identifies a span: trace, span and start. Some converters give both ends of a call one id.
type Key = (u64, u64, i64);

/// The spans that came lately, as keyed hashes of 64 bits: nobody outside can make two collide.
#[derive(Debug, Default)]
pub struct Recent {
    hasher: RandomState,
    older: HashSet<u64>,
    newer: HashSet<u64>,
    pending: HashSet<u64>,
    /// Unix time in nanoseconds since which all spans that arrived are known; 0 where all are.
    since_ns: i64,
    /// When `newer` began.
    newer_ns: i64,
}

impl Recent {
    /// Rows of a table of spans that did not come before, as ranges. They are pending from now on.
    pub fn fresh(&mut self, records: &RecordBatch) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (row, key) in keys(records).into_iter().enumerate() {
            let hash = self.hasher.hash_one(key);
            if self.newer.contains(&hash) || self.older.contains(&hash) || !self.pending.insert(hash) {
                continue;
            }
            match ranges.last_mut() {
                Some(last) if last.end == row => last.end += 1,
                _ => ranges.push(row..row + 1),
            }
        }
        ranges
    }

    /// Rows of a table of spans that may have come before and be forgotten: `trace_lo`, `span_id` and `start_ns` of those
    /// that began before all that is known.
    ///
    /// # Errors
    /// Never: the columns are equally long.
    pub fn doubtful(&self, records: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let keys: Vec<Key> =
            keys(records).into_iter().filter(|(.., start_ns)| *start_ns < self.since_ns).collect();
        assemble(vec![
            ("trace_lo", Arc::new(UInt64Array::from_iter_values(keys.iter().map(|key| key.0)))),
            ("span_id", Arc::new(UInt64Array::from_iter_values(keys.iter().map(|key| key.1)))),
            ("start_ns", Arc::new(Int64Array::from_iter_values(keys.iter().map(|key| key.2)))),
        ])
    }

    /// What is pending was stored, and it is `now_ns`.
    pub fn keep(&mut self, now_ns: i64) {
        self.newer.extend(self.pending.drain());
        if self.newer.len() >= GENERATION {
            self.older = std::mem::take(&mut self.newer);
            (self.since_ns, self.newer_ns) = (self.newer_ns, now_ns);
        }
    }

    /// What was stored until now is not known, but for what is remembered.
    pub const fn begin(&mut self, now_ns: i64) {
        (self.since_ns, self.newer_ns) = (now_ns, now_ns);
    }

    /// What is pending was not stored.
    pub fn forget(&mut self) {
        self.pending.clear();
    }

    /// Nothing is stored any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// A span that is stored already.
    pub fn remember(&mut self, trace_lo: u64, span_id: u64, start_ns: i64) {
        self.newer.insert(self.hasher.hash_one((trace_lo, span_id, start_ns)));
    }
}

fn keys(records: &RecordBatch) -> Vec<Key> {
    let ids = |name| records.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let starts = records.column_by_name("start_ns").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let (Some(traces), Some(spans), Some(starts)) = (ids("trace_lo"), ids("span_id"), starts) else {
        return Vec::new();
    };
    let ids = traces.values().iter().zip(spans.values());
    ids.zip(starts.values()).map(|((trace, span), start)| (*trace, *span, *start)).collect()
}

#[cfg(test)]
mod tests {
    use arrow_array::ArrayRef;

    use super::*;

    fn spans(ids: &[u64]) -> RecordBatch {
        let column: ArrayRef = Arc::new(UInt64Array::from(ids.to_vec()));
        let starts: ArrayRef = Arc::new(Int64Array::from(vec![7; ids.len()]));
        RecordBatch::try_from_iter([("trace_lo", column.clone()), ("span_id", column), ("start_ns", starts)])
            .expect("equal lengths")
    }

    #[test]
    fn what_was_kept_is_not_fresh_in_any_batch() {
        let mut recent = Recent::default();
        assert_eq!(recent.fresh(&spans(&[1, 2, 2, 3])), [0..2, 3..4]);
        recent.keep(1);
        assert_eq!(recent.fresh(&spans(&[9, 2, 3, 4, 5])), [0..1, 3..5]);
    }

    #[test]
    fn what_was_not_stored_is_fresh_again() {
        let mut recent = Recent::default();
        recent.fresh(&spans(&[1]));
        recent.forget();
        assert_eq!(recent.fresh(&spans(&[1])).len(), 1);
    }

    #[test]
    fn a_cleared_store_takes_all_again() {
        let mut recent = Recent::default();
        recent.remember(1, 1, 7);
        assert!(recent.fresh(&spans(&[1])).is_empty());
        recent.clear();
        assert_eq!(recent.fresh(&spans(&[1])).len(), 1);
    }

    #[test]
    fn memory_is_bounded_and_the_last_generation_is_known() {
        let mut recent = Recent::default();
        for generation in 0..3_u64 {
            let ids: Vec<u64> = (0..GENERATION as u64).map(|id| generation << 32 | id).collect();
            assert_eq!(recent.fresh(&spans(&ids)).len(), 1);
            recent.keep(generation.cast_signed() + 10);
        }
        assert_eq!(recent.older.len() + recent.newer.len(), GENERATION);
        assert!(recent.fresh(&spans(&[2 << 32])).is_empty());
        assert_eq!(recent.fresh(&spans(&[1])).len(), 1);
    }

    #[test]
    fn only_spans_that_began_before_what_is_known_are_doubtful() {
        let mut recent = Recent { newer: (0..GENERATION as u64).collect(), ..Recent::default() };
        let doubtful = |recent: &Recent| recent.doubtful(&spans(&[1, 2])).map(|rows| rows.num_rows()).ok();
        recent.keep(6);
        assert_eq!(doubtful(&recent), Some(0), "nothing is forgotten yet");
        recent.newer = (0..GENERATION as u64).collect();
        recent.keep(8);
        assert_eq!(doubtful(&recent), Some(0), "the forgotten ones came before 6, and these began at 7");
        recent.newer = (0..GENERATION as u64).collect();
        recent.keep(9);
        assert_eq!(doubtful(&recent), Some(2));
        recent.clear();
        assert_eq!(doubtful(&recent), Some(0));
        recent.begin(8);
        assert_eq!(doubtful(&recent), Some(2));
    }
}
