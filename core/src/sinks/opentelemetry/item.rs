//! What is handed to an exporter: finished spans, or finished exchanges that become one on the exporter's thread.

use std::sync::Arc;

use super::mapping::Mapping;
use crate::exchange::Exchange;
use crate::otlp::SpanData;

/// A span to export. Small, since a queue holds thousands.
#[derive(Debug)]
pub struct Item(Inner);

#[derive(Debug)]
enum Inner {
    Exchange(Arc<Exchange>, Arc<Mapping>),
    Span(Box<SpanData>),
}

impl Item {
    /// An exchange that is over. Building its span takes microseconds: it waits for [`Item::into_span`].
    #[must_use]
    pub fn exchange(exchange: &Arc<Exchange>, mapping: &Arc<Mapping>) -> Self {
        Self(Inner::Exchange(Arc::clone(exchange), Arc::clone(mapping)))
    }

    /// The span, for the exporter's thread to ask for; `None` where the exchange's times were not recorded.
    #[must_use]
    pub fn into_span(self) -> Option<SpanData> {
        match self.0 {
            Inner::Exchange(exchange, mapping) => mapping.span(&exchange),
            Inner::Span(span) => Some(*span),
        }
    }
}

impl From<SpanData> for Item {
    fn from(span: SpanData) -> Self {
        Self(Inner::Span(Box::new(span)))
    }
}

/// Takes finished spans: an exporter's queue. Called on the engine's thread: it must return at once and never fail.
pub trait SpanSink: Send + Sync {
    /// Takes one in, or drops and counts it.
    fn push(&self, item: Item);

    /// Says something to the operator, on another thread.
    fn tell(&self, _line: &'static str) {}
}
