//! Futures of tasks that wait for something about an exchange to change.

use pyo3::prelude::*;

use super::PyExchange;

/// From so many futures on, those that nobody waits for any more are let go.
const FORGOTTEN_WAITERS: usize = 8;

impl PyExchange {
    /// A future that is resolved when anything about the exchange changes.
    pub(crate) fn new_waiter<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let future = self.bound()?.host.create_future.bind(py).call0()?;
        let mut waiters = std::mem::take(&mut self.local().waiters);
        if waiters.len() >= FORGOTTEN_WAITERS {
            // Cancelled ones: a handler may ask `receive()` a thousand times with a time-out.
            waiters.retain(|waiter| !is_done(waiter.bind(py)).unwrap_or(true));
        }
        waiters.push(future.clone().unbind());
        self.local().waiters.append(&mut waiters);
        Ok(future)
    }

    /// Resolves all waiters.
    pub(crate) fn wake(&self, py: Python<'_>) -> PyResult<()> {
        let waiters = std::mem::take(&mut self.local().waiters);
        for future in waiters {
            let future = future.bind(py);
            if !is_done(future)? {
                future.call_method1(pyo3::intern!(py, "set_result"), (py.None(),))?;
            }
        }
        Ok(())
    }
}

fn is_done(future: &Bound<'_, PyAny>) -> PyResult<bool> {
    future.call_method0(pyo3::intern!(future.py(), "done"))?.is_truthy()
}
