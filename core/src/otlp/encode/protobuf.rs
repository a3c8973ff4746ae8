//! Spans as `ExportTraceServiceRequest` in protobuf. Field numbers: `opentelemetry/proto/trace/v1/trace.proto`.

use super::wire::Writer;
use crate::otlp::finished::Finished;
use crate::otlp::span::{Attributes, Event, Link, Resource, Scope, SpanData, Status, Value};

/// Most spans with twenty attributes have between 128 and 16,383 bytes.
const SPAN_ROOM: usize = 2;
/// Requests and the spans of a scope: mostly hundreds of kilobytes.
const REQUEST_ROOM: usize = 3;

/// `Span.attributes`.
const ATTRIBUTES: u32 = 9;

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

/// The whole request around `scopes`, which writes the [`scope_spans`].
pub(super) fn request(out: &mut Vec<u8>, head: &[u8], schema: &str, scopes: impl FnOnce(&mut Writer<'_>)) {
    Writer(out).message(1, REQUEST_ROOM, |message| {
        message.0.extend_from_slice(head);
        scopes(message);
        message.text(3, schema);
    });
}

/// The spans of one scope.
pub(super) fn scope_spans<'a>(
    message: &mut Writer<'_>,
    head: &[u8],
    schema: &str,
    spans: impl Iterator<Item = &'a Finished>,
) {
    message.message(2, REQUEST_ROOM, |message| {
        message.0.extend_from_slice(head);
        for each in spans {
            match each {
                Finished::Span(each) => message.message(2, SPAN_ROOM, |message| span(message, each)),
                Finished::Encoded(each) => message.bytes(2, each.bytes()),
            }
        }
        message.text(3, schema);
    });
}

/// Writes one span whose attributes come one by one.
#[derive(Debug)]
pub struct SpanWriter<'a>(Writer<'a>);

impl<'a> SpanWriter<'a> {
    /// Appends the message `Span` to `out`, first what `frame` has. Its attributes may come last: order is free in protobuf.
    pub fn new(out: &'a mut Vec<u8>, frame: &SpanData) -> Self {
        let mut writer = Writer(out);
        span(&mut writer, frame);
        Self(writer)
    }

    /// An attribute of any kind.
    pub fn attribute(&mut self, key: &str, each: &Value) {
        attribute(&mut self.0, ATTRIBUTES, key, each);
    }

    /// A text.
    pub fn attribute_text(&mut self, key: &str, text: &str) {
        if !self.0.short_text_attribute(ATTRIBUTES, key, text) {
            long_attribute(&mut self.0, ATTRIBUTES, key, |value| value.bytes(1, text.as_bytes()));
        }
    }

    /// How many attributes a limit kept out.
    pub fn dropped_attributes(&mut self, count: u32) {
        self.0.count(10, count);
    }

    /// A whole number.
    pub fn attribute_number(&mut self, key: &str, number: i64) {
        let number = number.cast_unsigned();
        if !self.0.short_number_attribute(ATTRIBUTES, key, number) {
            long_attribute(&mut self.0, ATTRIBUTES, key, |value| value.number(3, number));
        }
    }
}

fn span(message: &mut Writer<'_>, span: &SpanData) {
    message.bytes(1, &span.trace_id);
    message.bytes(2, &span.span_id);
    message.text(3, &span.trace_state);
    if let Some(parent) = span.parent_span_id {
        message.bytes(4, &parent);
    }
    message.text(5, &span.name);
    message.number(6, span.kind as u64);
    message.fixed64(7, span.start_unix_ns.to_le_bytes());
    message.fixed64(8, span.end_unix_ns.to_le_bytes());
    attributes(message, ATTRIBUTES, &span.attributes);
    message.count(10, span.dropped_attributes);
    for each in &span.events {
        message.message(11, 1, |message| event(message, each));
    }
    message.count(12, span.dropped_events);
    for each in &span.links {
        message.message(13, 1, |message| link(message, each));
    }
    message.count(14, span.dropped_links);
    status(message, &span.status);
    message.fixed32(16, span.flags);
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
    let is_written = match each {
        Value::Str(text) => message.short_text_attribute(field, key, text),
        Value::Int(number) => message.short_number_attribute(field, key, number.cast_unsigned()),
        _ => false,
    };
    if !is_written {
        long_attribute(message, field, key, |message| value(message, each));
    }
}

fn long_attribute(message: &mut Writer<'_>, field: u32, key: &str, value: impl FnOnce(&mut Writer<'_>)) {
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
