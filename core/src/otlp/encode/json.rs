//! Spans as `ExportTraceServiceRequest` in JSON: the rules of OTLP 1.x, "JSON Protobuf Encoding". Ids are hex,
//! 64-bit numbers are strings, enums are numbers, names are in lowerCamelCase.

use std::fmt::Display;
use std::io::Write as _;

use crate::otlp::span::{Attributes, Event, Link, Resource, Scope, SpanData, Status, Value};

/// Writes members and elements with the commas between them.
#[derive(Debug)]
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    fn comma(&mut self) {
        if !matches!(self.0.last(), None | Some(b'{' | b'[' | b':')) {
            self.0.push(b',');
        }
    }

    fn key(&mut self, key: &str) {
        self.comma();
        self.string(key);
        self.0.push(b':');
    }

    fn string(&mut self, text: &str) {
        // Writing a string into a vector cannot fail.
        _ = serde_json::to_writer(&mut *self.0, text);
    }

    pub(super) fn raw(&mut self, key: &str, value: impl Display) {
        self.key(key);
        // Writing into a vector cannot fail.
        _ = write!(self.0, "{value}");
    }

    pub(super) fn quoted(&mut self, key: &str, value: impl Display) {
        self.raw(key, format_args!("\"{value}\""));
    }

    pub(super) fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.key(key);
            self.string(text);
        }
    }

    pub(super) fn hex(&mut self, key: &str, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.key(key);
        self.0.push(b'"');
        self.0.extend(
            bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
        );
        self.0.push(b'"');
    }

    fn count(&mut self, key: &str, count: u32) {
        if count != 0 {
            self.raw(key, count);
        }
    }

    pub(super) fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.comma();
        self.0.push(b'{');
        write(self);
        self.0.push(b'}');
    }

    pub(super) fn member(&mut self, key: &str, write: impl FnOnce(&mut Self)) {
        self.key(key);
        self.object(write);
    }

    pub(super) fn list<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) {
        self.key(key);
        self.0.push(b'[');
        for item in items {
            self.object(|writer| write(writer, item));
        }
        self.0.push(b']');
    }

    pub(super) fn attributes(&mut self, attributes: &Attributes) {
        if !attributes.is_empty() {
            self.list("attributes", attributes, |writer, (key, each)| {
                writer.key("key");
                writer.string(key);
                writer.member("value", |writer| value(writer, each));
            });
        }
    }
}

/// The member `resource`, made once.
pub(super) fn resource(resource: &Resource) -> Vec<u8> {
    let mut out = Vec::new();
    Writer(&mut out).member("resource", |writer| writer.attributes(&resource.attributes));
    out
}

/// The member `scope`, made once.
pub(super) fn scope(scope: &Scope) -> Vec<u8> {
    let mut out = Vec::new();
    Writer(&mut out).member("scope", |writer| {
        writer.text("name", &scope.name);
        writer.text("version", &scope.version);
        writer.attributes(&scope.attributes);
    });
    out
}

/// The whole request around `scopes`, which writes the [`scope_spans`].
pub(super) fn request(out: &mut Vec<u8>, head: &[u8], schema: &str, scopes: impl FnOnce(&mut Writer<'_>)) {
    out.extend_from_slice(b"{\"resourceSpans\":[{");
    out.extend_from_slice(head);
    out.extend_from_slice(b",\"scopeSpans\":[");
    let mut writer = Writer(out);
    scopes(&mut writer);
    writer.0.push(b']');
    writer.text("schemaUrl", schema);
    writer.0.extend_from_slice(b"}]}");
}

/// The spans of one scope.
pub(super) fn scope_spans<'a>(
    writer: &mut Writer<'_>,
    head: &[u8],
    schema: &str,
    spans: impl Iterator<Item = &'a SpanData>,
) {
    writer.object(|writer| {
        writer.0.extend_from_slice(head);
        writer.list("spans", spans, span);
        writer.text("schemaUrl", schema);
    });
}

fn span(writer: &mut Writer<'_>, span: &SpanData) {
    writer.hex("traceId", &span.trace_id);
    writer.hex("spanId", &span.span_id);
    writer.text("traceState", &span.trace_state);
    if let Some(parent) = span.parent_span_id {
        writer.hex("parentSpanId", &parent);
    }
    writer.count("flags", span.flags);
    writer.text("name", &span.name);
    writer.raw("kind", span.kind as u8);
    writer.quoted("startTimeUnixNano", span.start_unix_ns);
    writer.quoted("endTimeUnixNano", span.end_unix_ns);
    writer.attributes(&span.attributes);
    writer.count("droppedAttributesCount", span.dropped_attributes);
    if !span.events.is_empty() {
        writer.list("events", &span.events, event);
    }
    writer.count("droppedEventsCount", span.dropped_events);
    if !span.links.is_empty() {
        writer.list("links", &span.links, link);
    }
    writer.count("droppedLinksCount", span.dropped_links);
    status(writer, &span.status);
}

fn event(writer: &mut Writer<'_>, event: &Event) {
    writer.quoted("timeUnixNano", event.time_unix_ns);
    writer.text("name", &event.name);
    writer.attributes(&event.attributes);
    writer.count("droppedAttributesCount", event.dropped_attributes);
}

fn link(writer: &mut Writer<'_>, link: &Link) {
    writer.hex("traceId", &link.trace_id);
    writer.hex("spanId", &link.span_id);
    writer.text("traceState", &link.trace_state);
    writer.attributes(&link.attributes);
    writer.count("droppedAttributesCount", link.dropped_attributes);
    writer.count("flags", link.flags);
}

fn status(writer: &mut Writer<'_>, status: &Status) {
    match status {
        Status::Unset => {}
        Status::Ok => writer.member("status", |writer| writer.raw("code", 1)),
        Status::Error(description) => writer.member("status", |writer| {
            writer.text("message", description);
            writer.raw("code", 2);
        }),
    }
}

fn value(writer: &mut Writer<'_>, value: &Value) {
    match value {
        Value::Str(text) => {
            writer.key("stringValue");
            writer.string(text);
        }
        Value::Bool(yes) => writer.raw("boolValue", yes),
        Value::Int(number) => writer.quoted("intValue", number),
        Value::Double(number) => double(writer, *number),
        Value::Array(values) => writer.member("arrayValue", |writer| {
            writer.list("values", values.iter(), self::value);
        }),
    }
}

/// JSON has no words for what is not finite: protobuf's JSON rules name three strings.
fn double(writer: &mut Writer<'_>, number: f64) {
    match number {
        _ if number.is_finite() => writer.raw("doubleValue", format_args!("{number:?}")),
        _ if number.is_nan() => writer.quoted("doubleValue", "NaN"),
        _ if number > 0.0 => writer.quoted("doubleValue", "Infinity"),
        _ => writer.quoted("doubleValue", "-Infinity"),
    }
}
