//! What we encode, read back by the official messages.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Instant;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Official;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::{AttributeName, Batch, Encoder, Encoding, SpanHead, SpanTail, SpanWriter};
use crate::otlp::SERVER_SCOPE;
use crate::otlp::finished::{Finished, Lot};
use crate::otlp::span::{
    Attributes, Event, FLAG_HAS_IS_REMOTE, FLAG_IS_REMOTE, FLAG_SAMPLED, Key, Kind, Link, Resource, Scope,
    SpanData, Status, Value,
};

fn every_value() -> Attributes {
    vec![
        ("text".into(), "ünïcode \"quoted\" \n".into()),
        ("empty".into(), "".into()),
        ("long".into(), "x".repeat(20_000).into()),
        (String::from("owned").into(), String::from("owned").into()),
        (Arc::<str>::from("shared").into(), Arc::<str>::from("shared").into()),
        ("yes".into(), true.into()),
        ("no".into(), false.into()),
        ("zero".into(), 0.into()),
        ("least".into(), i64::MIN.into()),
        ("most".into(), i64::MAX.into()),
        ("double".into(), 0.1.into()),
        ("huge".into(), 1e300.into()),
        ("array".into(), vec![Value::Int(1), Value::Int(-2)].into()),
        ("texts".into(), vec![Value::from("a"), Value::from("")].into()),
        ("none".into(), Vec::new().into()),
    ]
}

fn resource() -> Resource {
    Resource {
        attributes: vec![("service.name".into(), "shop".into()), ("process.pid".into(), 7.into())],
        schema_url: "https://opentelemetry.io/schemas/1.44.0".into(),
        instance: None,
    }
}

fn full_span(scope: &Arc<Scope>) -> SpanData {
    SpanData {
        trace_id: *b"0123456789abcdef",
        span_id: *b"01234567",
        parent_span_id: Some(*b"parent!!"),
        flags: FLAG_SAMPLED | FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE,
        trace_state: "a=1,b=2".into(),
        name: "GET /users/{id}".into(),
        kind: Kind::Server,
        start_unix_ns: 1_700_000_000_123_456_789,
        end_unix_ns: u64::MAX,
        attributes: every_value(),
        dropped_attributes: 1,
        events: vec![
            Event { time_unix_ns: 5, name: "e".into(), attributes: every_value(), dropped_attributes: 2 },
            Event::default(),
        ],
        dropped_events: 3,
        links: vec![Link {
            trace_id: [0xab; 16],
            span_id: [0xcd; 8],
            flags: FLAG_SAMPLED,
            trace_state: "c=3".into(),
            attributes: every_value(),
            dropped_attributes: 4,
        }],
        dropped_links: u32::MAX,
        status: Status::Error("it broke".into()),
        scope: Arc::clone(scope),
    }
}

pub(super) fn decode(batch: &Batch) -> ExportTraceServiceRequest {
    let mut body = batch.body.bytes().into_owned();
    if batch.is_gzip {
        body.clear();
        GzDecoder::new(&*batch.body.bytes()).read_to_end(&mut body).unwrap();
    }
    match batch.encoding {
        Encoding::Protobuf => ExportTraceServiceRequest::decode(&body[..]).unwrap(),
        Encoding::Json => serde_json::from_slice(&body).unwrap(),
    }
}

fn official_value(value: &Value) -> AnyValue {
    let value = match value {
        Value::Str(text) => Official::StringValue(text.to_string()),
        Value::Bool(yes) => Official::BoolValue(*yes),
        Value::Int(number) => Official::IntValue(*number),
        Value::Double(number) => Official::DoubleValue(*number),
        Value::Array(values) => {
            Official::ArrayValue(ArrayValue { values: values.iter().map(official_value).collect() })
        }
    };
    AnyValue { value: Some(value) }
}

fn official(attributes: &Attributes) -> Vec<KeyValue> {
    let pair = |(key, value): &(_, Value)| {
        let key: &crate::otlp::span::Key = key;
        KeyValue { key: key.to_string(), value: Some(official_value(value)), ..KeyValue::default() }
    };
    attributes.iter().map(pair).collect()
}

pub(crate) fn assert_same(span: &Span, data: &SpanData) {
    assert_eq!(span.trace_id, data.trace_id);
    assert_eq!(span.span_id, data.span_id);
    assert_eq!(span.parent_span_id, data.parent_span_id.map_or(Vec::new(), Vec::from));
    assert_eq!(span.flags, data.flags);
    assert_eq!(span.trace_state, *data.trace_state);
    assert_eq!(span.name, *data.name);
    assert_eq!(span.kind, data.kind as i32);
    assert_eq!(span.start_time_unix_nano, data.start_unix_ns);
    assert_eq!(span.end_time_unix_nano, data.end_unix_ns);
    assert_eq!(span.attributes, official(&data.attributes));
    let dropped = (data.dropped_attributes, data.dropped_events, data.dropped_links);
    assert_eq!((span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count), dropped);
    let status = span.status.clone().unwrap_or_default();
    match &data.status {
        Status::Unset => assert_eq!((status.code, status.message.as_str()), (0, "")),
        Status::Ok => assert_eq!((status.code, status.message.as_str()), (1, "")),
        Status::Error(text) => assert_eq!((status.code, status.message.as_str()), (2, text.as_str())),
    }
    assert_eq!(span.events.len(), data.events.len());
    for (event, data) in span.events.iter().zip(&data.events) {
        assert_eq!((event.time_unix_nano, event.name.as_str()), (data.time_unix_ns, data.name.as_str()));
        assert_eq!(event.attributes, official(&data.attributes));
        assert_eq!(event.dropped_attributes_count, data.dropped_attributes);
    }
    assert_eq!(span.links.len(), data.links.len());
    for (link, data) in span.links.iter().zip(&data.links) {
        assert_eq!((&link.trace_id[..], &link.span_id[..]), (&data.trace_id[..], &data.span_id[..]));
        assert_eq!((link.flags, link.trace_state.as_str()), (data.flags, data.trace_state.as_str()));
        assert_eq!(link.attributes, official(&data.attributes));
        assert_eq!(link.dropped_attributes_count, data.dropped_attributes);
    }
}

const FORMS: [(Encoding, bool); 4] = [
    (Encoding::Protobuf, false),
    (Encoding::Protobuf, true),
    (Encoding::Json, false),
    (Encoding::Json, true),
];

#[test]
fn every_field_reaches_the_official_messages() {
    let library = Arc::new(Scope {
        name: "library".into(),
        version: "1.2".into(),
        schema_url: "https://example.com/schema".into(),
        attributes: vec![("a".into(), 1.into())],
    });
    let spans = [full_span(&library), SpanData::default(), full_span(&library)];
    for (encoding, is_gzip) in FORMS {
        let mut encoder = Encoder::new(&resource(), encoding, is_gzip);
        for _ in 0..2 {
            let batch = encoder.encode(&spans.clone().into_iter().collect());
            assert_eq!((batch.spans, batch.encoding, batch.is_gzip), (3, encoding, is_gzip));
            let request = decode(&batch);
            let [of_resource] = &request.resource_spans[..] else { panic!("one resource") };
            let attributes = &of_resource.resource.as_ref().unwrap().attributes;
            assert_eq!(*attributes, official(&resource().attributes));
            assert_eq!(of_resource.schema_url, *resource().schema_url);
            let [first, second] = &of_resource.scope_spans[..] else { panic!("two scopes") };
            let scope = first.scope.as_ref().unwrap();
            assert_eq!((scope.name.as_str(), scope.version.as_str()), ("library", "1.2"));
            assert_eq!(scope.attributes, official(&library.attributes));
            assert_eq!(first.schema_url, *library.schema_url);
            assert_eq!(first.spans.len(), 2);
            first.spans.iter().for_each(|span| assert_same(span, &spans[0]));
            let [bare] = &second.spans[..] else { panic!("one span") };
            assert_same(bare, &spans[1]);
        }
    }
}

#[test]
fn numbers_that_are_not_finite_have_names_in_json() {
    let scope = Arc::new(Scope::default());
    let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|number| ("n".into(), number.into()));
    let span = SpanData { attributes: numbers.into(), scope, ..SpanData::default() };
    let batch = Encoder::new(&resource(), Encoding::Json, false).encode(&[span].into_iter().collect());
    let text = String::from_utf8(batch.body.bytes().into_owned()).unwrap();
    for name in ["\"NaN\"", "\"Infinity\"", "\"-Infinity\""] {
        assert!(text.contains(&format!("{{\"doubleValue\":{name}}}")), "{text}");
    }
}

#[test]
fn a_scope_is_recognised_by_what_it_says() {
    let mut encoder = Encoder::new(&resource(), Encoding::Protobuf, false);
    let named = |name: String| Arc::new(Scope { name: name.into(), ..Scope::default() });
    for round in 0..3 * super::SCOPES {
        let spans = [full_span(&named(format!("{}", round / 2)))].into_iter().collect();
        assert_eq!(decode(&encoder.encode(&spans)).resource_spans[0].scope_spans.len(), 1);
    }
    assert_eq!(encoder.scopes.len(), super::SCOPES);
}

static NAMES: [AttributeName; 3] = [
    AttributeName::new("k"),
    AttributeName::new("a.name.of.average.length"),
    AttributeName::new("a.name.so.long.that.none.may.be.any.longer."),
];

/// An attribute at a time, with lengths on both sides of what the fast path takes.
#[test]
fn spans_written_by_hand_are_the_same() {
    for len in (0..128).chain([20_000]) {
        let value = "v".repeat(len);
        let number = i64::MAX >> (len % 64);
        let mut data = SpanData { attributes: Attributes::new(), ..full_span(&SERVER_SCOPE) };
        let (mut lot, mut before) = (Lot::default(), Vec::new());
        SpanWriter::attributes(&mut before).attribute_text(&NAMES[0], "before");
        data.attributes.push(("k".into(), "before".into()));
        for name in &NAMES {
            let values: [Value; 4] = [value.clone().into(), number.into(), (-number).into(), true.into()];
            data.attributes.extend(values.map(|value| (Key::from(name.as_str()), value)));
        }
        lot.append(|out| {
            SpanWriter::span(out, &head(&data), |writer| {
                writer.encoded(&before);
                for name in &NAMES {
                    writer.attribute_text(name, &value);
                    let both = [number, -number].map(|number| (name, number.cast_unsigned()));
                    writer.attribute_numbers(&both);
                    writer.attribute(name.as_str(), &true.into());
                }
                writer.dropped_attributes(data.dropped_attributes);
                writer.tail(&tail(&data));
            });
        });
        let mut spans = Finished::default();
        spans.push_lot(lot);
        let batch = Encoder::new(&resource(), Encoding::Protobuf, false).encode(&spans);
        assert_same(&decode(&batch).resource_spans[0].scope_spans[0].spans[0], &data);
    }
}

/// Those that were data before come first in their scope.
#[test]
fn spans_as_bytes_and_as_data_make_one_request() {
    let scopes = [Arc::default(), Arc::clone(&SERVER_SCOPE)];
    for (size, is_gzip) in [(0, false), (3, false), (40, false), (2_000, true)] {
        let mut all: Finished = scopes.iter().map(full_span).collect();
        let mut lot = Lot::default();
        let late = SpanData { name: "late".into(), ..full_span(&SERVER_SCOPE) };
        for _ in 0..size {
            lot.append(|out| SpanWriter::span(out, &head(&late), |writer| writer.tail(&tail(&late))));
        }
        all.push_lot(lot);
        let batch = Encoder::new(&resource(), Encoding::Protobuf, is_gzip).encode(&all);
        assert_eq!(batch.spans, 2 + size);
        let request = decode(&batch);
        let [of_resource] = &request.resource_spans[..] else { panic!("one resource") };
        assert_eq!(of_resource.schema_url, *resource().schema_url);
        let [other, own] = &of_resource.scope_spans[..] else { panic!("two scopes") };
        assert_eq!((other.spans.len(), own.spans.len()), (1, 1 + size as usize));
        assert_eq!(own.schema_url, *SERVER_SCOPE.schema_url);
        assert_same(&own.spans[0], &full_span(&SERVER_SCOPE));
        let bare = SpanData { attributes: Attributes::new(), dropped_attributes: 0, ..late };
        own.spans[1..].iter().for_each(|span| assert_same(span, &bare));
    }
}

fn tail(data: &SpanData) -> SpanTail {
    SpanTail {
        events: data.events.clone(),
        dropped_events: data.dropped_events,
        links: data.links.clone(),
        dropped_links: data.dropped_links,
        status: data.status.clone(),
    }
}

fn head(data: &SpanData) -> SpanHead<'_> {
    let (start, end) = data.name.split_at(data.name.len() / 2);
    SpanHead {
        trace_id: data.trace_id,
        span_id: data.span_id,
        parent_span_id: data.parent_span_id,
        flags: data.flags,
        trace_state: &data.trace_state,
        name: [start, "", end],
        kind: data.kind,
        start_unix_ns: data.start_unix_ns,
        end_unix_ns: data.end_unix_ns,
    }
}

/// As a server span has them: static names, some shared and some owned values.
/// Spans of two scopes in turn, each with its number as name.
pub(super) fn every_span(count: usize) -> Finished {
    let scopes = ["one", "two"].map(|name| Arc::new(Scope { name: name.into(), ..Scope::default() }));
    (0..count).map(|at| SpanData { name: at.to_string().into(), ..full_span(&scopes[at % 2]) }).collect()
}

pub(crate) fn typical_span(scope: &Arc<Scope>) -> SpanData {
    let texts = [
        "http.request.method",
        "url.path",
        "url.scheme",
        "http.route",
        "client.address",
        "user_agent.original",
    ];
    let numbers = ["http.response.status_code", "server.port", "network.peer.port", "wirespan.bytes_in"];
    let states = [
        "wirespan.state.receive_ns",
        "wirespan.state.queue_ns",
        "wirespan.state.handle_ns",
        "wirespan.state.await_ns",
        "wirespan.state.write_ns",
        "wirespan.state.drain_ns",
    ];
    let more = ["network.protocol.version", "server.address", "network.peer.address", "wirespan.end_reason"];
    let mut attributes: Attributes = Vec::with_capacity(20);
    attributes.extend(texts.map(|key| (key.into(), String::from("/users/1234567").into())));
    attributes.extend(numbers.map(|key| (key.into(), 8_080.into())));
    attributes.extend(states.map(|key| (key.into(), 123_456.into())));
    attributes.extend(more.map(|key| (key.into(), "127.0.0.1".into())));
    SpanData {
        trace_id: [1; 16],
        span_id: [2; 8],
        name: "GET /users/{id}".into(),
        kind: Kind::Server,
        start_unix_ns: 1_700_000_000_000_000_000,
        end_unix_ns: 1_700_000_000_001_000_000,
        attributes,
        scope: Arc::clone(scope),
        ..SpanData::default()
    }
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let scope = Arc::new(Scope { name: "wirespan".into(), ..Scope::default() });
    let spans: Finished = (0..512).map(|_| typical_span(&scope)).collect();
    let rounds = 500_u32;
    for (encoding, is_gzip) in FORMS {
        let mut encoder = Encoder::new(&resource(), encoding, is_gzip);
        let begin = Instant::now();
        let mut bytes = 0;
        for _ in 0..rounds {
            bytes = encoder.encode(std::hint::black_box(&spans)).body.len();
        }
        let ns = begin.elapsed().as_nanos() / u128::from(rounds * 512);
        writeln!(std::io::stderr(), "{encoding:?} gzip={is_gzip}: {ns} ns a span, {} bytes", bytes / 512)
            .unwrap();
    }
    let official = decode(&Encoder::new(&resource(), Encoding::Protobuf, false).encode(&spans));
    let begin = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(std::hint::black_box(&official).encode_to_vec());
    }
    let ns = begin.elapsed().as_nanos() / u128::from(rounds * 512);
    writeln!(std::io::stderr(), "prost, messages already built: {ns} ns a span").unwrap();
    let begin = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(std::hint::black_box(&official).clone());
    }
    let ns = begin.elapsed().as_nanos() / u128::from(rounds * 512);
    writeln!(std::io::stderr(), "building these messages (a clone): {ns} ns a span").unwrap();
}
