//! Status and fields of the response, kept here until the handler replies.

use pyo3::prelude::*;
use wirespan_core::message::ResponseHead;

use super::{PyExchange, Tie};
use crate::error::{core_error, handler_error};

impl PyExchange {
    /// Changes them, unless they are on their way.
    pub(super) fn edit_head(
        &self,
        py: Python<'_>,
        edit: impl FnOnce(&mut ResponseHead) -> PyResult<()>,
    ) -> PyResult<()> {
        if self.started() {
            if self.bound()?.exchange.is_answered_for() {
                return Ok(());
            }
            return Err(handler_error(py, "the response has been started: its head cannot be changed"));
        }
        edit(&mut self.local().head)
    }

    /// Gives the core the status and fields that the handler set.
    pub(crate) fn hand_over_head(&self, py: Python<'_>) -> PyResult<()> {
        let Tie { exchange, host } = self.bound()?;
        if !exchange.needs_head() {
            return Ok(());
        }
        let head = std::mem::take(&mut self.local().head);
        exchange.begin_reply(head, host.now()).map_err(|e| core_error(py, &e))
    }
}

/// A header value as bytes: latin-1, as it is read.
pub(super) fn header_bytes(py: Python<'_>, value: &str) -> PyResult<Vec<u8>> {
    if value.is_ascii() {
        return Ok(value.as_bytes().to_vec());
    }
    let bytes: Result<Vec<u8>, _> = value.chars().map(|c| u8::try_from(u32::from(c))).collect();
    bytes.map_err(|_| handler_error(py, "a response header value has characters outside latin-1"))
}
