//! Spans and the exporter's state as Python dicts.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use wirespan_core::otlp::exporter::{Dropped, Receiver};
use wirespan_core::otlp::{Attributes, Event, ExporterStatus, Kind, Link, SpanData, Status, Value};

/// A span with names as in OTLP, ids in hexadecimal digits.
pub(super) fn span<'py>(py: Python<'py>, span: &SpanData) -> PyResult<Bound<'py, PyDict>> {
    let (status, description) = match &span.status {
        Status::Unset => ("unset", ""),
        Status::Ok => ("ok", ""),
        Status::Error(description) => ("error", description.as_str()),
    };
    let all = PyDict::new(py);
    all.set_item("name", span.name.as_str())?;
    all.set_item("kind", kind(span.kind))?;
    all.set_item("trace_id", hex(&span.trace_id))?;
    all.set_item("span_id", hex(&span.span_id))?;
    all.set_item("parent_span_id", span.parent_span_id.as_ref().map(|id| hex(id)))?;
    all.set_item("trace_state", span.trace_state.as_str())?;
    all.set_item("flags", span.flags)?;
    all.set_item("start_unix_ns", span.start_unix_ns)?;
    all.set_item("end_unix_ns", span.end_unix_ns)?;
    all.set_item("attributes", attributes(py, &span.attributes)?)?;
    all.set_item("events", list(py, &span.events, event)?)?;
    all.set_item("links", list(py, &span.links, link)?)?;
    all.set_item("dropped_attributes", span.dropped_attributes)?;
    all.set_item("dropped_events", span.dropped_events)?;
    all.set_item("dropped_links", span.dropped_links)?;
    all.set_item("status", status)?;
    all.set_item("status_description", description)?;
    Ok(all)
}

/// A list of what `show` makes of each item.
pub(crate) fn list<'py, T>(
    py: Python<'py>,
    items: &[T],
    show: fn(Python<'py>, &T) -> PyResult<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyList>> {
    let shown = items.iter().map(|item| show(py, item)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, shown)
}

fn event<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("name", event.name.as_str())?;
    all.set_item("time_unix_ns", event.time_unix_ns)?;
    all.set_item("attributes", attributes(py, &event.attributes)?)?;
    Ok(all)
}

fn link<'py>(py: Python<'py>, link: &Link) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("trace_id", hex(&link.trace_id))?;
    all.set_item("span_id", hex(&link.span_id))?;
    all.set_item("attributes", attributes(py, &link.attributes)?)?;
    Ok(all)
}

pub(crate) fn attributes<'py>(py: Python<'py>, given: &Attributes) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    for (name, shown) in given {
        all.set_item(name.as_str(), value(py, shown)?)?;
    }
    Ok(all)
}

fn value<'py>(py: Python<'py>, shown: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match shown {
        Value::Str(text) => text.as_str().into_pyobject(py)?.into_any(),
        Value::Bool(given) => given.into_pyobject(py)?.to_owned().into_any(),
        Value::Int(number) => number.into_pyobject(py)?.into_any(),
        Value::Double(number) => number.into_pyobject(py)?.into_any(),
        Value::Array(values) => {
            let items = values.iter().map(|item| value(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
    })
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Internal => "internal",
        Kind::Server => "server",
        Kind::Client => "client",
        Kind::Producer => "producer",
        Kind::Consumer => "consumer",
    }
}

/// An id as headers and logs write it.
pub(crate) fn hex(id: &[u8]) -> String {
    use std::fmt::Write;
    id.iter().fold(String::with_capacity(2 * id.len()), |mut text, byte| {
        _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}

/// Whether a receiver works, in one word.
pub(crate) const fn receiver_name(receiver: Receiver) -> &'static str {
    match receiver {
        Receiver::Unknown => "unknown",
        Receiver::Up => "up",
        Receiver::Down => "down",
    }
}

/// Adds what the exporter says about itself.
pub(super) fn put_status(all: &Bound<'_, PyDict>, status: &ExporterStatus) -> PyResult<()> {
    let receiver = receiver_name(status.receiver);
    let spooled = PyDict::new(all.py());
    spooled.set_item("spans", status.spooled.spans)?;
    spooled.set_item("batches", status.spooled.batches)?;
    spooled.set_item("bytes", status.spooled.bytes)?;
    all.set_item("queued", status.queued)?;
    all.set_item("capacity", status.capacity)?;
    all.set_item("exported", status.exported)?;
    all.set_item("dropped", dropped(all.py(), &status.dropped)?)?;
    all.set_item("requests", status.requests)?;
    all.set_item("failed_requests", status.failed)?;
    all.set_item("last_error", status.last_error.as_deref())?;
    all.set_item("spooled", spooled)?;
    all.set_item("receiver", receiver)?;
    all.set_item("receiver_since_unix_ns", status.since_unix_ns)
}

fn dropped<'py>(py: Python<'py>, counts: &Dropped) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("queue_full", counts.queue_full)?;
    all.set_item("refused", counts.refused)?;
    all.set_item("rejected", counts.rejected)?;
    all.set_item("given_up", counts.given_up)?;
    all.set_item("spool_full", counts.spool_full)?;
    all.set_item("spool_failed", counts.spool_failed)?;
    all.set_item("shutdown", counts.shutdown)?;
    all.set_item("already_shutdown", counts.already_shutdown)?;
    Ok(all)
}
