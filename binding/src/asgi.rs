//! ASGI 3.0 `http` over an exchange: the scope, `receive` and `send`.
//!
//! Source: the ASGI HTTP specification. As its version 2.4 asks, `send` raises an `OSError` once the client is gone.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyString, PyTuple};
use wirespan_core::engine::Read;
use wirespan_core::exchange::{Exchange, ReplyStage};
use wirespan_core::message::{Request, ResponseHead, Version};

use crate::error::core_error;
use crate::exchange::{PyExchange, Tie, chunk_of};
use crate::host::{Application, Host};
use crate::operation::{Attempt, Kind, Operation};
use crate::request::{self, Route};

/// How the route is found that an application's router chose.
pub(crate) struct RouteFinder {
    /// Called with a scope.
    pub of: Py<PyAny>,
    /// Routers add it to the scope. A call into Python for nothing costs nearly as much as all else that tracing adds, so
    /// it is not made where nothing was added.
    pub in_scope: bool,
}

/// An ASGI application and what every scope shares.
pub(crate) struct Asgi {
    pub app: Py<PyAny>,
    pub state: Option<Py<PyDict>>,
    pub root_path: String,
    pub routes: Option<RouteFinder>,
    /// A scope with every key, so that a request's is a copy that need not grow.
    pub template: Py<PyDict>,
    /// How many keys a scope has before the application gets it.
    scope_len: usize,
    coroutine_type: Py<PyAny>,
}

impl Asgi {
    pub(crate) fn new(
        py: Python<'_>,
        app: Py<PyAny>,
        state: Option<Py<PyDict>>,
        root_path: String,
        routes: Option<RouteFinder>,
    ) -> PyResult<Self> {
        let template = template(py, &root_path)?;
        let scope_len = template.len() + usize::from(state.is_some());
        let coroutine_type = py.import("types")?.getattr("CoroutineType")?.unbind();
        Ok(Self { app, state, root_path, routes, template: template.unbind(), scope_len, coroutine_type })
    }

    /// Calls the application; its coroutine is what the driver runs.
    pub(crate) fn call<'py>(
        &self,
        exchange: &Arc<Exchange>,
        object: &Bound<'py, PyExchange>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = object.py();
        let request = exchange.request().ok_or_else(|| PyRuntimeError::new_err("no request"))?;
        let scope = self.scope(exchange, request, object)?;
        if self.routes.is_some() {
            object.get().local().scope = Some(scope.clone().unbind());
        }
        let channel = Bound::new(py, Channel { object: object.clone().unbind() })?;
        let receive = channel.getattr(pyo3::intern!(py, "receive"))?;
        let send = channel.getattr(pyo3::intern!(py, "send"))?;
        let called = self.app.bind(py).call1((scope, receive, send))?;
        if called.get_type().is(&self.coroutine_type) { Ok(called) } else { steps_of(&called) }
    }

    fn scope<'py>(
        &self,
        exchange: &Exchange,
        request: &Request,
        object: &Bound<'py, PyExchange>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = object.py();
        let scope = self.template.bind(py).copy()?;
        if request.version() == Version::Http10 {
            scope.set_item(pyo3::intern!(py, "http_version"), pyo3::intern!(py, "1.0"))?;
        }
        scope.set_item(pyo3::intern!(py, "method"), request::method(py, request))?;
        scope.set_item(
            pyo3::intern!(py, "path"),
            request::decoded_path(py, request.path(), &self.root_path),
        )?;
        scope.set_item(
            pyo3::intern!(py, "raw_path"),
            request::raw_path(py, request.path(), &self.root_path),
        )?;
        scope.set_item(pyo3::intern!(py, "query_string"), request::raw(py, request.query()))?;
        scope.set_item(pyo3::intern!(py, "headers"), headers(py, request)?)?;
        scope.set_item(pyo3::intern!(py, "client"), request::address(exchange.client()))?;
        scope.set_item(pyo3::intern!(py, "server"), request::address(exchange.peer().server.as_ref()))?;
        let extensions = PyDict::new(py);
        extensions.set_item(pyo3::intern!(py, "wirespan"), object)?;
        scope.set_item(pyo3::intern!(py, "extensions"), extensions)?;
        if exchange.scheme() == "https" {
            scope.set_item(pyo3::intern!(py, "scheme"), pyo3::intern!(py, "https"))?;
        }
        if let Some(state) = &self.state {
            scope.set_item(pyo3::intern!(py, "state"), state.bind(py).copy()?)?;
        }
        Ok(scope)
    }

    /// Records the route as soon as the application's router has left it in the scope.
    pub(crate) fn note_route(&self, py: Python<'_>, host: &Host, exchange: &Exchange, object: &PyExchange) {
        let Some(routes) = &self.routes else { return };
        if !host.traces || exchange.lock().record.route.is_some() {
            return;
        }
        let Some(scope) = object.local().scope.as_ref().map(|s| s.clone_ref(py)) else { return };
        let scope = scope.bind(py);
        if routes.in_scope && scope.len() == self.scope_len {
            return;
        }
        let found = routes.of.bind(py).call1((scope,));
        match found.and_then(|f| f.extract::<Option<Py<Route>>>().map_err(PyErr::from)) {
            Ok(Some(route)) => exchange.match_route(Arc::clone(&route.get().template), host.now()),
            Ok(None) => {}
            Err(error) => error.write_unraisable(py, None),
        }
    }
}

/// What is the same in every scope, and a place for what is not.
fn template<'py>(py: Python<'py>, root_path: &str) -> PyResult<Bound<'py, PyDict>> {
    let version = PyDict::new(py);
    version.set_item("version", "3.0")?;
    // Not 2.4: told that, Starlette no longer listens for the disconnect while it streams, so an event stream that is
    // silent would run on after its client left, as it does not under uvicorn (which says 2.3 too).
    version.set_item("spec_version", "2.3")?;
    let scope = PyDict::new(py);
    scope.set_item(pyo3::intern!(py, "type"), pyo3::intern!(py, "http"))?;
    scope.set_item(pyo3::intern!(py, "asgi"), version)?;
    scope.set_item(pyo3::intern!(py, "http_version"), pyo3::intern!(py, "1.1"))?;
    scope.set_item(pyo3::intern!(py, "scheme"), pyo3::intern!(py, "http"))?;
    scope.set_item(pyo3::intern!(py, "root_path"), root_path)?;
    for key in [
        pyo3::intern!(py, "method"),
        pyo3::intern!(py, "path"),
        pyo3::intern!(py, "raw_path"),
        pyo3::intern!(py, "query_string"),
        pyo3::intern!(py, "headers"),
        pyo3::intern!(py, "client"),
        pyo3::intern!(py, "server"),
        pyo3::intern!(py, "extensions"),
    ] {
        scope.set_item(key, py.None())?;
    }
    Ok(scope)
}

/// What drives an awaitable that is no coroutine of Python's own: a task, or an object of some framework.
fn steps_of<'py>(awaitable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = awaitable.py();
    if let Ok(steps) = awaitable.getattr(pyo3::intern!(py, "__await__")) {
        return steps.call0();
    }
    if awaitable.hasattr(pyo3::intern!(py, "send"))? && awaitable.hasattr(pyo3::intern!(py, "throw"))? {
        return Ok(awaitable.clone()); // a generator-based coroutine
    }
    let kind = awaitable.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "the ASGI application returned {kind}, which cannot be awaited: is it async?"
    )))
}

fn headers<'py>(py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyList>> {
    let fields = request.fields().map(|(name, value)| (header_name(py, name), PyBytes::new(py, value)));
    let pairs = fields.map(|pair| pair.into_pyobject(py)).collect::<PyResult<Vec<Bound<'py, PyTuple>>>>()?;
    PyList::new(py, pairs)
}

/// The names that nearly every request has are made once.
fn header_name<'py>(py: Python<'py>, name: &[u8]) -> Bound<'py, PyBytes> {
    const COMMON: [&[u8]; 10] = [
        b"host",
        b"user-agent",
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"connection",
        b"content-length",
        b"content-type",
        b"cookie",
        b"authorization",
    ];
    static MADE: PyOnceLock<Vec<Py<PyBytes>>> = PyOnceLock::new();
    let made = MADE.get_or_init(py, || COMMON.iter().map(|n| PyBytes::new(py, n).unbind()).collect());
    match COMMON.iter().position(|common| *common == name) {
        Some(index) => made[index].bind(py).clone(),
        None => PyBytes::new(py, name),
    }
}

/// The two callables of one request.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Channel {
    object: Py<PyExchange>,
}

#[pymethods]
impl Channel {
    /// A cycle through this object is garbage like any other: an exception's traceback may hold it.
    #[allow(clippy::needless_pass_by_value, reason = "the signature that the macro expects")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)
    }

    fn receive(&self, py: Python<'_>) -> Operation {
        Operation::new(Kind::Receive, self.object.clone_ref(py))
    }

    fn send(&self, message: &Bound<'_, PyDict>) -> PyResult<Py<PyAny>> {
        let py = message.py();
        let kind = required(message, pyo3::intern!(py, "type"))?.cast_into::<PyString>()?;
        match kind.to_str()? {
            "http.response.start" => self.start(message),
            "http.response.body" => self.body(message),
            other => Err(PyRuntimeError::new_err(format!(
                "unexpected ASGI message {other:?}: an HTTP response is http.response.start, then http.response.body"
            ))),
        }
    }
}

impl Channel {
    fn start(&self, message: &Bound<'_, PyDict>) -> PyResult<Py<PyAny>> {
        let py = message.py();
        let Tie { exchange, host } = self.object.get().bound()?;
        let head = response_head(message)?;
        if let Application::Asgi(asgi) = &host.application {
            asgi.note_route(py, host, exchange, self.object.get());
        }
        exchange.begin_reply(head, host.now()).map_err(|e| core_error(py, &e))?;
        Ok(host.done.clone_ref(py))
    }

    fn body(&self, message: &Bound<'_, PyDict>) -> PyResult<Py<PyAny>> {
        let py = message.py();
        let Tie { exchange, .. } = self.object.get().bound()?;
        if exchange.reply_stage() == ReplyStage::Nothing && !exchange.is_gone() {
            return Err(PyRuntimeError::new_err("http.response.body came before http.response.start"));
        }
        let chunk = match message.get_item(pyo3::intern!(py, "body"))? {
            Some(body) => body_chunk(&body)?,
            None => Bytes::new(),
        };
        let more = match message.get_item(pyo3::intern!(py, "more_body"))? {
            Some(more) => more.is_truthy()?,
            None => false,
        };
        PyExchange::send_piece(self.object.bind(py), chunk, !more)
    }
}

fn required<'py>(message: &Bound<'py, PyDict>, key: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    message.get_item(key)?.ok_or_else(|| PyKeyError::new_err(format!("an ASGI message lacks {key}")))
}

fn body_chunk(body: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    if let Ok(bytes) = body.cast::<PyBytes>() {
        return Ok(chunk_of(bytes));
    }
    if let Ok(bytes) = body.cast::<PyByteArray>() {
        return Ok(Bytes::from(bytes.to_vec()));
    }
    let copied = body.py().get_type::<PyBytes>().call1((body,))?;
    Ok(chunk_of(copied.cast::<PyBytes>()?))
}

fn response_head(message: &Bound<'_, PyDict>) -> PyResult<ResponseHead> {
    let py = message.py();
    let status = required(message, pyo3::intern!(py, "status"))?.extract::<u16>()?;
    let mut head = ResponseHead { status, ..ResponseHead::default() };
    let Some(given) = message.get_item(pyo3::intern!(py, "headers"))? else { return Ok(head) };
    for pair in given.try_iter()? {
        let pair = pair?;
        let (name, value) = match pair.cast::<PyTuple>() {
            Ok(tuple) if tuple.len() == 2 => (tuple.get_item(0)?, tuple.get_item(1)?),
            _ => two_items(&pair)?,
        };
        let (name, value) = (header_bytes(&name)?, header_bytes(&value)?);
        head.fields.add(name.as_bytes(), value.as_bytes()).map_err(|e| core_error(py, &e))?;
    }
    Ok(head)
}

/// A pair that is no tuple: the specification asks for any iterable of two, and lists are common.
fn two_items<'py>(pair: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let mut items = pair.try_iter()?;
    match (items.next(), items.next(), items.next()) {
        (Some(name), Some(value), None) => Ok((name?, value?)),
        _ => Err(PyTypeError::new_err("an ASGI response header is a pair of name and value")),
    }
}

fn header_bytes<'a, 'py>(value: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyBytes>> {
    value
        .cast::<PyBytes>()
        .map_err(|_| PyTypeError::new_err("ASGI response headers are pairs of bytes, not of str"))
}

impl PyExchange {
    /// `receive()`: the body piece by piece, then `http.disconnect` once the client is gone or the response complete.
    pub(crate) fn try_receive(&self, py: Python<'_>) -> PyResult<Attempt> {
        let Tie { exchange, host } = self.bound()?;
        if self.local().body_received {
            let over = exchange.is_gone() || exchange.reply_stage() == ReplyStage::Complete;
            return if over { disconnect(py) } else { Ok(Attempt::Wait) };
        }
        let (body, last) = match host.read(py, exchange) {
            Read::Chunk(chunk, last) => (PyBytes::new(py, &chunk), last),
            Read::End => (PyBytes::new(py, b""), true),
            Read::Wait => return Ok(Attempt::Wait),
            Read::Failed(_) => {
                self.local().body_received = true;
                return disconnect(py);
            }
        };
        self.local().body_received = last;
        let message = PyDict::new(py);
        message.set_item(pyo3::intern!(py, "type"), pyo3::intern!(py, "http.request"))?;
        message.set_item(pyo3::intern!(py, "body"), body)?;
        message.set_item(pyo3::intern!(py, "more_body"), !last)?;
        Ok(Attempt::Ready(message.into_any().unbind()))
    }
}

fn disconnect(py: Python<'_>) -> PyResult<Attempt> {
    let message = PyDict::new(py);
    message.set_item(pyo3::intern!(py, "type"), pyo3::intern!(py, "http.disconnect"))?;
    Ok(Attempt::Ready(message.into_any().unbind()))
}
