//! What the lines look like, that nothing breaks them, and that none is lost without being counted.

mod delivery;
mod lines;
mod speed;

use std::sync::Arc;

use crate::exchange::{Endpoint, Exchange, Peer, Place};
use crate::message::{BodyLength, Request, Span, Version};
use crate::trace::{ConnectionFacts, EndReason, Event, Level, Record, State};

/// 2026-03-01T09:05:07 UTC.
const WALL_NS: u64 = 1_772_355_907_000_123_999;

/// A request head as the parser would leave it; the parts may hold bytes that the parser refuses.
fn request(method: &[u8], path: &[u8], query: &[u8], fields: &[(&[u8], &[u8])]) -> Request {
    let mut bytes = Vec::new();
    let mut add = |part: &[u8]| {
        let start = u32::try_from(bytes.len()).unwrap();
        bytes.extend_from_slice(part);
        Span { start, end: u32::try_from(bytes.len()).unwrap() }
    };
    let method = add(method);
    let path = add(path);
    let mark = add(if query.is_empty() { b"" } else { b"?" });
    let query = add(query);
    let fields = fields.iter().map(|(name, value)| (add(name), add(value))).collect();
    let target = Span { start: path.start, end: if mark.start == mark.end { path.end } else { query.end } };
    Request {
        authority: Span::default(),
        bytes: bytes.into(),
        method,
        target,
        path,
        query,
        fields,
        version: Version::Http11,
        body: BodyLength::Known(0),
        keep_alive: true,
        expects_continue: false,
        head_len: 0,
    }
}

/// A record of 10 ms: queue 1, read 0, schedule 0.5, run 2, await 6, write 0.5.
fn record() -> Record {
    let mut record = Record::new(Level::Detailed);
    record.wall_offset_ns = WALL_NS.cast_signed() - 1_000_000;
    record.begin(2_000_000, Some(1_000_000));
    record.enter(State::Schedule, 2_000_000);
    record.enter(State::Run, 2_500_400);
    record.enter(State::Await, 4_500_400);
    record.enter(State::Write, 10_500_400);
    record.mark(Event::WRITE_START, 10_500_400);
    record.close(11_000_000, EndReason::Completed);
    record.connection = ConnectionFacts { request_number: 3, idle_ns: 5_000_000, age_ns: 70_000_000 };
    record.status = 200;
    (record.recv_size, record.send_size, record.send_body_size) = (120, 345, 200);
    record.route = Some("/orders/{id}".into());
    record
}

fn exchange(request: Option<Request>, record: Record) -> Arc<Exchange> {
    let client = Some("192.0.2.7:50312".parse().unwrap());
    let exchange = Exchange::new(
        Place { slot: 0, serial: 0 },
        Arc::new(Peer { client: client.map(Endpoint::new), ..Peer::default() }),
        record,
    );
    if let Some(request) = request {
        exchange.set_request(request);
    }
    Arc::new(exchange)
}

fn plain_request() -> Request {
    let fields: [(&[u8], &[u8]); 4] = [
        (b"host", b"example.org"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64)"),
        (b"referer", b"https://example.org/shop"),
        (b"authorization", b"Basic YW5uIGI6c2VjcmV0"),
    ];
    request(b"GET", b"/orders/17", b"full=1", &fields)
}
