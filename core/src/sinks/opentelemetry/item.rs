//! What is handed to an exporter: finished spans, or finished exchanges that become one on the exporter's thread.

use std::sync::Arc;

use super::mapping::Mapping;
use crate::exchange::Exchange;
use crate::otlp::{EncodedSpans, Finished, Scope, SpanData};
use crate::spans::{Family, put_over};
use crate::trace::TraceContext;

/// A span to export. Small, since a queue holds thousands.
#[derive(Debug)]
pub struct Item(Inner);

#[derive(Debug)]
enum Inner {
    Exchange(Arc<Exchange>, Arc<Mapping>),
    Finished(Finished),
    Nothing,
}

impl Item {
    /// An exchange that is over. Building its span takes microseconds: it waits for [`Item::finished`].
    #[must_use]
    pub fn exchange(exchange: &Arc<Exchange>, mapping: &Arc<Mapping>) -> Self {
        Self(Inner::Exchange(Arc::clone(exchange), Arc::clone(mapping)))
    }

    /// An exchange whose times were not recorded: it counts, and has nothing to tell.
    #[must_use]
    pub(super) const fn nothing() -> Self {
        Self(Inner::Nothing)
    }

    /// How many spans.
    #[must_use]
    pub(crate) const fn count(&self) -> usize {
        match &self.0 {
            Inner::Finished(finished) => finished.count(),
            Inner::Exchange(..) | Inner::Nothing => 1,
        }
    }

    /// The span, for the exporter's thread to ask for; `None` where the exchange's times were not recorded.
    #[must_use]
    pub fn finished(self) -> Option<Finished> {
        match self.0 {
            Inner::Exchange(exchange, mapping) => {
                let mut span = mapping.span(&exchange)?;
                let family = exchange.context().and_then(TraceContext::known_family);
                if let Some(added) = family.and_then(Family::take_server) {
                    put_over(&mut span, *added, mapping.limits());
                }
                Some(Finished::Span(Box::new(span)))
            }
            Inner::Finished(finished) => Some(finished),
            Inner::Nothing => None,
        }
    }
}

impl From<SpanData> for Item {
    fn from(span: SpanData) -> Self {
        Box::new(span).into()
    }
}

impl From<Box<SpanData>> for Item {
    fn from(span: Box<SpanData>) -> Self {
        Self(Inner::Finished(Finished::Span(span)))
    }
}

impl From<EncodedSpans> for Item {
    fn from(spans: EncodedSpans) -> Self {
        Self(Inner::Finished(Finished::Encoded(spans)))
    }
}

/// A span as its receiver will get it.
#[derive(Clone, Copy, Debug)]
pub struct EncodedSpan<'a> {
    /// Who made it.
    pub scope: &'static Arc<Scope>,
    /// The message `Span`.
    pub bytes: &'a [u8],
}

/// Takes finished spans: an exporter's queue. Called on the engine's thread: it must return at once and never fail.
pub trait SpanSink: Send + Sync {
    /// Takes one in, or drops and counts it.
    fn push(&self, item: Item);

    /// Says something to the operator, on another thread.
    fn tell(&self, _line: &'static str) {}

    /// Whether spans may come as protobuf already: what is pushed is only sent, never looked at.
    fn takes_encoded(&self) -> bool {
        false
    }

    /// As [`SpanSink::push`], where they may.
    fn push_encoded(&self, _span: EncodedSpan<'_>) {}
}
