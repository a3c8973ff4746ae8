//! Bodies both ways, piece by piece.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use wirespan_core::engine::{Read, Sent};

use super::{PyExchange, Tie};
use crate::error::{core_error, disconnected, read_error};
use crate::operation::{Attempt, Kind, Operation};

/// Chunks from this size on are handed to the kernel from Python's own memory.
const BORROW_FROM: usize = 16 * 1024;

impl PyExchange {
    pub(crate) fn try_read(&self, py: Python<'_>) -> PyResult<Attempt> {
        let Tie { exchange, host } = self.bound()?;
        match host.read(py, exchange) {
            Read::Chunk(chunk, _) => Ok(Attempt::Ready(PyBytes::new(py, &chunk).into_any().unbind())),
            Read::End => Ok(Attempt::Ready(PyBytes::new(py, b"").into_any().unbind())),
            Read::Wait => Ok(Attempt::Wait),
            Read::Failed(reason) => Err(read_error(py, exchange, reason)),
        }
    }

    pub(crate) fn try_drain(&self, py: Python<'_>) -> PyResult<Attempt> {
        let Tie { exchange, .. } = self.bound()?;
        match (exchange.is_stalled(), exchange.is_gone()) {
            (true, _) => Ok(Attempt::Wait),
            (false, true) => Err(disconnected()),
            (false, false) => Ok(Attempt::Ready(py.None())),
        }
    }

    /// Sends a piece; returns what there is to await.
    pub(crate) fn send_piece(slf: &Bound<'_, Self>, chunk: Bytes, last: bool) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let Tie { exchange, host } = slf.get().bound()?;
        let sent = host.send(py, exchange, chunk, last).map_err(|e| core_error(py, &e))?;
        if last {
            slf.get().wake(py)?; // whoever waits for the end of the response
        }
        match sent {
            Sent::Taken => Ok(host.done.clone_ref(py)),
            Sent::Wait => Ok(Py::new(py, Operation::new(Kind::Drain, slf.clone().unbind()))?.into_any()),
            Sent::Gone => Err(disconnected()),
        }
    }
}

/// A chunk for the core: copied where that is cheap, else Python's own memory.
pub(crate) fn chunk_of(bytes: &Bound<'_, PyBytes>) -> Bytes {
    if bytes.as_bytes().len() < BORROW_FROM {
        return Bytes::copy_from_slice(bytes.as_bytes());
    }
    Bytes::from_owner(PyBackedBytes::from(bytes.clone()))
}
