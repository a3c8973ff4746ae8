//! Where spans and metrics go: the names of exporters, and the exporters of spans.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use wirespan_core::otlp::exporter::{Exporters, Log};
use wirespan_core::otlp::{Exporter, MemorySpans, Options, Resource};

use super::arguments::variable;

/// Where spans and metrics can go. Those that wait for a receiver come first.
pub(crate) const EXPORTERS: [&str; 4] = ["otlp", "console", "memory", "none"];

/// The exporters that a variable names, at least one, in the order of the table; `usual` where it names none. The
/// specification has lists with commas there. `none` has no company.
pub(crate) fn named(
    variable_name: &str,
    usual: &'static str,
    warnings: &mut Vec<String>,
) -> Vec<&'static str> {
    let text = variable(variable_name).unwrap_or_default();
    let given: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let mut known: Vec<_> = EXPORTERS.into_iter().filter(|name| given.contains(name)).collect();
    let is_none_beside = known.len() > 1 && known.contains(&"none");
    if is_none_beside {
        known.retain(|name| *name != "none");
    }
    if known.is_empty() {
        known.push(usual);
    }
    let unknown: Vec<_> = given.into_iter().filter(|name| !EXPORTERS.contains(name)).collect();
    let used = known.join(",");
    if is_none_beside {
        warnings.push(format!(
            "{variable_name}: `none` beside others is ignored, {used} is used; remove one or the other"
        ));
    }
    if !unknown.is_empty() {
        let (unknown, all) = (unknown.join(","), EXPORTERS.join(", "));
        warnings.push(format!(
            "{variable_name}: `{unknown}` is not supported, {used} is used; supported is one of {all}"
        ));
    }
    known
}

/// The exporters of spans, and what the one in memory keeps.
///
/// # Errors
/// `ValueError` for options that cannot work.
pub(super) fn make(
    names: &[&str],
    otlp: &Options,
    resource: &Resource,
    log: &Log,
) -> PyResult<(Exporters, Option<MemorySpans>)> {
    let mut memory = None;
    let made = names.iter().map(|name| {
        let exporter = match *name {
            "otlp" => Exporter::otlp(otlp, resource, Arc::clone(log))
                .map_err(|error| PyValueError::new_err(error.to_string()))?,
            "console" => Exporter::console(|| Box::new(std::io::stdout()), resource, Arc::clone(log)),
            _ => {
                let (exporter, spans) = Exporter::memory();
                memory = Some(spans);
                exporter
            }
        };
        Ok(Arc::new(exporter))
    });
    let made = made.collect::<PyResult<_>>()?;
    Ok((Exporters::new(made), memory))
}
