//! The few calls that `PyO3` has no safe words for. All `unsafe` of this crate is here.
#![allow(unsafe_code, reason = "each block says why it is sound")]

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyContext;

static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// What a step of a coroutine led to.
pub(crate) enum Stepped<'py> {
    /// It waits for this.
    Yielded(Bound<'py, PyAny>),
    /// It is done.
    Returned,
}

/// `coroutine.send(value)` without an exception for the return value.
pub(crate) fn send<'py>(coroutine: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<Stepped<'py>> {
    let py = coroutine.py();
    let mut result = std::ptr::null_mut();
    // SAFETY: both are live objects, the thread is attached, `result` is a valid place for an owned reference.
    let status = unsafe { ffi::PyIter_Send(coroutine.as_ptr(), value.as_ptr(), &raw mut result) };
    // SAFETY: for NEXT and RETURN the call stored an owned reference in `result`.
    let owned = || unsafe { Bound::from_owned_ptr(py, result) };
    match status {
        ffi::PySendResult::PYGEN_NEXT => Ok(Stepped::Yielded(owned())),
        ffi::PySendResult::PYGEN_RETURN => {
            drop(owned());
            Ok(Stepped::Returned)
        }
        ffi::PySendResult::PYGEN_ERROR => Err(PyErr::fetch(py)),
    }
}

/// The context variable behind `wirespan.current()`.
pub(crate) fn current_exchange(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let variable = CURRENT.get_or_try_init(py, || {
        let kwargs = pyo3::types::PyDict::new(py);
        kwargs.set_item("default", py.None())?;
        let made =
            py.import("contextvars")?.getattr("ContextVar")?.call(("wirespan_current",), Some(&kwargs))?;
        Ok::<_, PyErr>(made.unbind())
    })?;
    Ok(variable.bind(py).clone())
}

/// A copy of the context that runs now.
pub(crate) fn current_context(py: Python<'_>) -> PyResult<Bound<'_, PyContext>> {
    // SAFETY: the thread is attached.
    let copy = unsafe { ffi::PyContext_CopyCurrent() };
    // SAFETY: the call returns an owned reference, or null with an exception set.
    let copy = unsafe { Bound::from_owned_ptr_or_err(py, copy) }?;
    Ok(copy.cast_into::<PyContext>()?)
}

/// A copy of a context, in constant time.
pub(crate) fn copy_context<'py>(context: &Bound<'py, PyContext>) -> PyResult<Bound<'py, PyContext>> {
    // SAFETY: a live Context on an attached thread.
    let copy = unsafe { ffi::PyContext_Copy(context.as_ptr()) };
    // SAFETY: the call returns an owned reference, or null with an exception set.
    let copy = unsafe { Bound::from_owned_ptr_or_err(context.py(), copy) }?;
    Ok(copy.cast_into::<PyContext>()?)
}

/// Sets that variable in the context that runs now.
pub(crate) fn set_current(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    set_variable(&current_exchange(py)?, value).map(drop)
}

/// Sets a context variable; returns the token to undo it with. `TypeError` for any other object.
pub(crate) fn set_variable<'py>(
    variable: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: both are live objects, the thread is attached; the call checks that `variable` is a ContextVar.
    let token = unsafe { ffi::PyContextVar_Set(variable.as_ptr(), value.as_ptr()) };
    // SAFETY: the call returns an owned reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(variable.py(), token) }
}

/// The value of a context variable; `None` where it has none.
pub(crate) fn get_variable<'py>(variable: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = variable.py();
    let mut value = std::ptr::null_mut();
    // SAFETY: a live object (the call checks that it is a ContextVar), no default, a valid place for an owned reference.
    let status = unsafe { ffi::PyContextVar_Get(variable.as_ptr(), std::ptr::null_mut(), &raw mut value) };
    if status < 0 {
        return Err(PyErr::fetch(py));
    }
    // SAFETY: an owned reference, or null where there is no value.
    Ok(unsafe { Bound::from_owned_ptr_or_opt(py, value) })
}

/// Undoes a `set_variable`. An error where that was done in another context, or undone already.
pub(crate) fn reset_variable(variable: &Bound<'_, PyAny>, token: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: both are live objects, the thread is attached; the call checks both types.
    match unsafe { ffi::PyContextVar_Reset(variable.as_ptr(), token.as_ptr()) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(variable.py())),
    }
}

/// A duplicate of a descriptor that Python names by number: the caller's stays open.
pub(crate) fn duplicate_fd(fd: RawFd) -> PyResult<OwnedFd> {
    if fd < 0 {
        return Err(PyValueError::new_err("a file descriptor is not negative"));
    }
    // SAFETY: not -1, and borrowed only for the call; a number that is not open makes the call fail with EBADF.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    Ok(borrowed.try_clone_to_owned()?)
}
