//! What `wirespan.opentelemetry.SdkTracer` asks, so that spans of the official SDK say what native ones do.

use pyo3::prelude::*;
use wirespan_core::sinks::opentelemetry::{Methods, redact, server};

use crate::exchange::PyExchange;
use crate::opentelemetry::variable;

/// A query without the secrets that spans must not tell.
#[pyfunction]
fn redact_query(query: &str) -> String {
    redact(query)
}

/// What the client calls us, as spans have it.
#[pyfunction]
fn server_of(request: &Bound<'_, PyExchange>) -> Option<(String, u16)> {
    let tie = request.get().bound().ok()?;
    server(&tie.exchange).map(|(address, port)| (address.into_owned(), port))
}

/// Whether the path is on the server's list of those that nobody wants to hear of.
#[pyfunction]
fn is_ignored(request: &Bound<'_, PyExchange>) -> bool {
    request.get().bound().is_ok_and(|tie| tie.exchange.is_ignored())
}

/// The methods that spans name.
#[pyfunction]
fn known_methods() -> Vec<String> {
    let methods = Methods::from_names(variable("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS").as_deref());
    methods.names().iter().map(ToString::to_string).collect()
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(redact_query, module)?)?;
    module.add_function(wrap_pyfunction!(server_of, module)?)?;
    module.add_function(wrap_pyfunction!(is_ignored, module)?)?;
    module.add_function(wrap_pyfunction!(known_methods, module)?)
}
