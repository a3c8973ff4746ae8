//! THE table of the access log: every fact a line can hold, with its name and its value for one exchange.
//!
//! JSON lines are compiled from this table, and `%({name}x)s` reaches the same facts in format strings, so names
//! and meanings cannot drift apart.

use crate::exchange::{Endpoint, Exchange, Progress};
use crate::message::{Request, ResponseFields, Version};
use crate::trace::{Event, Record, SpanContext, State};

/// Longest part of an error's message that is written, in bytes.
const MAX_MESSAGE: usize = 2_048;

/// One fact of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Time,
    Method,
    Path,
    Query,
    Route,
    Status,
    Protocol,
    Client,
    EndReason,
    ErrorKind,
    ErrorMessage,
    Duration,
    Ttfb,
    State(State),
    Background,
    RecvSize,
    SendSize,
    RequestNumber,
    Idle,
    Age,
    TraceId,
    SpanId,
}

/// One row's shape in JSON.
pub(super) enum Shape {
    /// A value, null where unknown.
    Leaf(Field),
    /// A value that is left out where unknown.
    Optional(Field),
    /// An object; null where its first member is unknown.
    Group(&'static [(&'static str, Field)]),
}

struct Row {
    name: &'static str,
    meaning: &'static str,
    shape: Shape,
}

const fn row(name: &'static str, shape: Shape, meaning: &'static str) -> Row {
    Row { name, meaning, shape }
}

static TABLE: [Row; 19] = [
    row(
        "time",
        Shape::Leaf(Field::Time),
        "when the kernel received the first byte (elsewhere than Linux: when the engine did), RFC 3339, UTC, microseconds",
    ),
    row(
        "method",
        Shape::Leaf(Field::Method),
        "method as sent; null when the request head was never complete",
    ),
    row(
        "path",
        Shape::Leaf(Field::Path),
        "path as sent, still percent-encoded; bytes that are not UTF-8 as \\xHH",
    ),
    row("query", Shape::Leaf(Field::Query), "what followed the first `?`; empty when nothing did"),
    row("route", Shape::Leaf(Field::Route), "the route's template; null when none matched"),
    row("status", Shape::Leaf(Field::Status), "status code that was sent; null when none was"),
    row("protocol", Shape::Leaf(Field::Protocol), "HTTP/1.0 or HTTP/1.1"),
    row(
        "client",
        Shape::Leaf(Field::Client),
        "the client's address and port, as trusted proxies tell it; null on Unix sockets",
    ),
    row("end_reason", Shape::Leaf(Field::EndReason), "how the exchange ended; `completed` is the normal one"),
    row(
        "error",
        Shape::Group(&[("kind", Field::ErrorKind), ("message", Field::ErrorMessage)]),
        "object: `kind`, the exception's type or the end reason, and `message`, one line of at most 2048 bytes; null without an error",
    ),
    row(
        "duration_us",
        Shape::Leaf(Field::Duration),
        "from `time` to the end of the exchange; null when it was not traced",
    ),
    row(
        "ttfb_us",
        Shape::Leaf(Field::Ttfb),
        "from `time` to the first response byte; null without one and below level `detailed`",
    ),
    row(
        "states_us",
        Shape::Group(&[
            (State::ALL[0].1, Field::State(State::Queue)),
            (State::ALL[1].1, Field::State(State::Read)),
            (State::ALL[2].1, Field::State(State::Schedule)),
            (State::ALL[3].1, Field::State(State::Run)),
            (State::ALL[4].1, Field::State(State::Await)),
            (State::ALL[5].1, Field::State(State::Write)),
        ]),
        "object: time in each of the six states, rounded so that they sum to `duration_us`",
    ),
    row(
        "background_us",
        Shape::Optional(Field::Background),
        "handler time after the response was complete; left out when there was none",
    ),
    row(
        "recv_size",
        Shape::Leaf(Field::RecvSize),
        "bytes of the request on the wire, chunk framing included",
    ),
    row(
        "send_size",
        Shape::Leaf(Field::SendSize),
        "bytes of the response accepted by the kernel, chunk framing included",
    ),
    row(
        "connection",
        Shape::Group(&[
            ("request_number", Field::RequestNumber),
            ("idle_us", Field::Idle),
            ("age_us", Field::Age),
        ]),
        "object: `request_number`, 1 for the first of the connection; `idle_us`, how long it was idle before; `age_us`, since it was accepted",
    ),
    row("trace_id", Shape::Leaf(Field::TraceId), "32 lower-case hexadecimal digits; null without a span"),
    row("span_id", Shape::Leaf(Field::SpanId), "16 lower-case hexadecimal digits; null without a span"),
];

/// The JSON fields in the order they are written: name and meaning.
pub const FIELDS: [(&str, &str); TABLE.len()] = {
    let mut fields = [("", ""); TABLE.len()];
    let mut i = 0;
    while i < fields.len() {
        fields[i] = (TABLE[i].name, TABLE[i].meaning);
        i += 1;
    }
    fields
};

/// The rows of the table as JSON needs them.
pub(super) fn shapes() -> impl Iterator<Item = (&'static str, &'static Shape)> {
    TABLE.iter().map(|row| (row.name, &row.shape))
}

/// All single facts with their names: `status`, `states_us.queue`.
pub(super) fn names() -> impl Iterator<Item = (String, Field)> {
    TABLE.iter().flat_map(|row| match row.shape {
        Shape::Leaf(field) | Shape::Optional(field) => vec![(row.name.to_owned(), field)],
        Shape::Group(members) => {
            members.iter().map(|(name, field)| (format!("{}.{name}", row.name), *field)).collect()
        }
    })
}

/// The value of a fact.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Unknown,
    Text(&'a [u8]),
    Number(u64),
    Hex(&'a [u8]),
    Address(&'a Endpoint),
    /// Wall-clock nanoseconds since 1970.
    Time(u64),
}

/// A finished exchange as the formats see it.
pub(super) struct Facts<'a> {
    pub(super) request: Option<&'a Request>,
    pub(super) client: Option<&'a Endpoint>,
    pub(super) record: &'a Record,
    span: Option<&'a SpanContext>,
    /// The response's fields, where the engine still has them.
    pub(super) response: Option<&'a ResponseFields>,
    /// Wall-clock nanoseconds of the exchange's first byte; `now` where it was not traced.
    pub(super) start_wall_ns: u64,
    /// `None` where it was not traced.
    pub(super) duration_ns: Option<u64>,
    start: Option<u64>,
}

impl<'a> Facts<'a> {
    /// `now` is the wall clock.
    pub(super) fn new(exchange: &'a Exchange, progress: &'a Progress, now: u64) -> Self {
        let record = &progress.record;
        let start = record.time(Event::RECEIVED).or(record.time(Event::HTTP_START));
        let is_timed = start.is_some() && record.time(Event::HTTP_FINISH).is_some();
        Self {
            request: exchange.request(),
            client: exchange.client(),
            record,
            span: exchange.context().map(|context| &context.span),
            response: progress.reply.head.as_ref().map(|head| &head.fields),
            start_wall_ns: start.map_or(now, |at| record.wall_ns(at)),
            duration_ns: is_timed.then(|| record.total_ns()),
            start,
        }
    }

    /// The value of one fact.
    pub(super) fn value(&self, field: Field) -> Value<'a> {
        let record = self.record;
        match field {
            Field::Time => Value::Time(self.start_wall_ns),
            Field::Method => text(self.request.map(Request::method)),
            Field::Path => text(self.request.map(Request::path)),
            Field::Query => text(self.request.map(Request::query)),
            Field::Route => text(record.route.as_deref().map(str::as_bytes)),
            Field::Status => number((record.status != 0).then_some(u64::from(record.status))),
            Field::Protocol => text(self.request.map(|r| protocol(r.version()))),
            Field::Client => self.client.map_or(Value::Unknown, Value::Address),
            Field::EndReason => text(record.end_reason.map(|r| r.name().as_bytes())),
            Field::ErrorKind => text(record.error.as_deref().map(|e| e.kind.as_bytes())),
            Field::ErrorMessage => text(record.error.as_deref().map(|e| first_part(&e.message))),
            Field::Duration => micros(self.duration_ns),
            Field::Ttfb => micros(self.ttfb_ns()),
            Field::State(state) => number(self.duration_ns.map(|_| self.state_us(state))),
            Field::Background => micros(Some(record.background_ns).filter(|ns| *ns > 0)),
            Field::RecvSize => Value::Number(record.recv_size),
            Field::SendSize => Value::Number(record.send_size),
            Field::RequestNumber => Value::Number(record.connection.request_number),
            Field::Idle => micros(Some(record.connection.idle_ns)),
            Field::Age => micros(Some(record.connection.age_ns)),
            Field::TraceId => self.span.map_or(Value::Unknown, |span| Value::Hex(&span.trace_id)),
            Field::SpanId => self.span.map_or(Value::Unknown, |span| Value::Hex(&span.span_id)),
        }
    }

    fn ttfb_ns(&self) -> Option<u64> {
        Some(self.record.time(Event::WRITE_START)?.saturating_sub(self.start?))
    }

    /// Whole microseconds in one state. The instants between states are rounded, not the states, so that the
    /// six sum to the rounded duration.
    fn state_us(&self, state: State) -> u64 {
        let states = self.record.states();
        let before: u64 = states[..state as usize].iter().sum();
        (before + states[state as usize]) / 1_000 - before / 1_000
    }
}

const fn protocol(version: Version) -> &'static [u8] {
    match version {
        Version::Http10 => b"HTTP/1.0",
        Version::Http11 => b"HTTP/1.1",
    }
}

fn text(value: Option<&[u8]>) -> Value<'_> {
    value.map_or(Value::Unknown, Value::Text)
}

fn number<'a>(value: Option<u64>) -> Value<'a> {
    value.map_or(Value::Unknown, Value::Number)
}

fn micros<'a>(ns: Option<u64>) -> Value<'a> {
    number(ns.map(|ns| ns / 1_000))
}

/// At most [`MAX_MESSAGE`] bytes, no character cut in two.
fn first_part(message: &str) -> &[u8] {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message.as_bytes()[..end]
}
