//! What Python hands over of opentelemetry-api, so that the usual path needs no import and no attribute of a module.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use wirespan_core::otlp::{Kind, Status};
use wirespan_core::propagation::TraceState;
use wirespan_core::trace::{Flags, SpanContext};

use crate::call;

/// One field for each key of the dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Api {
    /// The context variable in which the current `Context` is.
    pub variable: Py<PyAny>,
    /// The class `Context`, a dict.
    context_type: Py<PyAny>,
    /// Under which a `Context` has the current span.
    span_key: Py<PyString>,
    /// `(trace id, span id, flags, tracestate) -> SpanContext`.
    span_context: Py<PyAny>,
    /// `SpanKind`, in the order of their numbers.
    kinds: Vec<Py<PyAny>>,
    /// `StatusCode`, likewise: unset, ok, error.
    codes: Vec<Py<PyAny>>,
    /// `exception -> (type, message, stack trace)`.
    pub describe: Py<PyAny>,
    /// `(current span, function) -> function`.
    pub decorate: Py<PyAny>,
    /// `(name, value, context) -> context`.
    pub set_baggage: Py<PyAny>,
    /// `Logger.warning`.
    pub warn: Py<PyAny>,
}

impl Api {
    /// The current `Context`.
    pub(super) fn current<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let found = call::get_variable(self.variable.bind(py))?;
        Ok(found.and_then(|context| context.cast_into::<PyDict>().ok()))
    }

    /// The current span of a `Context`, of the current one where none is given.
    pub(super) fn current_span<'py>(
        &self,
        py: Python<'py>,
        context: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let key = self.span_key.bind(py);
        match context {
            None => self.current(py)?.map_or(Ok(None), |context| context.get_item(key)),
            Some(given) => given.cast::<PyDict>()?.get_item(key),
        }
    }

    /// The current `Context` with another span.
    pub(super) fn with_span<'py>(
        &self,
        py: Python<'py>,
        span: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = self.context_type.bind(py).call0()?;
        // The class refuses changes from Python; this one nobody has seen yet.
        let context = made.cast::<PyDict>()?;
        if let Some(current) = self.current(py)? {
            context.update(current.as_mapping())?;
        }
        context.set_item(self.span_key.bind(py), span)?;
        Ok(made)
    }

    /// `SpanContext` of one of our spans.
    pub(super) fn span_context<'py>(
        &self,
        py: Python<'py>,
        span: &SpanContext,
    ) -> PyResult<Bound<'py, PyAny>> {
        let trace_id = u128::from_be_bytes(span.trace_id);
        let span_id = u64::from_be_bytes(span.span_id);
        let call = self.span_context.bind(py);
        call.call1((trace_id, span_id, span.flags.bits(), span.trace_state.as_str()))
    }

    pub(super) fn kind(&self, given: Option<&Bound<'_, PyAny>>) -> Kind {
        let is = |kind: &Py<PyAny>| given.is_some_and(|given| given.is(kind));
        match self.kinds.iter().position(is) {
            Some(1) => Kind::Server,
            Some(2) => Kind::Client,
            Some(3) => Kind::Producer,
            Some(4) => Kind::Consumer,
            _ => Kind::Internal,
        }
    }

    pub(super) fn shown_kind(&self, py: Python<'_>, kind: Kind) -> Py<PyAny> {
        self.kinds[kind as usize - 1].clone_ref(py)
    }

    /// A `StatusCode` or a `Status`, which has its own description.
    pub(super) fn status(
        &self,
        given: &Bound<'_, PyAny>,
        description: Option<String>,
    ) -> PyResult<(Status, Option<String>)> {
        let is = |code: &Py<PyAny>, given: &Bound<'_, PyAny>| given.is(code);
        if let Some(number) = self.codes.iter().position(|code| is(code, given)) {
            return Ok(status(number, description));
        }
        let code = given.getattr(pyo3::intern!(given.py(), "status_code"))?;
        let own: Option<String> = given.getattr(pyo3::intern!(given.py(), "description"))?.extract()?;
        let number = self.codes.iter().position(|known| is(known, &code)).unwrap_or_default();
        let (status, ignored) = status(number, own);
        Ok((status, description.or(ignored)))
    }
}

/// The status, and a description that it cannot have.
fn status(number: usize, description: Option<String>) -> (Status, Option<String>) {
    match number {
        1 => (Status::Ok, description),
        2 => (Status::Error(description.unwrap_or_default().into()), None),
        _ => (Status::Unset, description),
    }
}

/// A `SpanContext` of anybody, and whether it is of another process; `None` where it is not valid.
pub(super) fn foreign(given: &Bound<'_, PyAny>) -> PyResult<Option<(SpanContext, bool)>> {
    let py = given.py();
    let trace_id: u128 = given.getattr(pyo3::intern!(py, "trace_id"))?.extract()?;
    let span_id: u64 = given.getattr(pyo3::intern!(py, "span_id"))?.extract()?;
    if trace_id == 0 || span_id == 0 {
        return Ok(None);
    }
    let flags: u8 = given.getattr(pyo3::intern!(py, "trace_flags"))?.extract()?;
    let is_remote: bool = given.getattr(pyo3::intern!(py, "is_remote"))?.extract()?;
    let state = given.getattr(pyo3::intern!(py, "trace_state"))?;
    let trace_state = if state.is_truthy()? {
        let header: String = state.call_method0(pyo3::intern!(py, "to_header"))?.extract()?;
        TraceState::parse([header.as_bytes()])
    } else {
        TraceState::default()
    };
    let span = SpanContext {
        trace_id: trace_id.to_be_bytes(),
        span_id: span_id.to_be_bytes(),
        flags: Flags::from_bits(flags),
        trace_state,
    };
    Ok(Some((span, is_remote)))
}
