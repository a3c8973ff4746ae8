//! What spans hold, which trace they belong to, and what all that costs.

mod attributes;
mod heads;
mod served;
mod speed;

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::trace::v1::ScopeSpans;
use prost::Message as _;

use super::{Item, OpenTelemetry, Options, SpanSink};
use crate::config::ServerConfig;
use crate::exchange::{Endpoint, Exchange, Peer, Place};
use crate::h1::HeadReader;
use crate::otlp::SpanData;
use crate::otlp::encode::tests::assert_same;
use crate::sinks::Sink as _;
use crate::trace::{ConnectionFacts, EndReason, Event, Level, Record, State};

/// Begin of every record: 2026-03-01T09:05:07 UTC.
const BEGIN_NS: u64 = 1_772_355_907_000_000_000;
const PARENT: &str = "00-12345678901234567890123456789012-1234567890123456-01";

/// An exporter that keeps what it is given.
#[derive(Default)]
struct Kept(Mutex<Vec<Item>>);

impl SpanSink for Kept {
    fn push(&self, item: Item) {
        self.0.lock().unwrap().push(item);
    }
}

impl Kept {
    fn spans(&self) -> Vec<SpanData> {
        let items = std::mem::take(&mut *self.0.lock().unwrap());
        items.into_iter().map(|item| *item.finished().unwrap()).collect()
    }
}

fn sink(options: Options) -> (OpenTelemetry, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    (OpenTelemetry::new(options, kept.clone()), kept)
}

/// An exchange that has begun, with this head after its request line and `Host`; `None`: no head was ever complete.
pub(crate) fn begun(
    request_line: Option<&str>,
    fields: &[(&str, &str)],
    client: Option<&str>,
) -> Arc<Exchange> {
    begun_by(peer(client), request_line, fields)
}

fn peer(client: Option<&str>) -> Peer {
    Peer {
        client: client.map(|text| Endpoint::new(text.parse().unwrap())),
        server: client.map(|_| Endpoint::new("192.0.2.1:8888".parse().unwrap())),
        ..Peer::default()
    }
}

fn begun_by(
    peer: impl Into<Arc<Peer>>,
    request_line: Option<&str>,
    fields: &[(&str, &str)],
) -> Arc<Exchange> {
    let mut record = Record::new(Level::Detailed);
    record.wall_offset_ns = BEGIN_NS.cast_signed() - 1_000_000;
    record.begin(2_000_000, Some(1_000_000));
    record.connection = ConnectionFacts { request_number: 3, idle_ns: 5_000, age_ns: 70_000 };
    let exchange = Exchange::new(Place { slot: 0, serial: 0 }, peer.into(), record);
    if let Some(line) = request_line {
        let mut head = format!("{line} HTTP/1.1\r\nhost: example.com:8080\r\n");
        for (name, value) in fields {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head += "\r\n";
        let read = HeadReader::default().read(head.as_bytes(), &ServerConfig::default()).unwrap();
        exchange.set_request(read.expect("the head is complete").0);
    }
    Arc::new(exchange)
}

pub(crate) fn plain() -> Arc<Exchange> {
    begun(Some("GET /items/7?q=1"), &[("user-agent", "curl/8")], Some("198.51.100.9:50312"))
}

/// Ends it after 10 ms: queue 1, schedule 0.5, run 2, await 6, write 0.5.
pub(crate) fn finish(exchange: &Exchange, change: impl FnOnce(&mut Record)) {
    let record = &mut exchange.lock().record;
    record.enter(State::Schedule, 2_000_000);
    record.enter(State::Run, 2_500_000);
    record.enter(State::Await, 4_500_000);
    record.enter(State::Write, 10_500_000);
    record.mark(Event::WRITE_START, 10_500_000);
    record.status = 200;
    record.route = Some("/items/{id}".into());
    (record.recv_size, record.send_size) = (120, 345);
    (record.recv_body_size, record.send_body_size) = (20, 200);
    change(record);
    record.close(11_000_000, EndReason::Completed);
}

/// The span of an exchange that ends so; its other form, as bytes, says the same.
fn traced(options: Options, exchange: &Arc<Exchange>, change: impl FnOnce(&mut Record)) -> SpanData {
    let (sink, kept) = sink(options);
    sink.head(exchange);
    finish(exchange, change);
    sink.finish(exchange);
    let span = kept.spans().pop().expect("the span is kept");
    let mut bytes = Vec::new();
    sink.mapping.encode(exchange.context().unwrap(), exchange, &exchange.lock(), &mut bytes);
    let encoded = ScopeSpans::decode(&*bytes).expect("it is a field of a scope's spans");
    assert_same(&encoded.spans[0], &span);
    span
}
