//! Delivery to Python tracers: order, contexts and the isolation of failures.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyContext, PyTuple};

use crate::call;
use crate::exchange::PyExchange;
use crate::host::Host;

struct Tracer {
    start: Py<PyAny>,
    finish: Py<PyAny>,
    /// Most tracers have none.
    head: Option<Py<PyAny>>,
    name: String,
    /// Its failure was logged: once is enough.
    failed: AtomicBool,
}

/// The Python tracers of one server, in order of registration.
pub(crate) struct Tracers {
    all: Vec<Tracer>,
    /// The context in which the server was started: every request's is a copy of it.
    base_context: Py<PyContext>,
}

impl Tracers {
    /// # Errors
    /// `TypeError` for an object without `start` and `finish`.
    pub(crate) fn new(py: Python<'_>, given: &[Bound<'_, PyAny>]) -> PyResult<Self> {
        let all = given.iter().map(tracer).collect::<PyResult<_>>()?;
        Ok(Self { all, base_context: call::current_context(py)?.unbind() })
    }

    /// A copy of a context, or of the server's where none is given.
    pub(crate) fn copy<'py>(
        &self,
        py: Python<'py>,
        context: Option<&Py<PyContext>>,
    ) -> PyResult<Bound<'py, PyContext>> {
        call::copy_context(context.unwrap_or(&self.base_context).bind(py))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// `start` of every tracer, in order, each with the context that the one before returned.
    pub(crate) fn start(&self, host: &Host, object: &Bound<'_, PyExchange>) {
        let py = object.py();
        let mut context = match self.copy(py, None) {
            Ok(context) => context,
            Err(error) => return host.log(py, "no context could be made", Some(&error)),
        };
        let mut started = Vec::with_capacity(self.all.len());
        for (number, tracer) in self.all.iter().enumerate() {
            match next_context(&tracer.start, "start", &context, object) {
                Ok(next) => {
                    context = next;
                    started.push(number);
                }
                Err(error) => tracer.report(host, "start", &error, py),
            }
        }
        let mut local = object.get().local();
        local.context = Some(context.unbind());
        local.started = started;
    }

    /// Whether [`Tracers::head`] does anything.
    pub(crate) fn want_head(&self) -> bool {
        self.all.iter().any(|tracer| tracer.head.is_some())
    }

    /// `head` of every tracer that has one and whose `start` returned, in order, before the handler starts.
    pub(crate) fn head(&self, host: &Host, object: &Bound<'_, PyExchange>) {
        let py = object.py();
        let (context, started) = {
            let local = object.get().local();
            (local.context.as_ref().map(|context| context.clone_ref(py)), local.started.clone())
        };
        let Some(mut context) = context.map(|context| context.into_bound(py)) else { return };
        for tracer in started.into_iter().map(|number| &self.all[number]) {
            let Some(head) = &tracer.head else { continue };
            match next_context(head, "head", &context, object) {
                Ok(next) => context = next,
                Err(error) => tracer.report(host, "head", &error, py),
            }
        }
        let before = object.get().local().context.replace(context.unbind());
        drop(before); // without the lock
    }

    /// `finish` of every tracer whose `start` returned, in reverse order.
    pub(crate) fn finish(&self, host: &Host, object: &Bound<'_, PyExchange>) {
        let py = object.py();
        let (context, started) = {
            let mut local = object.get().local();
            (local.context.take(), std::mem::take(&mut local.started))
        };
        let Some(context) = context else { return };
        for number in started.into_iter().rev() {
            let tracer = &self.all[number];
            if let Err(error) = call_in_copy(&tracer.finish, context.bind(py), object) {
                tracer.report(host, "finish", &error, py);
            }
        }
    }
}

impl Tracer {
    fn report(&self, host: &Host, method: &str, error: &PyErr, py: Python<'_>) {
        if !self.failed.swap(true, Ordering::Relaxed) {
            let what =
                format!("the tracer {} failed in {method}; later failures of it are not logged", self.name);
            host.log(py, &what, Some(error));
        }
    }
}

/// One tracer's `start` or `head`, which must return a context.
fn next_context<'py>(
    method: &Py<PyAny>,
    name: &str,
    context: &Bound<'py, PyContext>,
    object: &Bound<'py, PyExchange>,
) -> PyResult<Bound<'py, PyContext>> {
    let next = call_in_copy(method, context, object)?;
    next.cast_into::<PyContext>().map_err(|other| {
        let got = other.into_inner().get_type();
        PyTypeError::new_err(format!("{name} must return a contextvars.Context, not {got}"))
    })
}

/// Calls a tracer's method in a copy of the context: there context variables have the values that `start` gave
/// them, whatever runs around us, and `context.run` works inside.
fn call_in_copy<'py>(
    method: &Py<PyAny>,
    context: &Bound<'py, PyContext>,
    object: &Bound<'py, PyExchange>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let copy = call::copy_context(context)?;
    copy.call_method1(pyo3::intern!(py, "run"), (method, context, object))
}

fn tracer(object: &Bound<'_, PyAny>) -> PyResult<Tracer> {
    let name = tracer_name(object)?;
    let method = |method: &str| {
        object.getattr(method).ok().filter(Bound::is_callable).map(Bound::unbind).ok_or_else(|| {
            PyTypeError::new_err(format!("{name} is no tracer: it has no method {method}(context, request)"))
        })
    };
    Ok(Tracer {
        start: method("start")?,
        finish: method("finish")?,
        head: object.getattr("head").ok().filter(Bound::is_callable).map(Bound::unbind),
        name: name.clone(),
        failed: AtomicBool::new(false),
    })
}

fn tracer_name(object: &Bound<'_, PyAny>) -> PyResult<String> {
    let class = object.get_type();
    let parts = PyTuple::new(object.py(), [class.module()?, class.qualname()?])?;
    Ok(format!("{}.{}", parts.get_item(0)?, parts.get_item(1)?))
}
