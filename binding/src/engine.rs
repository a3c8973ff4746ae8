//! `_core.Engine`: the engine inside an asyncio loop, and the clock that a test sets.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use slab::Slab;
use wirespan_core::engine::Engine;
use wirespan_core::inflight::Place;
use wirespan_core::sampling::IgnoreList;
use wirespan_core::sinks::{Sink, Sinks};
use wirespan_core::trace::{Clock, Level};

use crate::access_log::AccessLog;
use crate::asgi::{Asgi, RouteFinder};
use crate::call::duplicate_fd;
use crate::config;
use crate::error::core_error;
use crate::exchange::PyExchange;
use crate::host::{Application, Host};
use crate::inflight::{Tellers, shown};
use crate::opentelemetry::OpenTelemetry;
use crate::operation::Done;
use crate::provider::SourceCell;
use crate::tracers::Tracers;

/// A clock that a test sets, in nanoseconds.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct ManualClock {
    now: Arc<AtomicU64>,
}

#[pymethods]
impl ManualClock {
    #[new]
    #[pyo3(signature = (now_ns = 1_000_000_000))]
    fn new(now_ns: u64) -> Self {
        Self { now: Arc::new(AtomicU64::new(now_ns)) }
    }

    #[getter]
    fn now_ns(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_now_ns(&self, now_ns: u64) {
        self.now.store(now_ns, Ordering::Relaxed);
    }
}

/// See the module's documentation.
#[pyclass(frozen, module = "wirespan._core", name = "Engine")]
pub(crate) struct PyEngine {
    host: Arc<Host>,
    tellers: Tellers,
}

/// What `Engine(...)` is called with besides config and loop.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Given<'py> {
    native: Option<(Py<PyType>, Py<PyAny>)>,
    asgi: Option<Py<PyAny>>,
    asgi_state: Option<Py<PyDict>>,
    root_path: String,
    route_of: Option<Py<PyAny>>,
    route_in_scope: bool,
    tracers: Vec<Bound<'py, PyAny>>,
    ignore: Vec<String>,
    exchange_type: Option<Py<PyType>>,
    log_error: Option<Py<PyAny>>,
    threads: u32,
    debug: bool,
    clock: Option<Py<ManualClock>>,
}

/// The tracers by kind.
struct Split<'py> {
    /// They never enter Python.
    sinks: Sinks,
    python: Vec<Bound<'py, PyAny>>,
    /// Of the tracer whose spans handlers see.
    source: Option<SourceCell>,
}

fn split_tracers(all: Vec<Bound<'_, PyAny>>, mut ignored: Vec<String>) -> PyResult<Split<'_>> {
    let mut sinks: Vec<Arc<dyn Sink>> = Vec::new();
    let (mut python, mut source) = (Vec::new(), None);
    for tracer in all {
        if let Ok(native) = tracer.cast::<AccessLog>() {
            sinks.push(Arc::clone(&native.get().log) as Arc<dyn Sink>);
        } else if let Ok(native) = tracer.cast::<OpenTelemetry>() {
            native.get().start();
            ignored.extend_from_slice(&native.get().ignored);
            // Ends are told in reverse order: whether a span is kept is known when its request is counted.
            if let Some(metrics) = &native.get().metrics {
                sinks.push(Arc::clone(metrics.counts.current()) as Arc<dyn Sink>);
            }
            source.get_or_insert_with(|| Arc::clone(&native.get().source));
            sinks.push(Arc::clone(&native.get().spans) as Arc<dyn Sink>);
        } else {
            python.push(tracer);
        }
    }
    let ignored = IgnoreList::new(ignored).map_err(|e| PyValueError::new_err(e.to_string()))?;
    let sinks = Sinks::new(sinks, ignored);
    let sinks = if python.iter().any(wants_timeline) { sinks.with_timeline() } else { sinks };
    Ok(Split { sinks, python, source })
}

/// A tracer of the user's says so with an attribute; most have none.
fn wants_timeline(tracer: &Bound<'_, PyAny>) -> bool {
    tracer.getattr("wants_timeline").and_then(|wanted| wanted.is_truthy()).unwrap_or(false)
}

fn application(py: Python<'_>, given: &mut Given<'_>) -> PyResult<(Application, Py<PyType>)> {
    let base = py.get_type::<PyExchange>().unbind();
    match (given.native.take(), given.asgi.take()) {
        (Some((exchange_type, dispatch)), None) => Ok((Application::Native(dispatch), exchange_type)),
        (None, Some(app)) => {
            let root_path = std::mem::take(&mut given.root_path);
            let in_scope = given.route_in_scope;
            let routes = given.route_of.take().map(|of| RouteFinder { of, in_scope });
            let asgi = Asgi::new(py, app, given.asgi_state.take(), root_path, routes)?;
            Ok((Application::Asgi(asgi), given.exchange_type.take().unwrap_or(base)))
        }
        _ => Err(PyTypeError::new_err("give either native= or asgi=")),
    }
}

/// The options that every request's task is made with.
fn task_options<'py>(py: Python<'py>, event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let options = PyDict::new(py);
    options.set_item("loop", event_loop)?;
    options.set_item("name", "wirespan-request")?;
    if py.version_info() >= (3, 12) {
        options.set_item("eager_start", true)?;
    }
    Ok(options)
}

#[pymethods]
impl PyEngine {
    #[new]
    #[pyo3(signature = (config, event_loop, **given))]
    fn new(
        py: Python<'_>,
        config: &Bound<'_, PyDict>,
        event_loop: &Bound<'_, PyAny>,
        given: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut given: Given<'_> = with_defaults(py, given)?.extract()?;
        let config = config::from_dict(config)?;
        let tellers = Tellers::new(&given.tracers);
        let Split { sinks, python: tracers, source } =
            split_tracers(std::mem::take(&mut given.tracers), std::mem::take(&mut given.ignore))?;
        // A tracer may raise the level of a request.
        let is_traced = config.trace_level != Level::Disabled || !tracers.is_empty();
        let clock = given.clock.as_ref().map_or(Clock::System, |c| Clock::Manual(Arc::clone(&c.get().now)));
        let engine =
            Engine::new(config, clock, sinks, !tracers.is_empty()).map_err(|e| core_error(py, &e))?;
        engine.set_threads(given.threads);
        let (application, exchange_type) = application(py, &mut given)?;
        let asyncio = py.import("asyncio")?;
        let host = Host {
            engine,
            application,
            exchange_type,
            tracers: Tracers::new(py, &tracers)?,
            source,
            task_type: asyncio.getattr("Task")?.unbind(),
            task_options: task_options(py, event_loop)?.unbind(),
            create_future: event_loop.getattr("create_future")?.unbind(),
            call_soon: event_loop.getattr("call_soon")?.unbind(),
            poll: OnceLock::new(),
            poll_is_due: AtomicBool::new(false),
            log_error: given.log_error.take(),
            abort_type: py.import("wirespan.errors")?.getattr("Abort")?.unbind(),
            cancelled_type: asyncio.getattr("CancelledError")?.unbind(),
            done: Py::new(py, Done)?.into_any(),
            live: Mutex::new(Slab::new()),
            on_idle: Mutex::new(None),
            is_draining: AtomicBool::new(false),
            debug: given.debug,
            traces: is_traced,
        };
        tellers.start(&host.engine)?;
        Ok(Self { host: Arc::new(host), tellers })
    }

    #[pyo3(signature = (host, port, reuse_port = false))]
    fn listen_tcp(&self, host: &str, port: u16, reuse_port: bool) -> PyResult<(String, u16)> {
        let bound = self.host.engine.listen_tcp(SocketAddr::new(ip(host)?, port), reuse_port)?;
        Ok((bound.ip().to_string(), bound.port()))
    }

    #[allow(clippy::needless_pass_by_value, reason = "the form in which PyO3 hands over paths")]
    fn listen_unix(&self, path: PathBuf) -> PyResult<()> {
        Ok(self.host.engine.listen_unix(&path)?)
    }

    fn listen_fd(&self, fd: i32) -> PyResult<Option<(String, u16)>> {
        let bound = self.host.engine.listen_fd(duplicate_fd(fd)?)?;
        Ok(bound.map(|addr| (addr.ip().to_string(), addr.port())))
    }

    fn fileno(&self) -> i32 {
        self.host.engine.as_raw_fd()
    }

    fn poll(slf: &Bound<'_, Self>) -> PyResult<()> {
        let host = &slf.get().host;
        if host.poll.get().is_none() {
            _ = host.poll.set(slf.getattr("poll")?.unbind()); // set once: the loop's thread is the only one here
        }
        host.poll_is_due.store(false, Ordering::Relaxed);
        Ok(host.engine.poll(&host.bridge(slf.py()))?)
    }

    fn tick(&self, py: Python<'_>) -> f64 {
        self.host.engine.tick(&self.host.bridge(py)).as_secs_f64()
    }

    fn drain(&self, py: Python<'_>, on_idle: Py<PyAny>) {
        self.host.is_draining.store(true, Ordering::Relaxed);
        *self.host.on_idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(on_idle);
        self.host.engine.drain(&self.host.bridge(py));
        self.host.tell_idle(py);
    }

    fn abort(&self, py: Python<'_>) {
        self.host.engine.abort(&self.host.bridge(py));
        self.host.cancel_all(py);
        self.host.tell_idle(py);
    }

    fn close(&self, py: Python<'_>) {
        self.abort(py);
        self.host.give_up(py);
        self.host.engine.set_threads(0);
        self.tellers.stop();
    }

    fn inflight<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let snapshot = self.host.engine.view().snapshot().unwrap_or_default();
        snapshot.requests.iter().map(|running| shown(py, running)).collect()
    }

    #[allow(clippy::needless_pass_by_value, reason = "the form in which PyO3 hands over paths")]
    #[pyo3(signature = (path, url = ""))]
    fn inspect_unix(&self, path: PathBuf, url: &str) -> PyResult<()> {
        self.tellers.inspect(&self.host.engine, &Place::Unix(path), url).map(drop)
    }

    #[pyo3(signature = (host, port, url = ""))]
    fn inspect_tcp(&self, host: &str, port: u16, url: &str) -> PyResult<(String, u16)> {
        let place = Place::Loopback(SocketAddr::new(ip(host)?, port));
        match self.tellers.inspect(&self.host.engine, &place, url)? {
            Place::Loopback(bound) => Ok((bound.ip().to_string(), bound.port())),
            Place::Unix(_) => Ok((host.to_owned(), port)),
        }
    }

    #[getter]
    fn connections(&self) -> usize {
        self.host.engine.connections()
    }

    #[getter]
    fn active(&self) -> usize {
        self.host.engine.active()
    }
}

fn ip(host: &str) -> PyResult<IpAddr> {
    host.parse().map_err(|_| PyValueError::new_err(format!("{host:?} is not an IP address")))
}

/// The keyword arguments with those that are missing.
fn with_defaults<'py>(py: Python<'py>, given: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    for name in ["native", "asgi", "asgi_state", "route_of", "exchange_type", "log_error", "clock"] {
        all.set_item(name, py.None())?;
    }
    all.set_item("root_path", "")?;
    all.set_item("route_in_scope", false)?;
    all.set_item("tracers", Vec::<Py<PyAny>>::new())?;
    all.set_item("ignore", Vec::<String>::new())?;
    all.set_item("threads", 0)?;
    all.set_item("debug", false)?;
    for (name, value) in given.into_iter().flatten() {
        if !all.contains(&name)? {
            return Err(PyTypeError::new_err(format!("Engine() has no argument {name}")));
        }
        all.set_item(name, value)?;
    }
    Ok(all)
}
