//! Attributes from Python: texts, truth values, numbers, and sequences of one of these.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyMapping, PySequence, PyString};
use wirespan_core::otlp::span::{FLAG_HAS_IS_REMOTE, FLAG_IS_REMOTE};
use wirespan_core::otlp::{Attributes, Key, Link, Text, Value};

use super::Source;
use super::api;

/// Why there is no attribute.
const WRONG_VALUE: &str =
    "its value is no str, bool, float, int of 64 bits, nor a sequence of one of these types";
const WRONG_NAME: &str = "a name is a str that is not empty";

impl Source {
    /// One attribute; `None` where the value is None, or wrong: the log says so once.
    pub(super) fn attribute(
        &self,
        name: &Bound<'_, PyAny>,
        given: &Bound<'_, PyAny>,
    ) -> Option<(Key, Value)> {
        let key = name.cast::<PyString>().ok().map(text).filter(|key| !key.is_empty());
        let Some(key) = key else {
            self.warn_of(name.py(), &name.to_string(), WRONG_NAME);
            return None;
        };
        if given.is_none() {
            return None;
        }
        let found = value(given);
        if found.is_none() {
            self.warn_of(name.py(), &key, WRONG_VALUE);
        }
        found.map(|value| (key, value))
    }

    /// Calls `take` with each attribute of a mapping.
    pub(super) fn each(
        &self,
        given: Option<&Bound<'_, PyAny>>,
        mut take: impl FnMut(Key, Value),
    ) -> PyResult<()> {
        let Some(given) = given.filter(|given| !given.is_none()) else { return Ok(()) };
        let mut take = |name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| {
            if let Some((key, value)) = self.attribute(name, value) {
                take(key, value);
            }
        };
        if let Ok(dict) = given.cast::<PyDict>() {
            dict.iter().for_each(|(name, value)| take(&name, &value));
            return Ok(());
        }
        for pair in given.cast::<PyMapping>()?.items()?.iter() {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
            take(&name, &value);
        }
        Ok(())
    }

    /// The attributes of an event or a link, each name once.
    pub(super) fn attributes(&self, given: Option<&Bound<'_, PyAny>>) -> PyResult<Attributes> {
        let mut all = Attributes::new();
        self.each(given, |key, value| all.push((key, value)))?;
        Ok(all)
    }

    /// A link to a `SpanContext`; `None` where that is not valid and tells nothing else either.
    pub(super) fn link(
        &self,
        context: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Link>> {
        let Some((span, is_remote)) = api::foreign(context)? else { return Ok(None) };
        let remote = if is_remote { FLAG_IS_REMOTE } else { 0 };
        Ok(Some(Link {
            trace_id: span.trace_id,
            span_id: span.span_id,
            flags: u32::from(span.flags.bits()) | FLAG_HAS_IS_REMOTE | remote,
            trace_state: span.trace_state.as_str().to_owned().into(),
            attributes: self.attributes(attributes)?,
            dropped_attributes: 0,
        }))
    }
}

/// Lone surrogates become U+FFFD: OTLP has only UTF-8.
pub(super) fn text(given: &Bound<'_, PyString>) -> Text {
    given.to_string_lossy().into_owned().into()
}

fn value(given: &Bound<'_, PyAny>) -> Option<Value> {
    if let Some(plain) = plain(given) {
        return Some(plain);
    }
    if let Ok(bytes) = given.cast::<PyBytes>() {
        return std::str::from_utf8(bytes.as_bytes()).ok().map(|text| text.to_owned().into());
    }
    let items = given.cast::<PySequence>().ok()?;
    let mut values: Vec<Value> = Vec::new();
    for item in items.try_iter().ok()? {
        let item = plain(&item.ok()?)?;
        let is_alike = |first: &Value| std::mem::discriminant(first) == std::mem::discriminant(&item);
        if !values.first().is_none_or(is_alike) {
            return None;
        }
        values.push(item);
    }
    Some(values.into())
}

fn plain(given: &Bound<'_, PyAny>) -> Option<Value> {
    if let Ok(given) = given.cast::<PyString>() {
        return Some(Value::Str(text(given)));
    }
    if let Ok(given) = given.cast::<PyBool>() {
        return Some(given.is_true().into());
    }
    if given.is_instance_of::<PyInt>() {
        return given.extract::<i64>().ok().map(Value::Int);
    }
    given.cast::<PyFloat>().ok().map(|given| given.value().into())
}
