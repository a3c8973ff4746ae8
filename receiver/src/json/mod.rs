//! OTLP in JSON: finds the records of a request and hands each to its table.
//!
//! Follows <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>: names in lowerCamelCase, ids in hex,
//! enumerations as numbers, 64-bit integers as numbers or texts, unknown names ignored, and null for nothing.
//! Records are cut out as text first and read one at a time, so no request is ever in memory as objects.

mod logs;
mod metrics;
mod scalars;
mod traces;
mod values;

use serde::Deserialize;
use serde_json::value::RawValue;

pub(crate) use logs::read_logs;
pub(crate) use metrics::read_metrics;
pub(crate) use traces::read_traces;

use crate::error::DecodeError;
use crate::limits::{MAX_RECORDS, MAX_SOURCES};
use crate::model::{Resource, Scope, Source};
use crate::table::Sources;
use crate::value::Attributes;
use scalars::{List, Text, Uint};
use values::AttributeList;

/// `Export*ServiceRequest` of all three signals: a request has one of the lists.
#[derive(Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct Request<'a> {
    #[serde(rename = "resourceSpans")]
    traces: Groups<'a>,
    #[serde(rename = "resourceMetrics")]
    metrics: Groups<'a>,
    #[serde(rename = "resourceLogs")]
    logs: Groups<'a>,
}

type Groups<'a> = List<Group<'a>, MAX_SOURCES>;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct Group<'a> {
    resource: Option<JsonResource<'a>>,
    schema_url: Text<'a>,
    #[serde(alias = "scopeMetrics", alias = "scopeLogs")]
    scope_spans: List<ScopeGroup<'a>, MAX_SOURCES>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct JsonResource<'a> {
    attributes: AttributeList<'a>,
    dropped_attributes_count: Uint,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct ScopeGroup<'a> {
    scope: Option<JsonScope<'a>>,
    schema_url: Text<'a>,
    #[serde(alias = "metrics", alias = "logRecords")]
    spans: List<&'a RawValue, MAX_RECORDS>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct JsonScope<'a> {
    name: Text<'a>,
    version: Text<'a>,
    attributes: AttributeList<'a>,
    dropped_attributes_count: Uint,
}

/// Calls `record` with the text of each record of each scope.
fn walk<'a>(
    body: &'a [u8],
    groups: impl Fn(Request<'a>) -> Groups<'a>,
    sources: &mut Sources,
    mut record: impl FnMut(&Source, &'a str) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let text = std::str::from_utf8(body).map_err(|_| DecodeError::Malformed("JSON: not UTF-8".to_owned()))?;
    for group in groups(parse(text)?).all("resources")? {
        let resource = group.resource.unwrap_or_default();
        let attributes = described(resource.attributes, resource.dropped_attributes_count);
        let mut source = sources.add(&Resource { attributes, schema_url: group.schema_url.0 })?;
        for scope_group in group.scope_spans.all("scopes")? {
            let scope = scope_group.scope.unwrap_or_default();
            let scope = Scope {
                name: scope.name.0,
                version: scope.version.0,
                attributes: described(scope.attributes, scope.dropped_attributes_count),
                schema_url: scope_group.schema_url.0,
            };
            sources.enter(&mut source, &scope)?;
            for raw in scope_group.spans.all("records")? {
                record(&source, raw.get())?;
            }
        }
    }
    Ok(())
}

fn described<'a>(attributes: AttributeList<'a>, dropped: Uint) -> Attributes<'a> {
    let mut attributes: Attributes<'a> = attributes.into();
    attributes.dropped = attributes.dropped.saturating_add(dropped.as_u32());
    attributes
}

/// Reads one message.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|error| DecodeError::Malformed(format!("JSON: {error}")))
}
