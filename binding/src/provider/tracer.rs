//! `_core.Tracer`: starts spans.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;
use wirespan_core::otlp::{Kind, Scope, Text};
use wirespan_core::spans::{Parent, Start};

use super::current::CurrentSpan;
use super::span::Span;
use super::{Source, api, value};
use crate::call;
use crate::exchange::{PyExchange, Tie};

/// What makes spans in the name of one library.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Tracer {
    pub(super) source: Arc<Source>,
    scope: Arc<Scope>,
}

/// What a span is started with.
pub(super) struct Arguments {
    pub name: Py<PyString>,
    pub context: Option<Py<PyAny>>,
    pub kind: Option<Py<PyAny>>,
    pub attributes: Option<Py<PyAny>>,
    pub links: Option<Py<PyAny>>,
    pub start_time: Option<u64>,
    pub records_exception: bool,
    pub sets_status: bool,
}

impl Arguments {
    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        let clone = |given: &Option<Py<PyAny>>| given.as_ref().map(|given| given.clone_ref(py));
        Self {
            name: self.name.clone_ref(py),
            context: clone(&self.context),
            kind: clone(&self.kind),
            attributes: clone(&self.attributes),
            links: clone(&self.links),
            ..*self
        }
    }
}

impl Tracer {
    pub(super) fn new(
        source: Arc<Source>,
        name: String,
        version: Option<String>,
        schema_url: Option<String>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let text = |given: Option<String>| given.map_or(Text::default(), Text::from);
        let attributes = source.attributes(attributes)?;
        let (version, schema_url) = (text(version), text(schema_url));
        let scope = Arc::new(Scope { name: name.into(), version, schema_url, attributes });
        Ok(Self { source, scope })
    }

    pub(super) fn start<'py>(&self, py: Python<'py>, given: &Arguments) -> PyResult<Bound<'py, Span>> {
        let context = given.context.as_ref().map(|context| context.bind(py));
        let current = self.source.api.current_span(py, context)?;
        let own = current.as_ref().and_then(|span| span.cast::<Span>().ok());
        let parent = match (&own, &current) {
            (Some(span), _) => Parent::Own(span.get().recorded()),
            (None, Some(span)) => foreign_parent(span)?,
            (None, None) => Parent::None,
        };
        let kind = self.source.api.kind(given.kind.as_ref().map(|kind| kind.bind(py)));
        if kind == Kind::Server
            && let Some(server) = self.known_server(py, &parent)?
        {
            return Ok(server);
        }
        let start = Start {
            name: value::text(given.name.bind(py)),
            kind,
            parent,
            start_unix_ns: given.start_time,
            scope: &self.scope,
        };
        let recorded = self.source.spans().start(start);
        let span = Span::new(recorded, Arc::clone(&self.source), given.records_exception, given.sets_status);
        if !span.recorded().is_mute() {
            self.describe(py, &span, given)?;
        }
        Bound::new(py, span)
    }

    /// The span of the request that runs, where a framework wants to start one more for it. What that says at the start
    /// we know better, so it is left out; what it adds later counts.
    fn known_server<'py>(&self, py: Python<'py>, parent: &Parent<'_>) -> PyResult<Option<Bound<'py, Span>>> {
        // Not the current span: the framework may have attached the caller's context already.
        let request = call::get_variable(&call::current_exchange(py)?)?;
        let Some(request) = request.and_then(|request| request.cast_into::<PyExchange>().ok()) else {
            return Ok(None);
        };
        let Tie { exchange, host } = request.get().bound()?;
        let server = self.source.spans().server(exchange, host.engine.clock());
        let server = server.filter(|server| !server.is_over() && server.stands_for(parent));
        let object = |server| Bound::new(py, Span::for_framework(server, Arc::clone(&self.source)));
        server.map(object).transpose()
    }

    fn describe(&self, py: Python<'_>, span: &Span, given: &Arguments) -> PyResult<()> {
        let bound = given.attributes.as_ref().map(|given| given.bind(py));
        self.source.each(bound, |key, value| {
            span.recorded().edit(|draft, limits| draft.set_attribute(key, value, limits));
        })?;
        let Some(links) = &given.links else { return Ok(()) };
        for link in links.bind(py).try_iter()? {
            let link = link?;
            let context = link.getattr(pyo3::intern!(py, "context"))?;
            let attributes = link.getattr(pyo3::intern!(py, "attributes"))?;
            if let Some(link) = self.source.link(&context, Some(&attributes))? {
                span.recorded().edit(|draft, limits| draft.add_link(link, limits));
            }
        }
        Ok(())
    }
}

/// The span of somebody else, by its `SpanContext`.
fn foreign_parent(span: &Bound<'_, PyAny>) -> PyResult<Parent<'static>> {
    let context = span.call_method0(pyo3::intern!(span.py(), "get_span_context"))?;
    let found = api::foreign(&context)?;
    Ok(found.map_or(Parent::None, |(span, is_remote)| Parent::Foreign(span, is_remote)))
}

#[pymethods]
#[allow(clippy::too_many_arguments, reason = "the signatures of opentelemetry-api")]
impl Tracer {
    #[pyo3(signature = (name, context = None, kind = None, attributes = None, links = None, start_time = None,
        record_exception = true, set_status_on_exception = true))]
    fn start_span<'py>(
        &self,
        name: Bound<'py, PyString>,
        context: Option<Py<PyAny>>,
        kind: Option<Py<PyAny>>,
        attributes: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        start_time: Option<u64>,
        record_exception: bool,
        set_status_on_exception: bool,
    ) -> PyResult<Bound<'py, Span>> {
        let py = name.py();
        let given = Arguments {
            name: name.unbind(),
            context,
            kind,
            attributes,
            links,
            start_time,
            records_exception: record_exception,
            sets_status: set_status_on_exception,
        };
        self.start(py, &given)
    }

    #[pyo3(signature = (name, context = None, kind = None, attributes = None, links = None, start_time = None,
        record_exception = true, set_status_on_exception = true, end_on_exit = true))]
    fn start_as_current_span(
        slf: Bound<'_, Self>,
        name: Bound<'_, PyString>,
        context: Option<Py<PyAny>>,
        kind: Option<Py<PyAny>>,
        attributes: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        start_time: Option<u64>,
        record_exception: bool,
        set_status_on_exception: bool,
        end_on_exit: bool,
    ) -> CurrentSpan {
        let arguments = Arguments {
            name: name.unbind(),
            context,
            kind,
            attributes,
            links,
            start_time,
            records_exception: record_exception,
            sets_status: set_status_on_exception,
        };
        CurrentSpan::new(slf.unbind(), arguments, end_on_exit)
    }
}
