//! Spans as `ExportTraceServiceRequest` in protobuf. Field numbers: `opentelemetry/proto/trace/v1/trace.proto`.

use super::name::{ATTRIBUTES, AttributeName};
use super::wire::Writer;
use crate::otlp::span::{Attributes, Event, Kind, Link, Resource, Scope, SpanData, Status, Value};

/// `ScopeSpans.spans`.
const SPANS: u32 = 2;
/// Most spans with twenty attributes have between 128 and 16,383 bytes.
const SPAN_ROOM: usize = 2;
/// Requests and the spans of a scope: mostly hundreds of kilobytes.
const REQUEST_ROOM: usize = 3;

/// `ResourceSpans.resource`, made once.
pub(super) fn resource(resource: &Resource) -> Vec<u8> {
    let mut out = Vec::new();
    Writer(&mut out).message(1, 2, |message| attributes(message, 1, &resource.attributes));
    out
}

/// `ScopeSpans.scope`, made once.
pub(super) fn scope(scope: &Scope) -> Vec<u8> {
    let mut out = Vec::new();
    Writer(&mut out).message(1, 1, |message| {
        message.text(1, &scope.name);
        message.text(2, &scope.version);
        attributes(message, 3, &scope.attributes);
    });
    out
}

/// The whole request around `scopes`, which writes the [`scope_spans`]. It goes on with `follow_len` bytes more: order is
/// free in protobuf, so that all else can come before spans that are bytes already.
pub(super) fn request(
    out: &mut Vec<u8>,
    head: &[u8],
    schema: &str,
    follow_len: usize,
    scopes: impl FnOnce(&mut Writer<'_>),
) {
    Writer(out).message_before(1, REQUEST_ROOM, follow_len, |message| {
        message.0.extend_from_slice(head);
        message.text(3, schema);
        scopes(message);
    });
}

/// The spans of one scope, of which `follow_len` bytes are still to come.
pub(super) fn scope_spans<'a>(
    message: &mut Writer<'_>,
    head: &[u8],
    schema: &str,
    spans: impl Iterator<Item = &'a SpanData>,
    follow_len: usize,
) {
    message.message_before(2, REQUEST_ROOM, follow_len, |message| {
        message.0.extend_from_slice(head);
        message.text(3, schema);
        for each in spans {
            message.message(SPANS, SPAN_ROOM, |message| span(message, each));
        }
    });
}

/// What every span has.
#[derive(Clone, Copy, Debug)]
pub struct SpanHead<'a> {
    /// See [`SpanData::trace_id`], and so on.
    pub trace_id: [u8; 16],
    /// The span in its trace.
    pub span_id: [u8; 8],
    /// The span that caused it.
    pub parent_span_id: Option<[u8; 8]>,
    /// W3C flags, and OTLP's own.
    pub flags: u32,
    /// The `tracestate` header.
    pub trace_state: &'a str,
    /// The name, in parts.
    pub name: [&'a str; 3],
    /// What it is in its trace.
    pub kind: Kind,
    /// Begin, in nanoseconds since 1970.
    pub start_unix_ns: u64,
    /// End, in nanoseconds since 1970.
    pub end_unix_ns: u64,
}

/// What few spans have.
#[derive(Clone, Debug, Default)]
pub struct SpanTail {
    /// What happened meanwhile.
    pub events: Vec<Event>,
    /// Events that a limit kept out.
    pub dropped_events: u32,
    /// Spans that have to do with it.
    pub links: Vec<Link>,
    /// Links that a limit kept out.
    pub dropped_links: u32,
    /// How it ended.
    pub status: Status,
}

/// Writes one span whose attributes come one by one.
#[derive(Debug)]
pub struct SpanWriter<'a>(Writer<'a>);

impl<'a> SpanWriter<'a> {
    /// Appends a span to `out`, which has those of a scope. `write` has the rest of it written.
    #[inline]
    pub fn span(out: &'a mut Vec<u8>, head: &SpanHead<'_>, write: impl FnOnce(&mut SpanWriter<'_>)) {
        Writer(out).message(SPANS, SPAN_ROOM, |message| {
            span_head(message, head);
            write(&mut SpanWriter(Writer(message.0)));
        });
    }

    /// Appends only attributes, for [`SpanWriter::encoded`].
    pub const fn attributes(out: &'a mut Vec<u8>) -> Self {
        Self(Writer(out))
    }

    /// An attribute of any kind.
    pub fn attribute(&mut self, key: &str, each: &Value) {
        attribute(&mut self.0, ATTRIBUTES, key, each);
    }

    /// A text.
    pub fn attribute_text(&mut self, name: &AttributeName, text: &str) {
        if !self.0.short_text(name, text) {
            long_attribute(&mut self.0, name, |value| value.bytes(1, text.as_bytes()));
        }
    }

    /// Whole numbers, each with its name.
    #[inline]
    pub fn attribute_numbers(&mut self, rows: &[(&AttributeName, u64)]) {
        if !self.0.short_numbers(rows) {
            long_numbers(&mut self.0, rows);
        }
    }

    /// Attributes that were written before.
    pub fn encoded(&mut self, attributes: &[u8]) {
        self.0.0.extend_from_slice(attributes);
    }

    /// How many attributes a limit kept out.
    pub fn dropped_attributes(&mut self, count: u32) {
        self.0.count(10, count);
    }

    /// The end, where there is something to say.
    pub fn tail(&mut self, tail: &SpanTail) {
        lists(&mut self.0, (&tail.events, tail.dropped_events), (&tail.links, tail.dropped_links));
        status(&mut self.0, &tail.status);
    }
}

fn span_head(message: &mut Writer<'_>, head: &SpanHead<'_>) {
    message.bytes(1, &head.trace_id);
    message.bytes(2, &head.span_id);
    message.text(3, head.trace_state);
    if let Some(parent) = head.parent_span_id {
        message.bytes(4, &parent);
    }
    message.texts(5, head.name);
    message.number(6, head.kind as u64);
    message.fixed64(7, head.start_unix_ns.to_le_bytes());
    message.fixed64(8, head.end_unix_ns.to_le_bytes());
    message.fixed32(16, head.flags);
}

fn lists(message: &mut Writer<'_>, events: (&[Event], u32), links: (&[Link], u32)) {
    for each in events.0 {
        message.message(11, 1, |message| event(message, each));
    }
    message.count(12, events.1);
    for each in links.0 {
        message.message(13, 1, |message| link(message, each));
    }
    message.count(14, links.1);
}

fn span(message: &mut Writer<'_>, span: &SpanData) {
    let head = SpanHead {
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent_span_id: span.parent_span_id,
        flags: span.flags,
        trace_state: &span.trace_state,
        name: [&span.name, "", ""],
        kind: span.kind,
        start_unix_ns: span.start_unix_ns,
        end_unix_ns: span.end_unix_ns,
    };
    span_head(message, &head);
    attributes(message, ATTRIBUTES, &span.attributes);
    message.count(10, span.dropped_attributes);
    lists(message, (&span.events, span.dropped_events), (&span.links, span.dropped_links));
    status(message, &span.status);
}

fn event(message: &mut Writer<'_>, event: &Event) {
    message.fixed64(1, event.time_unix_ns.to_le_bytes());
    message.text(2, &event.name);
    attributes(message, 3, &event.attributes);
    message.count(4, event.dropped_attributes);
}

fn link(message: &mut Writer<'_>, link: &Link) {
    message.bytes(1, &link.trace_id);
    message.bytes(2, &link.span_id);
    message.text(3, &link.trace_state);
    attributes(message, 4, &link.attributes);
    message.count(5, link.dropped_attributes);
    message.fixed32(6, link.flags);
}

fn status(message: &mut Writer<'_>, status: &Status) {
    match status {
        Status::Unset => {}
        Status::Ok => message.message(15, 1, |message| message.number(3, 1)),
        Status::Error(description) => message.message(15, 1, |message| {
            message.text(2, description);
            message.number(3, 2);
        }),
    }
}

pub(super) fn attributes(message: &mut Writer<'_>, field: u32, attributes: &Attributes) {
    for (key, each) in attributes {
        attribute(message, field, key, each);
    }
}

fn attribute(message: &mut Writer<'_>, field: u32, key: &str, each: &Value) {
    key_value(message, field, key, |message| value(message, each));
}

/// What [`Writer::short_text`] does not take.
#[cold]
fn long_attribute(message: &mut Writer<'_>, name: &AttributeName, value: impl FnOnce(&mut Writer<'_>)) {
    key_value(message, ATTRIBUTES, name.as_str(), value);
}

/// What [`Writer::short_numbers`] does not take.
#[cold]
fn long_numbers(message: &mut Writer<'_>, rows: &[(&AttributeName, u64)]) {
    for (name, number) in rows {
        long_attribute(message, name, |value| value.number(3, *number));
    }
}

fn key_value(message: &mut Writer<'_>, field: u32, key: &str, value: impl FnOnce(&mut Writer<'_>)) {
    message.message(field, 1, |message| {
        message.text(1, key);
        message.message(2, 1, value);
    });
}

/// `AnyValue`: the value is in a `oneof`, so that also a zero and an empty text are written.
fn value(message: &mut Writer<'_>, value: &Value) {
    match value {
        Value::Str(text) => message.bytes(1, text.as_bytes()),
        Value::Bool(yes) => message.number(2, u64::from(*yes)),
        Value::Int(number) => message.number(3, number.cast_unsigned()),
        Value::Double(number) => message.fixed64(4, number.to_le_bytes()),
        Value::Array(values) => message.message(5, 1, |message| {
            for each in values {
                message.message(1, 1, |message| self::value(message, each));
            }
        }),
    }
}
