//! `_core.CurrentSpan`: what `start_as_current_span` returns, for `with` and as a decorator.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::span::Span;
use super::tracer::{Arguments, Tracer};
use crate::call;

/// The span starts when the block is entered.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct CurrentSpan {
    tracer: Py<Tracer>,
    arguments: Arguments,
    ends: bool,
    entered: Mutex<Option<Entered>>,
}

struct Entered {
    span: Py<Span>,
    token: Py<PyAny>,
}

impl CurrentSpan {
    pub(super) const fn new(tracer: Py<Tracer>, arguments: Arguments, ends: bool) -> Self {
        Self { tracer, arguments, ends, entered: Mutex::new(None) }
    }
}

#[pymethods]
impl CurrentSpan {
    /// A cycle through this object is garbage like any other: attributes may hold it.
    #[allow(clippy::needless_pass_by_value, reason = "the signature that the macro expects")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Arguments { context, attributes, links, .. } = &self.arguments;
        [context, attributes, links].into_iter().flatten().try_for_each(|given| visit.call(given))
    }

    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Span>> {
        if self.entered.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Err(PyRuntimeError::new_err(
                "this block runs already: call start_as_current_span once for each `with`",
            ));
        }
        let tracer = self.tracer.get();
        let span = tracer.start(py, &self.arguments)?;
        let api = &tracer.source.api;
        let context = api.with_span(py, span.as_any())?;
        let token = call::set_variable(api.variable.bind(py), &context)?.unbind();
        let entered = Entered { span: span.clone().unbind(), token };
        *self.entered.lock().unwrap_or_else(PoisonError::into_inner) = Some(entered);
        Ok(span)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Entered { span, token }) = entered else { return Ok(()) };
        let source = &self.tracer.get().source;
        // It fails where the block is left in another context than it was entered in, as generators do that somebody
        // else closes: there is nothing to restore there.
        _ = call::reset_variable(source.api.variable.bind(py), token.bind(py));
        let span = span.get();
        let left = span.leave(Some(error));
        if self.ends {
            span.recorded().end(None);
        }
        left
    }

    fn __call__<'py>(slf: &Bound<'py, Self>, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let decorate = &slf.get().tracer.get().source.api.decorate;
        decorate.bind(slf.py()).call1((slf, function))
    }

    /// The same for another call of a decorated function.
    fn again(&self, py: Python<'_>) -> Self {
        Self::new(self.tracer.clone_ref(py), self.arguments.clone_ref(py), self.ends)
    }
}
