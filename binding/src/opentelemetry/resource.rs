//! The process whose spans these are, by OpenTelemetry's conventions for resources.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use wirespan_core::otlp::{Resource, SCHEMA_URL, Value};
use wirespan_core::propagation::ids;

use super::arguments::{Arguments, variable};

/// Where several say the same, the later wins: what we find out, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`,
/// `resource=`, `service_name=`.
pub(super) fn resource(
    py: Python<'_>,
    arguments: &Arguments<'_>,
    warnings: &mut Vec<String>,
) -> PyResult<Resource> {
    let mut all: BTreeMap<String, Value> = detected(py)?;
    if let Some(text) = variable("OTEL_RESOURCE_ATTRIBUTES") {
        match parse(py, &text)? {
            Some(pairs) => all.extend(pairs.into_iter().map(|(name, value)| (name, value.into()))),
            None => warnings.push("OTEL_RESOURCE_ATTRIBUTES: not name=value,name=value, ignored".to_owned()),
        }
    }
    if let Some(name) = variable("OTEL_SERVICE_NAME") {
        all.insert("service.name".to_owned(), name.into());
    }
    let given: BTreeMap<String, String> = arguments.take("resource")?.unwrap_or_default();
    all.extend(given.into_iter().map(|(name, value)| (name, value.into())));
    if let Some(name) = arguments.take::<String>("service_name")? {
        all.insert("service.name".to_owned(), name.into());
    }
    let instance = (!all.contains_key("service.instance.id")).then(ids::trace_id);
    let attributes = all.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Ok(Resource { attributes, schema_url: SCHEMA_URL.into(), instance })
}

/// What OpenTelemetry's variables call the service; `None` where they do not, or call it nothing.
#[pyfunction]
pub(super) fn service_name(py: Python<'_>) -> PyResult<Option<String>> {
    if let Some(name) = variable("OTEL_SERVICE_NAME") {
        return Ok(Some(name));
    }
    let Some(text) = variable("OTEL_RESOURCE_ATTRIBUTES") else { return Ok(None) };
    let pairs: BTreeMap<_, _> = parse(py, &text)?.unwrap_or_default().into_iter().collect();
    Ok(pairs.get("service.name").filter(|name| !name.is_empty()).cloned())
}

/// The name of the service.
pub(super) fn service(resource: &Resource) -> String {
    let name = resource.attributes.iter().find(|(key, _)| key.as_str() == "service.name");
    match name {
        Some((_, Value::Str(name))) => name.as_str().to_owned(),
        _ => String::new(),
    }
}

fn detected(py: Python<'_>) -> PyResult<BTreeMap<String, Value>> {
    let text = |module: &str, function: &str| -> PyResult<String> {
        py.import(module)?.getattr(function)?.call0()?.extract()
    };
    let sys = py.import("sys")?;
    let executable: Option<String> = sys.getattr("executable")?.extract()?;
    let runtime: String = sys.getattr("implementation")?.getattr("name")?.extract()?;
    let facts: [(&str, Value); 11] = [
        ("host.arch", architecture().into()),
        ("host.name", text("socket", "gethostname")?.into()),
        ("os.type", std::env::consts::OS.into()),
        ("process.executable.path", executable.unwrap_or_default().into()),
        ("process.pid", i64::from(std::process::id()).into()),
        ("process.runtime.name", runtime.into()),
        ("process.runtime.version", text("platform", "python_version")?.into()),
        ("service.name", "unknown_service:python".into()),
        ("telemetry.sdk.language", "python".into()),
        ("telemetry.sdk.name", "wirespan".into()),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION").into()),
    ];
    Ok(facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The names of the conventions where Rust has others.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// `name=value,name=value` with percent-encoded values; the whole is discarded if one is wrong, as specified.
fn parse(py: Python<'_>, text: &str) -> PyResult<Option<Vec<(String, String)>>> {
    let unquote = py.import("urllib.parse")?.getattr("unquote")?;
    let mut pairs = Vec::new();
    for member in text.split(',').map(str::trim).filter(|member| !member.is_empty()) {
        let Some((name, value)) = member.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            return Ok(None);
        };
        let value: String = unquote.call1((value.trim(),))?.extract()?;
        pairs.push((name.trim().to_owned(), value));
    }
    Ok(Some(pairs))
}
