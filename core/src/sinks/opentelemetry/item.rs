//! What is handed to an exporter: finished spans, or finished exchanges that become one on the exporter's thread.

use std::fmt;
use std::sync::{Arc, LazyLock};

use super::mapping::Mapping;
use crate::exchange::Exchange;
use crate::otlp::SpanData;
use crate::spans::put_over;
use crate::trace::TraceContext;

/// A span to export. Small, since a queue holds thousands.
pub struct Item(Inner);

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").finish_non_exhaustive()
    }
}

enum Inner {
    Exchange(Arc<Exchange>, Arc<Mapping>),
    Finished(Box<SpanData>),
    Shared(Arc<Shared>),
}

/// A span for several exporters. Whoever asks first builds it.
type Shared = LazyLock<Option<Box<SpanData>>, Box<dyn FnOnce() -> Option<Box<SpanData>> + Send>>;

impl Item {
    /// An exchange that is over. Building its span takes microseconds: it waits for [`Item::finished`].
    #[must_use]
    pub fn exchange(exchange: &Arc<Exchange>, mapping: &Arc<Mapping>) -> Self {
        Self(Inner::Exchange(Arc::clone(exchange), Arc::clone(mapping)))
    }

    /// The same span for so many exporters. It is built once, on the thread of the first that asks.
    pub fn copies(self, count: usize) -> impl Iterator<Item = Self> {
        let build: Box<dyn FnOnce() -> _ + Send> = Box::new(move || self.finished());
        let shared: Arc<Shared> = Arc::new(LazyLock::new(build));
        std::iter::repeat_n(shared, count).map(|shared| Self(Inner::Shared(shared)))
    }

    /// The span, for the exporter's thread to ask for; `None` where the exchange's times were not recorded.
    #[must_use]
    pub fn finished(self) -> Option<Box<SpanData>> {
        match self.0 {
            Inner::Exchange(exchange, mapping) => {
                let mut span = mapping.span(&exchange)?;
                let family = exchange.context().and_then(TraceContext::known_family);
                let has_route = exchange.lock().record.route.is_some();
                if let Some(added) = family.and_then(|family| family.take_server(has_route)) {
                    put_over(&mut span, *added, mapping.limits());
                }
                Some(Box::new(span))
            }
            Inner::Finished(span) => Some(span),
            Inner::Shared(span) => (**span).clone(),
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
        Self(Inner::Finished(span))
    }
}

/// Takes finished spans: an exporter's queue. Called on the engine's thread: it must return at once and never fail.
pub trait SpanSink: Send + Sync {
    /// Takes one in, or drops and counts it.
    fn push(&self, item: Item);

    /// Says something to the operator, on another thread.
    fn tell(&self, _line: &'static str) {}

    /// As [`SpanSink::push`], for who only sends spans and never looks at them: has a server span written with
    /// [`crate::otlp::SpanWriter::span`], once or, without room, not at all. False if it wants an item instead.
    fn push_encoded(&self, _write: &mut dyn FnMut(&mut Vec<u8>)) -> bool {
        false
    }
}
