//! Spans that wait for the exporter's thread.

use crate::otlp::finished::EncodedSpans;
use crate::sinks::opentelemetry::{EncodedSpan, Item};

/// In order, but for those that come as bytes: they gather in a block, and take the place where it is full.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    items: Vec<Item>,
    block: Option<EncodedSpans>,
    count: usize,
}

impl Waiting {
    /// How many spans.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn add(&mut self, span: Item) {
        self.items.push(span);
        self.count += 1;
    }

    pub(super) fn add_encoded(&mut self, span: EncodedSpan<'_>) {
        self.count += 1;
        if let Some(block) = &mut self.block
            && block.try_add(span.scope, span.bytes)
        {
            return;
        }
        let full = self.block.replace(EncodedSpans::new(span.scope, span.bytes));
        self.items.extend(full.map(Item::from));
    }

    /// Moves all. Mostly by swapping, so that two allocations go back and forth and none is made.
    pub(super) fn move_to(&mut self, held: &mut Vec<Item>) {
        self.items.extend(self.block.take().map(Item::from));
        self.count = 0;
        if held.is_empty() {
            std::mem::swap(&mut self.items, held);
        } else {
            held.append(&mut self.items);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::SpanData;
    use crate::sinks::opentelemetry::SCOPE;

    #[test]
    fn encoded_spans_share_a_block_whatever_comes_between() {
        let mut waiting = Waiting::default();
        for _ in 0..20 {
            waiting.add_encoded(EncodedSpan { scope: &SCOPE, bytes: b"x" });
            waiting.add(SpanData::default().into());
        }
        assert_eq!(waiting.count(), 40);
        let mut held = Vec::new();
        waiting.move_to(&mut held);
        assert_eq!(held.iter().map(Item::count).collect::<Vec<_>>(), [&[1; 20][..], &[20]].concat());
        waiting.add(SpanData::default().into());
        waiting.move_to(&mut held);
        assert_eq!((held.len(), waiting.count()), (22, 0));
    }
}
