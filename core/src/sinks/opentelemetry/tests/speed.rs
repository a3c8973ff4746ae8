//! What tracing costs on the engine's thread, without the engine.
//! `cargo test --release -p wirespan-core opentelemetry::tests::speed -- --ignored --nocapture --test-threads 1`

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Item, PARENT, SpanSink, begun, finish, plain, sink};
use crate::exchange::Exchange;
use crate::otlp::Lot;
use crate::propagation::ids;
use crate::sampling::{HeadSampler, TailOptions, TailSampler};
use crate::sinks::Sink as _;
use crate::sinks::opentelemetry::{OpenTelemetry, Options};

const ROUNDS: u32 = 200;
const BATCH: u32 = 500;

/// A queue as an exporter has it: a lock, and the span is written.
#[derive(Default)]
struct Queue(Mutex<Lot>);

impl SpanSink for Queue {
    fn push(&self, _item: Item) {}

    fn push_encoded(&self, write: &mut dyn FnMut(&mut Vec<u8>)) -> bool {
        self.0.lock().unwrap().append(write);
        true
    }
}

fn report(what: &str, spent: Duration) {
    let ns = spent.as_nanos() / u128::from(ROUNDS * BATCH);
    writeln!(std::io::stderr(), "{what}: {ns} ns").unwrap();
}

fn measure(what: &str, options: Options, make: fn() -> Arc<Exchange>) {
    let queue = Arc::new(Queue::default());
    let sink = OpenTelemetry::new(options, queue.clone());
    let (mut heads, mut ends) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let exchanges: Vec<_> = (0..BATCH).map(|_| make()).collect();
        let begin = Instant::now();
        for exchange in &exchanges {
            sink.head(exchange);
        }
        heads += begin.elapsed();
        for exchange in &exchanges {
            finish(exchange, |_| {});
        }
        let begin = Instant::now();
        for exchange in &exchanges {
            sink.finish(exchange);
        }
        ends += begin.elapsed();
        let mut lot = queue.0.lock().unwrap();
        let next = lot.successor();
        assert_eq!(std::mem::replace(&mut *lot, next).len() % BATCH as usize, 0);
    }
    report(&format!("{what}: head"), heads);
    report(&format!("{what}: finish"), ends);
}

fn continued() -> Arc<Exchange> {
    begun(
        Some("GET /items/7?q=1"),
        &[
            ("user-agent", "curl/8"),
            ("accept", "*/*"),
            ("accept-encoding", "gzip"),
            ("x-request-id", "1234567890"),
            ("traceparent", PARENT),
        ],
        Some("198.51.100.9:50312"),
    )
}

fn with_state() -> Arc<Exchange> {
    begun(Some("GET /"), &[("traceparent", PARENT), ("tracestate", "a=1,b=2")], None)
}

#[test]
#[ignore = "a measurement"]
fn costs() {
    let named = |name: &str, argument: &str| HeadSampler::from_names(Some(name), Some(argument)).0;
    measure("sampled root", Options::default(), plain);
    measure("sampled, caller's trace", Options::default(), continued);
    measure("sampled, caller's trace and state", Options::default(), with_state);
    measure("1% ratio", Options { head: named("traceidratio", "0.01"), ..Options::default() }, plain);
    measure("unsampled root", Options { head: named("always_off", ""), ..Options::default() }, plain);
    let tail = TailOptions { slower_than_ns: Some(1), ..TailOptions::default() };
    let tail = Some(TailSampler::new(tail).unwrap());
    measure("tail", Options { tail, ..Options::default() }, plain);
    let begin = Instant::now();
    for _ in 0..ROUNDS * BATCH {
        std::hint::black_box((ids::trace_id(), ids::span_id()));
    }
    report("ids", begin.elapsed());
    let (sink, _kept) = sink(Options::default());
    let exchange = plain();
    let begin = Instant::now();
    for _ in 0..ROUNDS * BATCH {
        std::hint::black_box(sink.begin(&exchange));
    }
    report("context of a root, nothing else", begin.elapsed());
}
