//! The request head as Python values, each made when it is read, and route templates.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use wirespan_core::exchange::Endpoint;
use wirespan_core::message::Request;

/// A route template, made once when the route is registered.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Route {
    pub template: Arc<str>,
}

#[pymethods]
impl Route {
    #[new]
    fn new(template: &str) -> Self {
        Self { template: template.into() }
    }

    #[getter]
    fn template(&self) -> &str {
        &self.template
    }

    fn __repr__(&self) -> String {
        format!("Route({:?})", self.template)
    }
}

/// The method; the common ones are made once.
pub(crate) fn method<'py>(py: Python<'py>, request: &Request) -> Bound<'py, PyString> {
    match request.method() {
        b"GET" => pyo3::intern!(py, "GET").clone(),
        b"POST" => pyo3::intern!(py, "POST").clone(),
        b"PUT" => pyo3::intern!(py, "PUT").clone(),
        b"HEAD" => pyo3::intern!(py, "HEAD").clone(),
        b"DELETE" => pyo3::intern!(py, "DELETE").clone(),
        b"PATCH" => pyo3::intern!(py, "PATCH").clone(),
        b"OPTIONS" => pyo3::intern!(py, "OPTIONS").clone(),
        other => latin1(py, other),
    }
}

/// Header bytes as text: each byte one character, so that nothing is lost (RFC 9110 section 5.5).
pub(crate) fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => PyString::new(py, text),
        _ => PyString::new(py, &bytes.iter().map(|b| char::from(*b)).collect::<String>()),
    }
}

/// The path with its percent-encoding undone; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn decoded_path<'py>(py: Python<'py>, path: &[u8], prefix: &str) -> Bound<'py, PyString> {
    if prefix.is_empty() && !path.contains(&b'%') {
        return latin1(py, path); // the parser admits ASCII alone
    }
    let mut bytes = prefix.as_bytes().to_vec();
    percent_decode(path, &mut bytes);
    PyString::new(py, &String::from_utf8_lossy(&bytes))
}

fn percent_decode(path: &[u8], out: &mut Vec<u8>) {
    let mut rest = path;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.get(..2).and_then(hex_pair)).flatten();
        if let Some(byte) = escaped {
            out.push(byte);
            rest = &after[2..];
        } else {
            out.push(first);
            rest = after;
        }
    }
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
}

/// The path as it was sent, behind the prefix that a proxy took off: it is the undecoded form of `path`.
pub(crate) fn raw_path<'py>(py: Python<'py>, path: &[u8], prefix: &str) -> Bound<'py, PyBytes> {
    if prefix.is_empty() {
        PyBytes::new(py, path)
    } else {
        PyBytes::new(py, &[prefix.as_bytes(), path].concat())
    }
}

/// An end of the connection as asyncio and ASGI write it.
pub(crate) fn address(end: Option<&Endpoint>) -> Option<(&str, u16)> {
    end.map(|end| (end.ip(), end.port()))
}

/// Bytes of the head.
pub(crate) fn raw<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_stay_as_they_are() {
        let mut out = Vec::new();
        percent_decode(b"/a%20b%zz%4", &mut out);
        assert_eq!(out, b"/a b%zz%4");
    }
}
