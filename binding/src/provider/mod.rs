//! The native side of `wirespan.opentelemetry.TracerProvider`: spans of opentelemetry-api that the core records.
//!
//! Nothing here names a module of OpenTelemetry: Python hands over what is needed of it ([`api::Api`]).

mod api;
mod current;
mod sdk;
mod span;
mod tracer;
mod value;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use pyo3::prelude::*;
use wirespan_core::exchange::Exchange;
use wirespan_core::spans::Source as Spans;
use wirespan_core::trace::Clock;

pub(crate) use self::api::Api;

use self::span::Span;
use self::tracer::Tracer;
use crate::call;
use crate::opentelemetry::OpenTelemetry;

/// Names of attributes that were warned about; more are dropped in silence.
const MAX_WARNED: usize = 100;

/// Where the spans of a provider come from.
pub(crate) struct Source {
    /// Changes when a server takes the provider to its own tracer.
    spans: RwLock<Arc<Spans>>,
    api: Api,
    warned: Mutex<HashSet<String>>,
}

/// A place for the source of a tracer, empty until a provider is made for it.
pub(crate) type SourceCell = Arc<OnceLock<Arc<Source>>>;

impl Source {
    /// Where spans go that start now.
    fn spans(&self) -> Arc<Spans> {
        Arc::clone(&self.spans.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the SERVER span of an exchange, and the caller's baggage, current in the context that runs now.
    pub(crate) fn enter(
        self: &Arc<Self>,
        py: Python<'_>,
        exchange: &Arc<Exchange>,
        clock: &Clock,
    ) -> PyResult<()> {
        let spans = self.spans();
        let Some(server) = spans.server(exchange, clock) else { return Ok(()) };
        let server = Bound::new(py, Span::new(server, Arc::clone(self), true, true))?;
        let mut context = self.api.with_span(py, server.as_any())?;
        for member in spans.sink().baggage(exchange).members() {
            context = self.api.set_baggage.bind(py).call1((&member.key, &member.value, context))?;
        }
        call::set_variable(self.api.variable.bind(py), &context).map(drop)
    }

    /// Says once what is wrong with an attribute of this name.
    fn warn_of(&self, py: Python<'_>, name: &str, what: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = warned.len() < MAX_WARNED && warned.insert(name.to_owned());
        drop(warned); // without the lock: logging runs code of the user's
        if is_new {
            self.warn(py, &format!("attribute {name:?} is left out: {what}"));
        }
    }

    /// To the log; a logger that fails is not worth a span.
    fn warn(&self, py: Python<'_>, text: &str) {
        if let Err(error) = self.api.warn.bind(py).call1(("%s", text)) {
            error.write_unraisable(py, None);
        }
    }
}

/// What a `TracerProvider` is made of.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct SpanSource(Arc<Source>);

#[pymethods]
impl SpanSource {
    #[new]
    fn new(tracer: &Bound<'_, OpenTelemetry>, api: Api) -> Self {
        let tracer = tracer.get();
        let made = || {
            let spans = RwLock::new(Arc::new(Spans::new(Arc::clone(&tracer.spans))));
            Arc::new(Source { spans, api, warned: Mutex::default() })
        };
        Self(Arc::clone(tracer.source.get_or_init(made)))
    }

    /// Spans that start from now on go to another tracer.
    fn join(&self, tracer: &Bound<'_, OpenTelemetry>) {
        let tracer = tracer.get();
        let spans = Arc::new(Spans::new(Arc::clone(&tracer.spans)));
        *self.0.spans.write().unwrap_or_else(PoisonError::into_inner) = spans;
        tracer.source.get_or_init(|| Arc::clone(&self.0));
    }

    fn tracer(
        &self,
        name: String,
        version: Option<String>,
        schema_url: Option<String>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Tracer> {
        Tracer::new(Arc::clone(&self.0), name, version, schema_url, attributes)
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    sdk::register(module)?;
    module.add_class::<SpanSource>()?;
    module.add_class::<Tracer>()?;
    module.add_class::<Span>()?;
    module.add_class::<current::CurrentSpan>()
}
