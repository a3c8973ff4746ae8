//! What a push costs. `cargo test --release -p wirespan-core speed -- --ignored --nocapture --test-threads 1`

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::receiver::{PATIENCE, Receiver};
use super::{Options, Signal, exporter};
use crate::otlp::encode::tests::typical_span;
use crate::otlp::span::Scope;

const SPANS: usize = 100_000;

/// Pushes without the making of the spans; the exporter's thread encodes and sends meanwhile.
#[test]
#[ignore = "a measurement"]
fn push_speed() {
    let receiver = Receiver::start([]);
    let scope = Arc::new(Scope { name: "wirespan".into(), ..Scope::default() });
    let options =
        Options { endpoint: receiver.url(), max_queue_size: 2 * SPANS, ..Options::new(Signal::Traces) };
    for queue in [2 * SPANS, 2_048] {
        let (exporter, _) = exporter(&Options { max_queue_size: queue, ..options.clone() });
        let spans: Vec<_> = (0..SPANS).map(|_| typical_span(&scope)).collect();
        let mut longest = Duration::ZERO;
        let begin = Instant::now();
        for span in spans {
            exporter.push(span);
        }
        let ns = begin.elapsed().as_nanos() / SPANS as u128;
        for _ in 0..1_000 {
            let span = typical_span(&scope);
            let begin = Instant::now();
            exporter.push(span);
            longest = longest.max(begin.elapsed());
        }
        exporter.shutdown(PATIENCE);
        let status = exporter.status();
        let line = format!("queue of {queue}: {ns} ns a push, longest of 1,000 {longest:?}, {status:?}");
        writeln!(std::io::stderr(), "{line}").unwrap();
    }
}
