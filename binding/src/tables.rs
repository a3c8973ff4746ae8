//! The core's tables as plain Python lists: docs, the command line and tests are made from them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use wirespan_core::config::ServerConfig;
use wirespan_core::trace::{EndReason, Level, State, TABLE, define_event as define};

use crate::config;

#[pyfunction]
fn event_table() -> Vec<(usize, String, u8, &'static str)> {
    TABLE.iter().enumerate().map(|(i, e)| (i, e.name.to_string(), e.level as u8, e.when)).collect()
}

#[pyfunction]
fn level_table() -> Vec<(u8, &'static str)> {
    Level::ALL.iter().map(|(level, name)| (*level as u8, *name)).collect()
}

#[pyfunction]
fn state_names() -> Vec<&'static str> {
    State::ALL.iter().map(|(_, name)| *name).collect()
}

#[pyfunction]
fn end_reasons() -> Vec<&'static str> {
    EndReason::ALL.iter().map(|(_, name)| *name).collect()
}

#[pyfunction]
fn config_defaults(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    config::to_dict(py, &ServerConfig::default())
}

#[pyfunction]
fn access_log_fields() -> Vec<(&'static str, &'static str)> {
    wirespan_core::sinks::access_log::FIELDS.to_vec()
}

#[pyfunction]
#[pyo3(signature = (name, level, /))]
fn define_event(name: &str, level: u8) -> PyResult<u16> {
    let level = level_of(level)?;
    match define(name, level) {
        Ok(event) => Ok(event.0),
        Err(Some(taken)) => Err(PyValueError::new_err(format!(
            "the event name {name:?} is taken: {} ({})",
            taken.when,
            Level::ALL[taken.level as usize].1
        ))),
        Err(None) => Err(PyValueError::new_err("no more events can be defined: all 65,536 numbers are used")),
    }
}

/// A level from its number.
pub(crate) fn level_of(number: u8) -> PyResult<Level> {
    let known = Level::ALL.get(usize::from(number));
    known.map(|(level, _)| *level).ok_or_else(|| PyValueError::new_err("a level is 0, 1 or 2"))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(event_table, module)?)?;
    module.add_function(wrap_pyfunction!(level_table, module)?)?;
    module.add_function(wrap_pyfunction!(state_names, module)?)?;
    module.add_function(wrap_pyfunction!(end_reasons, module)?)?;
    module.add_function(wrap_pyfunction!(config_defaults, module)?)?;
    module.add_function(wrap_pyfunction!(access_log_fields, module)?)?;
    module.add_function(wrap_pyfunction!(define_event, module)?)
}
