//! `_core.Span`: the whole of `opentelemetry.trace.Span`, over a span of the core.

use std::sync::Arc;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use wirespan_core::otlp::{Event, Key, Status, Value};
use wirespan_core::spans::{Draft, Limits, Span as Recorded};

use super::Source;
use super::value;

/// See the module's documentation.
#[pyclass(frozen, weakref, module = "wirespan._core")]
pub(crate) struct Span {
    recorded: Recorded,
    source: Arc<Source>,
    records_exception: bool,
    sets_status: bool,
    /// It was given to a framework that traces the request itself.
    is_frameworks: bool,
    /// `SpanContext`, made when somebody asks.
    context: PyOnceLock<Py<PyAny>>,
}

impl Span {
    pub(super) const fn new(
        recorded: Recorded,
        source: Arc<Source>,
        records_exception: bool,
        sets_status: bool,
    ) -> Self {
        let context = PyOnceLock::new();
        Self { recorded, source, records_exception, sets_status, is_frameworks: false, context }
    }

    /// The span of a request, for a framework that wants to start one more for it.
    pub(super) fn for_framework(server: Recorded, source: Arc<Source>) -> Self {
        Self { is_frameworks: true, ..Self::new(server, source, true, true) }
    }

    pub(super) const fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    fn put(&self, draft: &mut Draft, name: Key, value: Value, limits: &Limits) {
        if self.is_frameworks {
            draft.set_by_framework(name, value, limits);
        } else {
            draft.set_attribute(name, value, limits);
        }
    }

    /// Somebody changes a span that has ended: as the official SDK does, we say so and go on.
    fn check(&self, py: Python<'_>, is_done: bool, what: &str) {
        if !is_done && !self.recorded.is_mute() {
            self.source.warn(py, &format!("{what} on a span that has ended is ignored"));
        }
    }

    /// An exception leaves a `with` block of this span.
    pub(super) fn leave(&self, error: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(error) = error.filter(|error| error.is_instance_of::<PyException>()) else { return Ok(()) };
        if !self.recorded.is_recording() {
            return Ok(());
        }
        if self.records_exception {
            self.record_exception(error, None, None, false)?;
        }
        if self.sets_status {
            let description = format!("{}: {}", error.get_type().name()?, shown(error));
            self.recorded.edit(|draft, _| draft.set_status(Status::Error(description.into())));
        }
        Ok(())
    }
}

/// `str(error)`; an exception that cannot be shown has no text.
fn shown(error: &Bound<'_, PyAny>) -> String {
    error.str().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned())
}

#[pymethods]
impl Span {
    fn get_span_context(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let made = self.context.get_or_try_init(py, || {
            Ok::<_, PyErr>(self.source.api.span_context(py, self.recorded.context())?.unbind())
        })?;
        Ok(made.clone_ref(py))
    }

    #[getter]
    fn context(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.get_span_context(py)
    }

    #[getter]
    fn kind(&self, py: Python<'_>) -> Py<PyAny> {
        self.source.api.shown_kind(py, self.recorded.kind())
    }

    fn is_recording(&self) -> bool {
        self.recorded.is_recording()
    }

    fn set_attribute(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) {
        if self.recorded.is_mute() {
            return;
        }
        let Some((name, value)) = self.source.attribute(key, value) else { return };
        let is_done = self.recorded.edit(|draft, limits| self.put(draft, name, value, limits));
        self.check(key.py(), is_done, "set_attribute");
    }

    fn set_attributes(&self, attributes: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.recorded.is_mute() {
            return Ok(());
        }
        let mut all = Vec::new();
        self.source.each(Some(attributes), |key, value| all.push((key, value)))?;
        let is_done = self.recorded.edit(|draft, limits| {
            for (key, value) in all {
                self.put(draft, key, value, limits);
            }
        });
        self.check(attributes.py(), is_done, "set_attributes");
        Ok(())
    }

    #[pyo3(signature = (name, attributes = None, timestamp = None))]
    fn add_event(
        &self,
        name: &Bound<'_, PyString>,
        attributes: Option<&Bound<'_, PyAny>>,
        timestamp: Option<u64>,
    ) -> PyResult<()> {
        if self.recorded.is_mute() {
            return Ok(());
        }
        let event = Event {
            time_unix_ns: timestamp.unwrap_or_else(|| self.recorded.timeline().now_unix_ns()),
            name: value::text(name),
            attributes: self.source.attributes(attributes)?,
            dropped_attributes: 0,
        };
        let is_done = self.recorded.edit(|draft, limits| draft.add_event(event, limits));
        self.check(name.py(), is_done, "add_event");
        Ok(())
    }

    #[pyo3(signature = (context, attributes = None))]
    fn add_link(&self, context: &Bound<'_, PyAny>, attributes: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        if self.recorded.is_mute() {
            return Ok(());
        }
        let Some(link) = self.source.link(context, attributes)? else { return Ok(()) };
        let is_done = self.recorded.edit(|draft, limits| draft.add_link(link, limits));
        self.check(context.py(), is_done, "add_link");
        Ok(())
    }

    fn update_name(&self, name: &Bound<'_, PyString>) {
        let given = value::text(name);
        let is_done = self.recorded.edit(|draft, _| draft.set_name(given));
        self.check(name.py(), is_done, "update_name");
    }

    #[pyo3(signature = (status, description = None))]
    fn set_status(&self, status: &Bound<'_, PyAny>, description: Option<&Bound<'_, PyAny>>) {
        if self.recorded.is_mute() {
            return;
        }
        let py = status.py();
        let text = description.and_then(|given| given.extract::<String>().ok());
        if description.is_some() && text.is_none() {
            self.source.warn(py, "the description of a status is left out: it is no str");
        }
        let Ok((status, ignored)) = self.source.api.status(status, text) else {
            return self.source.warn(py, "set_status is ignored: it takes a Status or a StatusCode");
        };
        if let Some(ignored) = ignored {
            self.source.warn(py, &format!("description {ignored:?} is ignored: it goes with ERROR, once"));
        }
        let is_done = self.recorded.edit(|draft, _| draft.set_status(status));
        self.check(py, is_done, "set_status");
    }

    #[pyo3(signature = (exception, attributes = None, timestamp = None, escaped = false))]
    fn record_exception(
        &self,
        exception: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        timestamp: Option<u64>,
        escaped: bool,
    ) -> PyResult<()> {
        if self.recorded.is_mute() {
            return Ok(());
        }
        let py = exception.py();
        let (kind, message, stack): (Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>) =
            self.source.api.describe.bind(py).call1((exception,))?.extract()?;
        let all = PyDict::new(py);
        all.set_item("exception.type", kind)?;
        all.set_item("exception.message", message)?;
        all.set_item("exception.stacktrace", stack)?;
        // A text, as the official SDK has it.
        all.set_item("exception.escaped", if escaped { "True" } else { "False" })?;
        if let Some(given) = attributes {
            all.call_method1("update", (given,))?;
        }
        self.add_event(pyo3::intern!(py, "exception"), Some(all.as_any()), timestamp)
    }

    #[pyo3(signature = (end_time = None))]
    fn end(&self, py: Python<'_>, end_time: Option<u64>) {
        let is_done = self.recorded.end(end_time);
        self.check(py, is_done, "end");
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let left = self.leave(Some(error));
        self.end(py, None);
        left
    }

    fn __repr__(&self) -> String {
        let context = self.recorded.context();
        let hex = crate::opentelemetry::hex;
        format!("<Span {} of trace {}>", hex(&context.span_id), hex(&context.trace_id))
    }
}
