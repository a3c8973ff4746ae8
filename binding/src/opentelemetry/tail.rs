//! The rules of the tail decision.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use wirespan_core::sampling::{Pattern, TailError, TailOptions, TailSampler};
use wirespan_core::trace::State;

use super::arguments::{Arguments, check_word, wrong};

/// One time for all routes, or one for each.
#[derive(FromPyObject)]
enum Slower<'py> {
    #[pyo3(transparent, annotation = "float")]
    All(f64),
    #[pyo3(transparent, annotation = "dict[str, float]")]
    Routes(Bound<'py, PyDict>),
}

/// There is a tail decision if any of its rules is given.
pub(super) fn tail(arguments: &Arguments<'_>) -> PyResult<Option<TailSampler>> {
    let errors: Option<bool> = arguments.take("keep_errors")?;
    let slower: Option<Slower<'_>> = arguments.take("keep_slower_than_s")?;
    let states: Option<Bound<'_, PyDict>> = arguments.take("keep_state_longer_than_s")?;
    let ratio: Option<f64> = arguments.take("keep_ratio")?;
    let spans_per_second: Option<f64> = arguments.take("max_spans_per_s")?;
    let is_given = errors.is_some() || slower.is_some() || states.is_some();
    if !is_given && ratio.is_none() && spans_per_second.is_none() {
        return Ok(None);
    }
    let mut options = TailOptions { spans_per_second, ..TailOptions::default() };
    options.errors = errors.unwrap_or(options.errors);
    options.ratio = ratio.unwrap_or(options.ratio);
    match slower {
        None => {}
        Some(Slower::All(seconds)) => options.slower_than_ns = Some(ns("keep_slower_than_s", seconds)?),
        Some(Slower::Routes(routes)) => options.slower_routes = slower_routes(&routes)?,
    }
    if let Some(states) = states {
        options.states_ns = states_ns(&states)?;
    }
    let sampler = TailSampler::new(options).map_err(|error| match error {
        TailError::Ratio => wrong("keep_ratio", error),
        TailError::Rate => wrong("max_spans_per_s", error),
    })?;
    Ok(Some(sampler))
}

fn ns(name: &str, seconds: f64) -> PyResult<u64> {
    let time = Duration::try_from_secs_f64(seconds).map_err(|error| wrong(name, error))?;
    Ok(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// In the order in which they are written: the first that matches counts.
fn slower_routes(given: &Bound<'_, PyDict>) -> PyResult<Vec<(Pattern, u64)>> {
    let name = "keep_slower_than_s";
    let route = |(route, seconds): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let pattern = Pattern::new(route.extract()?).map_err(|error| wrong(name, error))?;
        Ok((pattern, ns(name, seconds.extract()?)?))
    };
    given.iter().map(route).collect()
}

fn states_ns(given: &Bound<'_, PyDict>) -> PyResult<[Option<u64>; 6]> {
    let argument = "keep_state_longer_than_s";
    let names = State::ALL.map(|(_, name)| name);
    let mut bounds = [None; 6];
    for (state, seconds) in given {
        let state: String = state.extract()?;
        check_word(argument, &state, &names)?;
        for (bound, name) in bounds.iter_mut().zip(names) {
            if name == state {
                *bound = Some(ns(argument, seconds.extract()?)?);
            }
        }
    }
    if bounds == [None; 6] {
        return Err(PyValueError::new_err(format!("{argument}: name at least one of {}", names.join(", "))));
    }
    Ok(bounds)
}
