//! One server's Python side: the application, the loop and the tracers.

mod bridge;
mod ending;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple, PyType};
use slab::Slab;
use wirespan_core::engine::{Engine, Outcome, Read, Sent};
use wirespan_core::error::Error;
use wirespan_core::exchange::Exchange;

pub(crate) use self::bridge::Bridge;
use crate::asgi::Asgi;
use crate::call;
use crate::driver::Driver;
use crate::error::exception;
use crate::exchange::PyExchange;
use crate::provider::SourceCell;
use crate::tracers::Tracers;

/// What serves a request.
pub(crate) enum Application {
    /// `dispatch(ctx)` returns the coroutine to run.
    Native(Py<PyAny>),
    Asgi(Asgi),
}

/// See the module's documentation.
pub(crate) struct Host {
    pub engine: Engine,
    pub application: Application,
    pub exchange_type: Py<PyType>,
    pub tracers: Tracers,
    /// Where the spans of opentelemetry-api come from, once it has a provider of ours.
    pub source: Option<SourceCell>,
    pub task_type: Py<PyAny>,
    pub task_options: Py<PyDict>,
    pub create_future: Py<PyAny>,
    pub call_soon: Py<PyAny>,
    /// The bound method `Engine.poll`, for `again`.
    pub poll: OnceLock<Py<PyAny>>,
    pub poll_is_due: AtomicBool,
    pub log_error: Option<Py<PyAny>>,
    pub abort_type: Py<PyAny>,
    pub cancelled_type: Py<PyAny>,
    /// The awaitable of everything that is done already.
    pub done: Py<PyAny>,
    pub live: Mutex<Slab<Py<PyExchange>>>,
    pub on_idle: Mutex<Option<Py<PyAny>>>,
    /// `on_idle` is set: look at each finish whether it is due.
    pub is_draining: AtomicBool,
    pub debug: bool,
    pub traces: bool,
}

impl Host {
    /// The time, read only if somebody records it.
    pub(crate) fn now(&self) -> u64 {
        if self.traces { self.engine.clock().now() } else { 0 }
    }

    /// Before the first step of a handler, in its context: makes current what belongs to the request.
    pub(crate) fn enter(&self, object: &Bound<'_, PyExchange>, exchange: &Arc<Exchange>) -> PyResult<()> {
        let py = object.py();
        call::set_current(py, object.as_any())?;
        if let Some(source) = self.source.as_ref().and_then(|cell| cell.get())
            && let Err(error) = source.enter(py, exchange, self.engine.clock())
        {
            self.log(py, "the request's span could not be made current", Some(&error));
        }
        Ok(())
    }

    /// The handler's code runs.
    pub(crate) fn note_resumed(&self, exchange: &Exchange) {
        if self.traces {
            exchange.resumed(self.engine.clock().now());
        }
    }

    /// The handler's code waits.
    pub(crate) fn note_suspended(&self, exchange: &Exchange) {
        if self.traces {
            exchange.suspended(self.engine.clock().now());
        }
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Slab<Py<PyExchange>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn bridge<'a, 'py>(self: &'a Arc<Self>, py: Python<'py>) -> Bridge<'a, 'py> {
        Bridge { host: self, py }
    }

    pub(crate) fn read(self: &Arc<Self>, py: Python<'_>, exchange: &Arc<Exchange>) -> Read {
        self.engine.read(&self.bridge(py), exchange)
    }

    pub(crate) fn send(
        self: &Arc<Self>,
        py: Python<'_>,
        exchange: &Arc<Exchange>,
        chunk: Bytes,
        last: bool,
    ) -> Result<Sent, Error> {
        self.engine.send(&self.bridge(py), exchange, chunk, last)
    }

    /// The Python object of an exchange, made on first use.
    fn object<'py>(
        self: &Arc<Self>,
        py: Python<'py>,
        exchange: &Arc<Exchange>,
    ) -> PyResult<Bound<'py, PyExchange>> {
        if let Some(known) = self.live().get(exchange.tag()) {
            return Ok(known.bind(py).clone());
        }
        let made = self.exchange_type.bind(py).call0()?.cast_into::<PyExchange>()?;
        made.get().bind(Arc::clone(exchange), Arc::clone(self));
        exchange.set_tag(self.live().insert(made.clone().unbind()));
        Ok(made)
    }

    fn run_handler(self: &Arc<Self>, py: Python<'_>, exchange: &Arc<Exchange>) -> PyResult<()> {
        let object = self.object(py, exchange)?;
        if self.tracers.want_head() {
            self.tracers.head(self, &object);
        }
        let coroutine = match &self.application {
            Application::Native(dispatch) => dispatch.bind(py).call1((&object,)),
            Application::Asgi(asgi) => asgi.call(exchange, &object),
        };
        let coroutine = match coroutine {
            Ok(coroutine) => coroutine.unbind(),
            Err(error) => {
                let left = self.handler_raised(py, exchange, &object.unbind(), error);
                return left.map_or(Ok(()), Err);
            }
        };
        let driver = Driver {
            host: Arc::clone(self),
            exchange: Arc::clone(exchange),
            object: object.clone().unbind(),
            coroutine,
            started: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        };
        let task = self.start_task(py, &object, driver)?;
        let mut local = object.get().local();
        if exchange.tag() != usize::MAX {
            local.task = Some(task);
        }
        Ok(())
    }

    fn start_task(
        &self,
        py: Python<'_>,
        object: &Bound<'_, PyExchange>,
        driver: Driver,
    ) -> PyResult<Py<PyAny>> {
        let given = object.get().local().context.as_ref().map(|c| c.clone_ref(py));
        // A copy: what the handler changes in the context is not seen by `finish`. And not of the context that runs
        // now, which may be that of the request before on the same connection.
        let context = self.tracers.copy(py, given.as_ref())?;
        let options = self.task_options.bind(py);
        let key = pyo3::intern!(py, "context");
        options.set_item(key, context)?;
        let task = self.task_type.bind(py).call((driver,), Some(options)).map(Bound::unbind);
        options.set_item(key, py.None())?; // it would keep the request alive
        task
    }

    /// Tells the operator; a logger that fails is not worth a request.
    pub(crate) fn log(&self, py: Python<'_>, what: &str, error: Option<&PyErr>) {
        let value = error.map(|e| exception(py, e).into_any());
        match &self.log_error {
            Some(log) => _ = log.bind(py).call1((what, value)),
            None => {
                if let Some(error) = error {
                    error.clone_ref(py).write_unraisable(py, None);
                }
            }
        }
    }

    /// `KeyboardInterrupt` and `SystemExit` end the loop. A task that is not started eagerly raises them there itself.
    fn raise_in_loop(&self, py: Python<'_>, error: &PyErr) {
        let error = error.clone_ref(py);
        let raise = move |args: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
            Err::<(), _>(error.clone_ref(args.py()))
        };
        let scheduled = PyCFunction::new_closure(py, None, None, raise)
            .and_then(|raise| self.call_soon.bind(py).call1((raise,)));
        if let Err(error) = scheduled {
            self.log(py, "the loop takes no calls", Some(&error));
        }
    }

    fn cancel(&self, py: Python<'_>, object: &PyExchange) {
        let task = object.local().task.as_ref().map(|task| task.clone_ref(py));
        if let Some(Err(error)) = task.map(|task| task.bind(py).call_method0("cancel")) {
            self.log(py, "a handler could not be cancelled", Some(&error));
        }
    }

    /// Cancels every handler that still runs, also those whose exchange is over.
    pub(crate) fn cancel_all(&self, py: Python<'_>) {
        let all: Vec<_> = self.live().iter().map(|(_, object)| object.clone_ref(py)).collect();
        for object in all {
            self.cancel(py, object.get());
        }
    }

    /// Ends the record of every handler that did not end when it was cancelled.
    pub(crate) fn give_up(self: &Arc<Self>, py: Python<'_>) {
        let all: Vec<_> = self.live().iter().map(|(_, object)| object.clone_ref(py)).collect();
        for object in all {
            if let Ok(tie) = object.get().bound() {
                self.engine.handler_done(&self.bridge(py), &tie.exchange, Outcome::Cancelled);
            }
        }
    }

    pub(crate) fn tell_idle(&self, py: Python<'_>) {
        if !self.is_draining.load(Ordering::Relaxed) || self.engine.active() > 0 {
            return;
        }
        let waiting = self.on_idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(error)) = waiting.map(|on_idle| on_idle.bind(py).call0()) {
            self.log(py, "on_idle raised", Some(&error));
        }
    }
}
