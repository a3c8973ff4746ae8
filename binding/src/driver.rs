//! The coroutine that an `asyncio.Task` drives: it steps the user's and measures when Python runs and when it waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyBaseException, PyRuntimeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use wirespan_core::exchange::Exchange;

use crate::call::{self, Stepped};
use crate::exchange::PyExchange;
use crate::host::Host;

/// A coroutine in every way that asyncio looks at: see `collections.abc.Coroutine`.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Driver {
    pub host: Arc<Host>,
    pub exchange: Arc<Exchange>,
    pub object: Py<PyExchange>,
    pub coroutine: Py<PyAny>,
    pub started: AtomicBool,
    pub ended: AtomicBool,
}

type Step = PyResult<Option<Py<PyAny>>>;

impl Driver {
    fn step(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> Step {
        if self.ended.load(Ordering::Relaxed) {
            return Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine"));
        }
        if !self.started.swap(true, Ordering::Relaxed) {
            self.host.enter(self.object.bind(py), &self.exchange)?;
        }
        self.host.note_resumed(&self.exchange);
        let stepped = call::send(self.coroutine.bind(py), value);
        self.settle(py, stepped)
    }

    fn settle(&self, py: Python<'_>, stepped: PyResult<Stepped<'_>>) -> Step {
        match stepped {
            Ok(Stepped::Yielded(waits_for)) => {
                self.host.note_suspended(&self.exchange);
                Ok(Some(waits_for.unbind()))
            }
            Ok(Stepped::Returned) => {
                self.ended.store(true, Ordering::Relaxed);
                self.host.handler_returned(py, &self.exchange, &self.object);
                Ok(None)
            }
            Err(error) => {
                self.ended.store(true, Ordering::Relaxed);
                match self.host.handler_raised(py, &self.exchange, &self.object, error) {
                    None => Ok(None),
                    Some(error) => Err(error),
                }
            }
        }
    }
}

#[pymethods]
impl Driver {
    /// A cycle through this object is garbage like any other: an exception's traceback may hold it.
    #[allow(clippy::needless_pass_by_value, reason = "the signature that the macro expects")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)?;
        visit.call(&self.coroutine)
    }

    fn __next__(&self, py: Python<'_>) -> Step {
        self.step(py, py.None().bind(py))
    }

    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match self.step(py, value)? {
            Some(waits_for) => Ok(waits_for),
            None => Err(pyo3::exceptions::PyStopIteration::new_err(())),
        }
    }

    #[pyo3(signature = (*args))]
    fn throw(&self, py: Python<'_>, args: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<Py<PyAny>> {
        if !self.started.swap(true, Ordering::Relaxed) {
            self.host.enter(self.object.bind(py), &self.exchange)?;
        }
        self.host.note_resumed(&self.exchange);
        let thrown = self.coroutine.bind(py).call_method1("throw", args).map(Stepped::Yielded);
        let stepped = match thrown {
            Err(e) if e.is_instance_of::<pyo3::exceptions::PyStopIteration>(py) => Ok(Stepped::Returned),
            other => other,
        };
        match self.settle(py, stepped)? {
            Some(waits_for) => Ok(waits_for),
            None => Err(pyo3::exceptions::PyStopIteration::new_err(())),
        }
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.ended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let closed = self.coroutine.bind(py).call_method0("close").map(drop);
        self.host.handler_closed(py, &self.exchange, &self.object);
        closed
    }

    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[getter]
    fn cr_frame<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.coroutine.bind(py).getattr("cr_frame")
    }

    #[getter]
    fn cr_code<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.coroutine.bind(py).getattr("cr_code")
    }

    #[getter]
    fn cr_await<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.coroutine.bind(py).getattr("cr_await")
    }

    #[getter]
    fn cr_running<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.coroutine.bind(py).getattr("cr_running")
    }

    #[getter]
    fn __name__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.coroutine.bind(py).getattr("__name__")
    }

    #[getter]
    fn __qualname__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.coroutine.bind(py).getattr("__qualname__")
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<request {}>", self.coroutine.bind(py).repr()?))
    }
}

/// The exception as asyncio wants it thrown: an instance.
pub(crate) fn thrown(args: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<PyErr> {
    let first = args.get_item(0)?;
    if first.is_instance_of::<PyBaseException>() {
        return Ok(PyErr::from_value(first));
    }
    match args.get_item(1) {
        Ok(value) if value.is_instance_of::<PyBaseException>() => Ok(PyErr::from_value(value)),
        _ => Ok(PyErr::from_value(first.call0()?)),
    }
}
