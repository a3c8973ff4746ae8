//! Finished spans as exporters hold them: as data, or as the bytes that will be sent.

use std::sync::Arc;

use super::encode::{put_span, spans_end};
use super::span::{Scope, SpanData};

/// Spans that lie together: few enough for a batch to be filled well, and enough that their memory costs little.
const BLOCK_SPANS: usize = 64;
/// Bytes that most of them take together.
const BLOCK_BYTES: usize = 64 * 1024;

/// Spans in protobuf, written where they ended: as the message `ScopeSpans` holds them, with tag and length.
#[derive(Clone, Debug)]
pub struct EncodedSpans {
    scope: &'static Arc<Scope>,
    bytes: Vec<u8>,
    count: usize,
}

impl EncodedSpans {
    /// From what a [`super::SpanWriter`] wrote.
    #[must_use]
    pub fn new(scope: &'static Arc<Scope>, span: &[u8]) -> Self {
        let mut spans = Self { scope, bytes: Vec::with_capacity(BLOCK_BYTES), count: 0 };
        spans.add(span);
        spans
    }

    fn add(&mut self, span: &[u8]) {
        put_span(&mut self.bytes, span);
        self.count += 1;
    }

    /// Adds one more, where it belongs here and finds room. Returns whether it did.
    #[must_use]
    pub fn try_add(&mut self, scope: &'static Arc<Scope>, span: &[u8]) -> bool {
        let has_room = self.count < BLOCK_SPANS && self.bytes.len() + span.len() < BLOCK_BYTES;
        let takes = has_room && Arc::ptr_eq(self.scope, scope);
        if takes {
            self.add(span);
        }
        takes
    }

    /// Fields of the message `ScopeSpans`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first ones, of which there are more than `count`.
    fn split_off_first(&mut self, count: usize) -> Self {
        let rest = self.bytes.split_off(spans_end(&self.bytes, count));
        let first = Self { scope: self.scope, bytes: std::mem::replace(&mut self.bytes, rest), count };
        self.count -= count;
        first
    }
}

/// A finished span, or some.
#[derive(Clone, Debug)]
pub enum Finished {
    /// As data.
    Span(Box<SpanData>),
    /// As bytes, for a receiver that takes protobuf.
    Encoded(EncodedSpans),
}

impl Finished {
    /// Who made them.
    #[must_use]
    pub fn scope(&self) -> &Arc<Scope> {
        match self {
            Self::Span(span) => &span.scope,
            Self::Encoded(spans) => spans.scope,
        }
    }

    /// How many.
    #[must_use]
    pub const fn count(&self) -> usize {
        match self {
            Self::Span(_) => 1,
            Self::Encoded(spans) => spans.count,
        }
    }

    /// As [`Finished::data`], to keep.
    #[must_use]
    pub fn into_data(self) -> Option<SpanData> {
        match self {
            Self::Span(span) => Some(*span),
            Self::Encoded(_) => None,
        }
    }

    /// The data; `None` where only bytes are left, which happens in exporters alone that asked for them.
    #[must_use]
    pub fn data(&self) -> Option<&SpanData> {
        match self {
            Self::Span(span) => Some(span),
            Self::Encoded(_) => None,
        }
    }
}

impl From<SpanData> for Finished {
    fn from(span: SpanData) -> Self {
        Self::Span(Box::new(span))
    }
}

/// Spans in all of these.
#[must_use]
pub fn count(all: &[Finished]) -> usize {
    all.iter().map(Finished::count).sum()
}

/// Takes the first `most` spans out, or all where there are fewer.
#[must_use]
pub fn take_first(held: &mut Vec<Finished>, most: usize) -> Vec<Finished> {
    let (mut taken, mut whole) = (0, 0);
    while let Some(next) = held.get(whole).filter(|next| taken + next.count() <= most) {
        taken += next.count();
        whole += 1;
    }
    let part = match held.get_mut(whole) {
        Some(Finished::Encoded(spans)) if taken < most => Some(spans.split_off_first(most - taken)),
        _ => None,
    };
    held.drain(..whole).chain(part.map(Finished::Encoded)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::opentelemetry::SCOPE;

    /// A block of spans with these lengths.
    fn block(lengths: impl IntoIterator<Item = usize>) -> Finished {
        let mut spans = lengths.into_iter().map(|length| vec![7; length]);
        let mut block = EncodedSpans::new(&SCOPE, &spans.next().unwrap());
        assert!(spans.all(|span| block.try_add(&SCOPE, &span)));
        Finished::Encoded(block)
    }

    #[test]
    fn blocks_are_split_where_a_batch_ends() {
        let mut held = vec![block(0..3), SpanData::default().into(), block([200, 5, 300, 1])];
        let counts: Vec<_> = std::iter::repeat_with(|| count(&take_first(&mut held, 3))).take(4).collect();
        assert_eq!((counts, held.len()), (vec![3, 3, 2, 0], 0));
        let mut held = vec![block([200, 5, 300, 1])];
        let parts = [take_first(&mut held, 1), take_first(&mut held, 2), take_first(&mut held, 9)];
        let bytes: Vec<_> = parts
            .iter()
            .flatten()
            .map(|part| match part {
                Finished::Encoded(spans) => spans.bytes().to_vec(),
                Finished::Span(_) => vec![],
            })
            .collect();
        let expected = [vec![200], vec![5, 300], vec![1]].map(|lengths| match block(lengths) {
            Finished::Encoded(spans) => spans.bytes,
            Finished::Span(_) => vec![],
        });
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_full_block_takes_no_more() {
        let mut full = EncodedSpans::new(&SCOPE, b"x");
        assert_eq!((1..1_000).filter(|_| full.try_add(&SCOPE, b"x")).count(), BLOCK_SPANS - 1);
        assert!(!EncodedSpans::new(&SCOPE, b"x").try_add(&SCOPE, &vec![7; BLOCK_BYTES]));
    }
}
