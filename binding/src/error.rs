//! Core errors as Python exceptions: the only translator.

use pyo3::create_exception;
use pyo3::exceptions::{PyBaseException, PyConnectionError, PyRuntimeError};
use pyo3::prelude::*;
use wirespan_core::error::{Error, Fault};
use wirespan_core::exchange::Exchange;
use wirespan_core::trace::{EndReason, ErrorNote};

create_exception!(_core, CoreError, PyRuntimeError, "Raised by the engine; see `fault` and `status`.");
create_exception!(_core, Disconnected, PyConnectionError, "The client is gone.");

/// The name under which Python sees a fault.
const fn fault_name(fault: Fault) -> &'static str {
    match fault {
        Fault::Operator => "operator",
        Fault::Peer => "peer",
        Fault::Network => "network",
        Fault::Handler => "handler",
        Fault::Internal => "internal",
    }
}

/// A core error as Python sees it: a misuse by the handler is a `UsageError`, all others are `CoreError`s that carry
/// fault, status and cause.
pub(crate) fn core_error(py: Python<'_>, error: &Error) -> PyErr {
    if error.fault() == Fault::Handler {
        return handler_error(py, error.what());
    }
    let what = match error.io() {
        Some(io) => format!("{}: {io}", error.what()),
        None => error.what().to_owned(),
    };
    with_facts(py, CoreError::new_err(what), fault_name(error.fault()), error.status())
}

pub(crate) fn with_facts(py: Python<'_>, raised: PyErr, fault: &str, status: Option<u16>) -> PyErr {
    let value = raised.value(py);
    match value.setattr("fault", fault).and_then(|()| value.setattr("status", status)) {
        Ok(()) => raised,
        Err(broken) => broken,
    }
}

/// A misuse by the handler.
pub(crate) fn handler_error(py: Python<'_>, what: &str) -> PyErr {
    let class = py.import("wirespan.errors").and_then(|errors| errors.getattr("UsageError"));
    match class.and_then(|class| class.call1((what,))) {
        Ok(error) => PyErr::from_value(error),
        Err(broken) => broken,
    }
}

/// Why the rest of a body will never come.
pub(crate) fn read_error(py: Python<'_>, exchange: &Exchange, reason: EndReason) -> PyErr {
    let status = match reason {
        EndReason::LimitExceeded => 413,
        EndReason::ReadTimeout => 408,
        EndReason::ProtocolError => 400,
        _ => return disconnected(),
    };
    let what = exchange.error_message().unwrap_or_else(|| reason.name().to_owned());
    with_facts(py, CoreError::new_err(what), "peer", Some(status))
}

/// The exception object with its traceback: Python 3.11 keeps the two apart while an exception is on its way, and
/// `PyErr::value` gives the object alone.
pub(crate) fn exception<'py>(py: Python<'py>, error: &PyErr) -> Bound<'py, PyBaseException> {
    error.clone_ref(py).into_value(py).into_bound(py)
}

/// Longest stack in a span, in bytes: a full batch of such spans still fits into what a Collector takes (20 MiB).
const MAX_STACK: usize = 16_384;

/// An exception as text, for sinks that outlive it. The stack costs some hundred microseconds: only where it is told.
pub(crate) fn error_note(error: &Bound<'_, PyBaseException>, has_stack: bool) -> ErrorNote {
    let message = error.str().map(|text| text.to_string()).unwrap_or_default();
    let stack = if has_stack { last_part(traceback_text(error), MAX_STACK) } else { String::new() };
    ErrorNote { kind: type_name(error), message, stack }
}

/// As the conventions want `exception.type` and `error.type`: with the module, except for builtins.
fn type_name(error: &Bound<'_, PyBaseException>) -> String {
    let kind = error.get_type();
    let name = kind.qualname().map_or_else(|_| "Exception".to_owned(), |name| name.to_string());
    match kind.module().map(|module| module.to_string()) {
        Ok(module) if module != "builtins" => format!("{module}.{name}"),
        _ => name,
    }
}

/// As Python prints it: the most recent call last.
pub(crate) fn traceback_text(error: &Bound<'_, PyBaseException>) -> String {
    let module = error.py().import("traceback");
    let lines = module.and_then(|module| module.call_method1("format_exception", (error,)));
    lines.and_then(|l| l.extract::<Vec<String>>()).map_or_else(|_| error.to_string(), |l| l.concat())
}

/// The end of the text, which is where the exception was raised.
fn last_part(text: String, longest: usize) -> String {
    let Some(from) = text.len().checked_sub(longest) else { return text };
    let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text[from..].to_owned()
}

/// The client is gone.
pub(crate) fn disconnected() -> PyErr {
    Disconnected::new_err("the client is gone")
}
