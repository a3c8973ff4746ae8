//! `_core.Exchange`: one request and its reply as Python sees them, the base of `RequestContext`.

mod body;
mod head;
mod waiters;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use pyo3::exceptions::PyBaseException;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyContext, PyDict, PyString};
use wirespan_core::exchange::{Exchange, ReplyStage, Thread};
use wirespan_core::message::{BodyLength, Request, ResponseHead};
use wirespan_core::sinks::Observation;

pub(crate) use self::body::chunk_of;
use self::head::header_bytes;
use crate::error::{core_error, error_note, handler_error};
use crate::host::Host;
use crate::opentelemetry::hex;
use crate::operation::{Kind, Operation};
use crate::request::{self, Route};
use crate::stats::Stats;

/// What ties a Python object to its exchange; missing on an object that a user made.
pub(crate) struct Tie {
    pub exchange: Arc<Exchange>,
    pub host: Arc<Host>,
}

/// Python's share of an exchange.
#[derive(Default)]
pub(crate) struct Local {
    pub params: Option<Py<PyAny>>,
    pub values: Option<Py<PyAny>>,
    /// Status and fields that the handler sets before it replies.
    pub head: ResponseHead,
    pub waiters: Vec<Py<PyAny>>,
    pub task: Option<Py<PyAny>>,
    pub context: Option<Py<PyContext>>,
    /// Which tracers' `start` returned, by number.
    pub started: Vec<usize>,
    pub error: Option<Py<PyAny>>,
    pub panicked: bool,
    /// ASGI: the last body message was received.
    pub body_received: bool,
    /// ASGI: the scope, for the route template.
    pub scope: Option<Py<PyDict>>,
}

/// See the module's documentation.
#[pyclass(subclass, frozen, module = "wirespan._core", name = "Exchange")]
pub(crate) struct PyExchange {
    bound: OnceLock<Tie>,
    local: Mutex<Local>,
}

impl PyExchange {
    pub(crate) fn bind(&self, exchange: Arc<Exchange>, host: Arc<Host>) {
        let first = self.bound.set(Tie { exchange, host });
        debug_assert!(first.is_ok(), "an object is bound once");
    }

    pub(crate) fn bound(&self) -> PyResult<&Tie> {
        self.bound.get().ok_or_else(|| {
            pyo3::exceptions::PyRuntimeError::new_err(
                "this object was not made by the server: it has no request",
            )
        })
    }

    pub(crate) fn local(&self) -> MutexGuard<'_, Local> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self) -> Option<&Request> {
        self.bound.get()?.exchange.request()
    }
}

#[pymethods]
impl PyExchange {
    #[new]
    fn new() -> Self {
        Self { bound: OnceLock::new(), local: Mutex::default() }
    }

    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.request().map_or_else(|| PyString::new(py, ""), |r| request::method(py, r))
    }

    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.request().map_or_else(|| PyString::new(py, ""), |r| request::decoded_path(py, r.path(), ""))
    }

    #[getter]
    fn raw_path<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        request::raw(py, self.request().map_or(b"", Request::path))
    }

    #[getter]
    fn query_string<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        request::latin1(py, self.request().map_or(b"", Request::query))
    }

    #[getter]
    fn http_version(&self) -> &'static str {
        self.request().map_or("", |r| r.version().number())
    }

    #[getter]
    fn client(&self) -> Option<(&str, u16)> {
        request::address(self.bound.get()?.exchange.client())
    }

    #[getter]
    fn peer(&self) -> Option<(&str, u16)> {
        request::address(self.bound.get()?.exchange.peer().client.as_ref())
    }

    #[getter]
    fn scheme(&self) -> &'static str {
        self.bound.get().map_or("", |bound| bound.exchange.scheme())
    }

    #[getter]
    fn server(&self) -> Option<(&str, u16)> {
        request::address(self.bound.get()?.exchange.peer().server.as_ref())
    }

    #[getter]
    fn content_length(&self) -> Option<u64> {
        match self.request().map_or(BodyLength::Known(0), Request::body) {
            BodyLength::Known(length) => Some(length),
            BodyLength::Chunked => None,
        }
    }

    fn header<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyString>> {
        let name = name.to_ascii_lowercase();
        self.request()?.value(name.as_bytes()).map(|value| request::latin1(py, value))
    }

    fn header_values<'py>(&self, py: Python<'py>, name: &str) -> Vec<Bound<'py, PyString>> {
        let name = name.to_ascii_lowercase();
        let Some(request) = self.request() else { return Vec::new() };
        request.values(name.as_bytes()).map(|value| request::latin1(py, value)).collect()
    }

    fn header_items<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyString>, Bound<'py, PyString>)> {
        let Some(request) = self.request() else { return Vec::new() };
        request
            .fields()
            .map(|(name, value)| (request::latin1(py, name), request::latin1(py, value)))
            .collect()
    }

    #[getter]
    fn trailers<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyString>, Bound<'py, PyString>)> {
        let Some(bound) = self.bound.get() else { return Vec::new() };
        let trailers = bound.exchange.trailers();
        trailers.iter().map(|(name, value)| (request::latin1(py, name), request::latin1(py, value))).collect()
    }

    /// Puts an exception that was dealt with on the record.
    fn note_error(&self, error: &Bound<'_, PyBaseException>) -> PyResult<()> {
        let exchange = &self.bound()?.exchange;
        exchange.note_exception(error_note(error, exchange.is_recording()));
        self.local().error.get_or_insert_with(|| error.clone().into_any().unbind());
        Ok(())
    }

    #[getter]
    fn is_disconnected(&self) -> bool {
        self.bound.get().is_some_and(|b| b.exchange.is_gone())
    }

    #[getter]
    fn params(&self, py: Python<'_>) -> Py<PyAny> {
        let made = self.local().params.as_ref().map(|p| p.clone_ref(py));
        made.unwrap_or_else(|| {
            let fresh = PyDict::new(py).into_any().unbind();
            self.local().params = Some(fresh.clone_ref(py));
            fresh
        })
    }

    #[setter]
    fn set_params(&self, params: Py<PyAny>) {
        let before = self.local().params.replace(params);
        drop(before); // without the lock: its end may run code of the user's
    }

    #[getter]
    fn values(&self, py: Python<'_>) -> Py<PyAny> {
        let made = self.local().values.as_ref().map(|v| v.clone_ref(py));
        made.unwrap_or_else(|| {
            let fresh = PyDict::new(py).into_any().unbind();
            self.local().values = Some(fresh.clone_ref(py));
            fresh
        })
    }

    #[setter]
    fn set_values(&self, values: Py<PyAny>) {
        let before = self.local().values.replace(values);
        drop(before); // see `set_params`
    }

    #[getter]
    fn stats(slf: Bound<'_, Self>) -> Stats {
        Stats::new(slf.unbind())
    }

    #[getter]
    fn trace_context(&self) -> Option<(String, String, bool)> {
        let span = &self.bound.get()?.exchange.context()?.span;
        Some((hex(&span.trace_id), hex(&span.span_id), span.flags.is_sampled()))
    }

    fn match_route(&self, route: &Bound<'_, Route>) -> PyResult<()> {
        let Tie { exchange, host } = self.bound()?;
        if host.traces {
            exchange.match_route(Arc::clone(&route.get().template), host.now());
        }
        Ok(())
    }

    fn read(slf: Bound<'_, Self>) -> Operation {
        Operation::new(Kind::Read, slf.unbind())
    }

    #[getter]
    fn status(&self) -> u16 {
        match self.local().head.status {
            0 => 200,
            status => status,
        }
    }

    #[setter]
    fn set_status(&self, py: Python<'_>, status: u16) -> PyResult<()> {
        if !(200..=999).contains(&status) {
            return Err(handler_error(py, "a response status is between 200 and 999"));
        }
        self.edit_head(py, |head| {
            head.status = status;
            Ok(())
        })
    }

    fn set_header(&self, py: Python<'_>, name: &str, value: &str) -> PyResult<()> {
        let value = header_bytes(py, value)?;
        self.edit_head(py, |head| head.fields.set(name.as_bytes(), &value).map_err(|e| core_error(py, &e)))
    }

    fn add_header(&self, py: Python<'_>, name: &str, value: &str) -> PyResult<()> {
        let value = header_bytes(py, value)?;
        self.edit_head(py, |head| head.fields.add(name.as_bytes(), &value).map_err(|e| core_error(py, &e)))
    }

    fn remove_header(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        self.edit_head(py, |head| {
            head.fields.remove(name.as_bytes());
            Ok(())
        })
    }

    fn response_header<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyString>> {
        let value = self.local().head.fields.get(name.as_bytes()).map(<[u8]>::to_vec);
        value.map(|value| request::latin1(py, &value))
    }

    fn reply(
        &self,
        py: Python<'_>,
        status: Option<u16>,
        content_type: Option<&str>,
        body: &Bound<'_, PyBytes>,
    ) -> PyResult<()> {
        if let Some(status) = status {
            self.set_status(py, status)?;
        }
        let Tie { exchange, host } = self.bound()?;
        if let Some(content_type) = content_type {
            let head = &mut self.local().head.fields;
            head.set(b"content-type", content_type.as_bytes()).map_err(|e| core_error(py, &e))?;
        }
        exchange.stage(chunk_of(body), host.now()).map_err(|e| core_error(py, &e))
    }

    #[getter]
    pub(crate) fn replied(&self) -> bool {
        self.bound.get().is_some_and(|b| b.exchange.reply_stage() != ReplyStage::Nothing)
    }

    #[getter]
    fn started(&self) -> bool {
        self.bound
            .get()
            .is_some_and(|b| matches!(b.exchange.reply_stage(), ReplyStage::Started | ReplyStage::Complete))
    }

    fn send(slf: &Bound<'_, Self>, chunk: &Bound<'_, PyBytes>) -> PyResult<Py<PyAny>> {
        slf.get().hand_over_head(slf.py())?;
        if chunk.as_bytes().is_empty() && slf.get().started() {
            return Ok(slf.get().bound()?.host.done.clone_ref(slf.py()));
        }
        Self::send_piece(slf, chunk_of(chunk), false)
    }

    fn finish(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        slf.get().hand_over_head(slf.py())?;
        Self::send_piece(slf, Bytes::new(), true)
    }

    fn thread_wait(&self) -> PyResult<()> {
        self.in_thread(Thread::Waiting)
    }

    fn thread_start(&self) -> PyResult<()> {
        self.in_thread(Thread::Running)
    }

    fn thread_finish(&self) -> PyResult<()> {
        self.in_thread(Thread::None)
    }

    #[allow(clippy::needless_pass_by_value, reason = "the signature that the macro expects")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Held elsewhere: the collector then sees fewer references and keeps the object, which is safe.
        let Ok(local) = self.local.try_lock() else { return Ok(()) };
        visit.call(&local.context)?;
        for object in [&local.params, &local.values, &local.task, &local.error] {
            visit.call(object)?;
        }
        visit.call(&local.scope)?;
        local.waiters.iter().try_for_each(|waiter| visit.call(waiter))
    }

    fn __clear__(&self) {
        let old = self.local.try_lock().map(|mut local| std::mem::take(&mut *local));
        drop(old);
    }
}

impl PyExchange {
    fn in_thread(&self, thread: Thread) -> PyResult<()> {
        let Tie { exchange, host } = self.bound()?;
        let from = exchange.in_thread(thread, host.now());
        host.engine.observe(Observation::Thread { from, to: thread });
        Ok(())
    }
}
