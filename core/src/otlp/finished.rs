//! Finished spans as exporters hold them: as data, or as the bytes that will be sent.

use std::collections::VecDeque;

use bytes::Bytes;

use super::span::SpanData;

/// Spans of [`super::SERVER_SCOPE`] in protobuf, written one after the other where they end: fields of a `ScopeSpans`.
#[derive(Debug, Default)]
pub struct Lot {
    bytes: Vec<u8>,
    /// Where the last whole span ends.
    end: usize,
    /// Bytes of each span.
    lengths: Vec<usize>,
}

impl Lot {
    /// As many spans as this will find room in an empty one without moving.
    #[must_use]
    pub fn successor(&self) -> Self {
        let room = |used: usize| used + used / 4;
        Self {
            bytes: Vec::with_capacity(room(self.bytes.len())),
            end: 0,
            lengths: Vec::with_capacity(room(self.lengths.len())),
        }
    }

    /// Appends what `write` writes with [`super::SpanWriter::span`]; no span where that is nothing.
    #[inline]
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.forget_half();
        write(&mut self.bytes);
        let length = self.bytes.len() - self.end;
        if length > 0 {
            self.lengths.push(length);
            self.end = self.bytes.len();
        }
    }

    /// Takes back what a panic left half written.
    fn forget_half(&mut self) {
        self.bytes.truncate(self.end);
    }

    /// How many spans.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.lengths.len()
    }

    /// No span.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }
}

/// A [`Lot`] that grows no more, or what is left of it.
#[derive(Clone, Debug)]
struct Closed {
    bytes: Bytes,
    lengths: VecDeque<usize>,
}

impl Closed {
    /// The first spans, `count` at most.
    fn take(&mut self, count: usize) -> Self {
        let count = count.min(self.lengths.len());
        let rest = self.lengths.split_off(count);
        let lengths = std::mem::replace(&mut self.lengths, rest);
        Self { bytes: self.bytes.split_to(lengths.iter().sum()), lengths }
    }
}

/// Finished spans, those as data before those as bytes.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    data: VecDeque<Box<SpanData>>,
    lots: VecDeque<Closed>,
}

impl Finished {
    /// How many spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len() + self.lots.iter().map(|lot| lot.lengths.len()).sum::<usize>()
    }

    /// No span.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty() && self.lots.is_empty()
    }

    /// Adds spans as bytes.
    pub fn push_lot(&mut self, mut lot: Lot) {
        lot.forget_half();
        if !lot.is_empty() {
            self.lots.push_back(Closed { bytes: lot.bytes.into(), lengths: lot.lengths.into() });
        }
    }

    /// Takes out the first spans, `count` at most.
    #[must_use]
    pub fn take(&mut self, count: usize) -> Self {
        let rest = self.data.split_off(count.min(self.data.len()));
        let mut taken = Self { data: std::mem::replace(&mut self.data, rest), lots: VecDeque::new() };
        let mut missing = count - taken.data.len();
        while missing > 0
            && let Some(lot) = self.lots.front_mut()
        {
            let part = lot.take(missing);
            missing -= part.lengths.len();
            taken.lots.push_back(part);
            if lot.lengths.is_empty() {
                self.lots.pop_front();
            }
        }
        taken
    }

    /// Takes out all.
    #[must_use]
    pub fn take_all(&mut self) -> Self {
        std::mem::take(self)
    }

    /// The spans that are there as data.
    pub fn data(&self) -> impl Iterator<Item = &SpanData> {
        self.data.iter().map(|span| &**span)
    }

    /// As [`Finished::data`], to keep.
    pub fn into_data(self) -> impl Iterator<Item = SpanData> {
        self.data.into_iter().map(|span| *span)
    }

    /// The spans that are there as bytes: fields of a `ScopeSpans`.
    pub(super) fn encoded(&self) -> impl Iterator<Item = &Bytes> {
        self.lots.iter().map(|lot| &lot.bytes)
    }
}

impl Extend<Box<SpanData>> for Finished {
    fn extend<I: IntoIterator<Item = Box<SpanData>>>(&mut self, spans: I) {
        self.data.extend(spans);
    }
}

impl FromIterator<SpanData> for Finished {
    fn from_iter<I: IntoIterator<Item = SpanData>>(spans: I) -> Self {
        Self { data: spans.into_iter().map(Box::new).collect(), lots: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::{Finished, Lot};
    use crate::otlp::span::SpanData;

    fn lot(spans: &[&str]) -> Lot {
        let mut lot = Lot::default();
        for span in spans {
            lot.append(|out| out.extend_from_slice(span.as_bytes()));
        }
        lot
    }

    fn encoded(finished: &Finished) -> Vec<&str> {
        finished.encoded().map(|bytes| std::str::from_utf8(bytes).unwrap()).collect()
    }

    #[test]
    fn nothing_written_is_no_span() {
        let mut lot = lot(&["a"]);
        lot.append(|_| ());
        assert_eq!(lot.len(), 1);
        let mut finished = Finished::default();
        finished.push_lot(Lot::default());
        assert!(finished.is_empty());
    }

    #[test]
    fn half_a_span_is_none() {
        let break_off = |lot: &mut Lot| {
            let broken = catch_unwind(AssertUnwindSafe(|| {
                lot.append(|out| {
                    out.extend_from_slice(b"half");
                    panic!("while a span is written");
                });
            }));
            assert!(broken.is_err());
        };
        let mut lot = lot(&["a"]);
        break_off(&mut lot);
        lot.append(|out| out.extend_from_slice(b"b"));
        break_off(&mut lot);
        let mut finished = Finished::default();
        finished.push_lot(lot);
        assert_eq!((finished.len(), encoded(&finished)), (2, vec!["ab"]));
    }

    #[test]
    fn spans_are_taken_once_and_in_order() {
        let mut finished: Finished = [SpanData::default(), SpanData::default()].into_iter().collect();
        finished.push_lot(lot(&["a", "bb", "ccc"]));
        finished.push_lot(lot(&["dddd"]));
        assert_eq!(finished.len(), 6);
        let first = finished.take(1);
        assert_eq!((first.data().count(), first.len(), finished.len()), (1, 1, 5));
        let second = finished.take(3);
        assert_eq!((second.data().count(), encoded(&second)), (1, vec!["abb"]));
        let third = finished.take(9);
        assert_eq!((third.data().count(), encoded(&third)), (0, vec!["ccc", "dddd"]));
        assert!(finished.is_empty());
        assert!(finished.take(1).is_empty());
    }

    #[test]
    fn a_lot_has_room_for_what_the_one_before_had() {
        let full = lot(&["abcd"; 100]);
        let next = full.successor();
        assert!(next.is_empty() && next.bytes.capacity() >= 400 && next.lengths.capacity() >= 100);
    }
}
