//! What `await ctx.read()`, `await receive()` and `await send(...)` wait on.
//!
//! An operation tries, and where it cannot go on it waits on a future of the loop that the engine resolves when
//! anything about the exchange has changed, then tries again. It has all methods of a coroutine, so that
//! `asyncio.create_task(receive())` works as under other servers.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::driver::thrown;
use crate::exchange::PyExchange;

/// What an attempt led to.
pub(crate) enum Attempt {
    /// The awaited value.
    Ready(Py<PyAny>),
    /// Nothing yet.
    Wait,
}

/// What is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The next piece of the body as bytes.
    Read,
    /// The next ASGI message.
    Receive,
    /// Room to send.
    Drain,
}

enum Waiting {
    No,
    On(Py<PyAny>),
    Over,
}

/// See the module's documentation.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Operation {
    kind: Kind,
    object: Py<PyExchange>,
    waiting: Mutex<Waiting>,
}

impl Operation {
    pub(crate) const fn new(kind: Kind, object: Py<PyExchange>) -> Self {
        Self { kind, object, waiting: Mutex::new(Waiting::No) }
    }

    fn take_waiting(&self, next: Waiting) -> Waiting {
        std::mem::replace(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner), next)
    }

    fn set_waiting(&self, waiting: Waiting) {
        drop(self.take_waiting(waiting));
    }

    fn attempt(&self, py: Python<'_>) -> PyResult<Attempt> {
        let object = self.object.get();
        match self.kind {
            Kind::Read => object.try_read(py),
            Kind::Receive => object.try_receive(py),
            Kind::Drain => object.try_drain(py),
        }
    }

    /// One step of the future it waits on; `None` when that is done.
    fn step_future<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.take_waiting(Waiting::Over) {
            Waiting::No => Ok(None),
            Waiting::Over => Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine")),
            Waiting::On(steps) => {
                let stepped = steps.bind(py).call_method0("__next__");
                match stepped {
                    Ok(yielded) => {
                        self.set_waiting(Waiting::On(steps));
                        Ok(Some(yielded))
                    }
                    Err(e) if e.is_instance_of::<PyStopIteration>(py) => Ok(None),
                    Err(e) => Err(e),
                }
            }
        }
    }

    fn step<'py>(&self, py: Python<'py>) -> PyResult<Result<Bound<'py, PyAny>, Py<PyAny>>> {
        loop {
            if let Some(yielded) = self.step_future(py)? {
                return Ok(Ok(yielded));
            }
            match self.attempt(py)? {
                Attempt::Ready(value) => {
                    self.set_waiting(Waiting::Over);
                    return Ok(Err(value));
                }
                Attempt::Wait => {
                    let future = self.object.get().new_waiter(py)?;
                    self.set_waiting(Waiting::On(future.call_method0("__await__")?.unbind()));
                }
            }
        }
    }
}

#[pymethods]
impl Operation {
    /// A cycle through this object is garbage like any other: an exception's traceback may hold it.
    #[allow(clippy::needless_pass_by_value, reason = "the signature that the macro expects")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(waiting) = self.waiting.try_lock()
            && let Waiting::On(steps) = &*waiting
        {
            visit.call(steps)?;
        }
        visit.call(&self.object)
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.step(py)? {
            Ok(yielded) => Ok(Some(yielded)),
            Err(value) if value.is_none(py) => Ok(None),
            Err(value) => Err(PyStopIteration::new_err((value,))),
        }
    }

    fn send<'py>(&self, py: Python<'py>, _value: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.__next__(py)?.ok_or_else(|| PyStopIteration::new_err(()))
    }

    #[pyo3(signature = (*args))]
    fn throw(&self, args: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(args.py())?;
        Err(thrown(args)?)
    }

    /// The wait is over, but not what it was for: what the handler waits for from here on is not the client.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let waited = matches!(self.take_waiting(Waiting::Over), Waiting::On(_));
        if !waited || self.kind == Kind::Drain {
            return Ok(());
        }
        self.object.get().bound()?.exchange.stop_wanting();
        self.object.get().wake(py) // others who wait for the body ask again
    }

    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }
}

/// An operation that was over when it was asked for; one object serves all of them.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Done;

#[pymethods]
impl Done {
    #[allow(clippy::unused_self, reason = "a method of the iterator protocol")]
    fn __next__(&self) -> Option<Py<PyAny>> {
        None
    }

    #[allow(clippy::unused_self, reason = "a method of the coroutine protocol")]
    fn send(&self, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyStopIteration::new_err(()))
    }

    #[pyo3(signature = (*args))]
    #[allow(clippy::unused_self, reason = "a method of the coroutine protocol")]
    fn throw(&self, args: &Bound<'_, PyTuple>) -> PyResult<()> {
        Err(thrown(args)?)
    }

    #[allow(clippy::unused_self, reason = "a method of the coroutine protocol")]
    fn close(&self) {}

    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }
}
