//! What `OpenTelemetry(...)` is called with, and the environment: an argument wins over a variable, that over a default.

use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The keyword arguments that nobody has asked for yet.
pub(crate) struct Arguments<'py>(Bound<'py, PyDict>);

impl<'py> Arguments<'py> {
    pub(super) fn new(py: Python<'py>, given: Option<&Bound<'py, PyDict>>) -> PyResult<Self> {
        given.map_or_else(|| Ok(PyDict::new(py)), PyDictMethods::copy).map(Self)
    }

    /// Takes one out; `None` is as good as not given.
    ///
    /// # Errors
    /// `TypeError` that names the argument.
    pub(crate) fn take<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<Option<T>> {
        let Some(value) = self.0.get_item(name)? else { return Ok(None) };
        self.0.del_item(name)?;
        if value.is_none() {
            return Ok(None);
        }
        value.extract::<T>().map(Some).map_err(|error| {
            let error: PyErr = error.into();
            PyTypeError::new_err(format!("{name}: {}", error.value(value.py())))
        })
    }

    /// As `take` for one of several words.
    ///
    /// # Errors
    /// `ValueError` with the words.
    pub(super) fn take_word(&self, name: &str, known: &[&str]) -> PyResult<Option<String>> {
        let word: Option<String> = self.take(name)?;
        word.map(|word| check_word(name, &word, known).map(|()| word)).transpose()
    }

    /// Call it last.
    ///
    /// # Errors
    /// `TypeError`: an argument that nobody asked for.
    pub(super) fn check_empty(&self) -> PyResult<()> {
        match self.0.keys().iter().next() {
            Some(name) => Err(PyTypeError::new_err(format!("OpenTelemetry() has no argument {name}"))),
            None => Ok(()),
        }
    }
}

/// `ValueError` with the words, unless the given one is among them.
pub(super) fn check_word(name: &str, word: &str, known: &[&str]) -> PyResult<()> {
    if known.contains(&word) {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("{name}: {word:?} is not known; known are {}", known.join(", "))))
}

/// A `ValueError` that names the argument.
pub(super) fn wrong(name: &str, error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(format!("{name}: {error}"))
}

/// The environment, for exporters. Without a receiver what is said about one is nobody's affair: it is often set for a
/// whole cluster.
pub(crate) fn variables(has_receiver: bool) -> impl Fn(&str) -> Option<String> {
    let is_meant = move |name: &str| {
        has_receiver || !name.starts_with("OTEL_EXPORTER_OTLP_") || name.ends_with("_TEMPORALITY_PREFERENCE")
    };
    move |name| variable(name).filter(|_| is_meant(name))
}

/// A variable's value; an empty one counts as unset.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
