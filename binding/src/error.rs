//! Core errors as Python exceptions: the only translator.

use pyo3::create_exception;
use pyo3::exceptions::{PyConnectionError, PyRuntimeError};
use pyo3::prelude::*;
use wirespan_core::error::{Error, Fault};

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

/// A `CoreError` that carries the core's fault, status and cause.
pub(crate) fn core_error(py: Python<'_>, error: &Error) -> PyErr {
    let what = match error.io() {
        Some(io) => format!("{}: {io}", error.what()),
        None => error.what().to_owned(),
    };
    let raised = CoreError::new_err(what);
    let value = raised.value(py);
    let fault = value.setattr("fault", fault_name(error.fault()));
    match fault.and_then(|()| value.setattr("status", error.status())) {
        Ok(()) => raised,
        Err(broken) => broken,
    }
}

/// A misuse by the handler, as the core would say it.
pub(crate) fn handler_error(py: Python<'_>, what: &str) -> PyErr {
    let raised = CoreError::new_err(what.to_owned());
    let value = raised.value(py);
    match value.setattr("fault", "handler").and_then(|()| value.setattr("status", py.None())) {
        Ok(()) => raised,
        Err(broken) => broken,
    }
}

/// The client is gone.
pub(crate) fn disconnected() -> PyErr {
    Disconnected::new_err("the client is gone")
}
