//! Spans.

use serde::Deserialize;

use super::scalars::{Int, List, Text, Uint};
use super::values::AttributeList;
use super::{described, parse, walk};
use crate::error::DecodeError;
use crate::limits::MAX_PARTS;
use crate::model::{Event, Link, Span};
use crate::table::{Sources, Spans};

/// `ExportTraceServiceRequest` into the table.
pub(crate) fn read_traces(body: &[u8], sources: &mut Sources, spans: &mut Spans) -> Result<(), DecodeError> {
    walk(
        body,
        |request| request.traces,
        sources,
        |source, text| spans.push(source, &parse::<JsonSpan<'_>>(text)?.into()),
    )
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct JsonSpan<'a> {
    trace_id: Text<'a>,
    span_id: Text<'a>,
    parent_span_id: Text<'a>,
    trace_state: Text<'a>,
    flags: Uint,
    name: Text<'a>,
    kind: Int,
    start_time_unix_nano: Uint,
    end_time_unix_nano: Uint,
    attributes: AttributeList<'a>,
    dropped_attributes_count: Uint,
    events: List<JsonEvent<'a>, MAX_PARTS>,
    dropped_events_count: Uint,
    links: List<JsonLink<'a>, MAX_PARTS>,
    dropped_links_count: Uint,
    status: Option<JsonStatus<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct JsonEvent<'a> {
    time_unix_nano: Uint,
    name: Text<'a>,
    attributes: AttributeList<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct JsonLink<'a> {
    trace_id: Text<'a>,
    span_id: Text<'a>,
    trace_state: Text<'a>,
    flags: Uint,
    attributes: AttributeList<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct JsonStatus<'a> {
    code: Int,
    message: Text<'a>,
}

impl<'a> From<JsonSpan<'a>> for Span<'a> {
    fn from(json: JsonSpan<'a>) -> Self {
        let status = json.status.unwrap_or_default();
        let attributes = described(json.attributes, json.dropped_attributes_count);
        Self {
            trace_id: json.trace_id.trace_id(),
            span_id: json.span_id.span_id(),
            parent_id: json.parent_span_id.span_id(),
            trace_state: json.trace_state.0,
            flags: json.flags.as_u32(),
            name: json.name.0,
            kind: json.kind.0,
            start_ns: json.start_time_unix_nano.0,
            end_ns: json.end_time_unix_nano.0,
            attributes,
            dropped_events: json.events.dropped.saturating_add(json.dropped_events_count.as_u32()),
            events: json.events.items.into_iter().map(Event::from).collect(),
            dropped_links: json.links.dropped.saturating_add(json.dropped_links_count.as_u32()),
            links: json.links.items.into_iter().map(Link::from).collect(),
            status: status.code.0,
            status_message: status.message.0,
        }
    }
}

impl<'a> From<JsonEvent<'a>> for Event<'a> {
    fn from(json: JsonEvent<'a>) -> Self {
        Self { time_ns: json.time_unix_nano.0, name: json.name.0, attributes: json.attributes.into() }
    }
}

impl<'a> From<JsonLink<'a>> for Link<'a> {
    fn from(json: JsonLink<'a>) -> Self {
        Self {
            trace_id: json.trace_id.trace_id(),
            span_id: json.span_id.span_id(),
            trace_state: json.trace_state.0,
            flags: json.flags.as_u32(),
            attributes: json.attributes.into(),
        }
    }
}
