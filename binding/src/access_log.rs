//! `_core.AccessLog`: the native access log as an object that goes into a list of tracers.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use wirespan_core::sinks::access_log::{AccessLog as Log, Options, SetupError, Target};

use crate::call::duplicate_fd;

/// See `wirespan.tracers.AccessLog`.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct AccessLog {
    pub log: Arc<Log>,
}

#[pymethods]
impl AccessLog {
    #[new]
    #[pyo3(signature = (format = "json", path = None, fd = None, capacity = 16_384, color = false, columns = None))]
    fn new(
        format: &str,
        path: Option<std::path::PathBuf>,
        fd: Option<i32>,
        capacity: usize,
        color: bool,
        columns: Option<usize>,
    ) -> PyResult<Self> {
        let target = match (path, fd) {
            (Some(_), Some(_)) => return Err(PyValueError::new_err("give path or fd, not both")),
            (Some(path), None) => Target::Path(path),
            (None, Some(fd)) => Target::Fd(duplicate_fd(fd)?),
            (None, None) => Target::Stdout,
        };
        let options = Options { format: format.to_owned(), target, capacity, color, columns };
        let log = Log::new(options).map_err(|e| setup_error(&e))?;
        Ok(Self { log: Arc::new(log) })
    }

    #[getter]
    fn written(&self) -> u64 {
        self.log.written()
    }

    #[getter]
    fn dropped(&self) -> u64 {
        self.log.dropped()
    }

    fn reopen(&self) -> PyResult<()> {
        Ok(self.log.reopen()?)
    }

    #[pyo3(signature = (timeout_s = 5.0))]
    fn flush(&self, py: Python<'_>, timeout_s: f64) -> PyResult<bool> {
        let timeout = seconds(timeout_s)?;
        Ok(py.detach(|| self.log.flush(timeout)))
    }

    #[pyo3(signature = (timeout_s = 5.0))]
    fn close(&self, py: Python<'_>, timeout_s: f64) -> PyResult<bool> {
        let timeout = seconds(timeout_s)?;
        Ok(py.detach(|| self.log.close(timeout)))
    }
}

/// A time-out as Python gives it.
pub(crate) fn seconds(given: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(given).map_err(|e| PyValueError::new_err(format!("timeout_s: {e}")))
}

fn setup_error(error: &SetupError) -> PyErr {
    match error {
        SetupError::Target { .. } => PyOSError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}
