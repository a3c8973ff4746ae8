//! What a push costs. `cargo test --release -p wirespan-core speed -- --ignored --nocapture --test-threads 1`

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::receiver::{PATIENCE, Receiver};
use super::{Options, Signal, exporter};
use crate::otlp::encode::tests::typical_span;
use crate::otlp::span::Scope;

const ROUNDS: u32 = 300;
const SPANS: u32 = 1_000;

/// Pushes without the making of the spans. The exporter's thread encodes and sends meanwhile, two batches a round.
#[test]
#[ignore = "a measurement"]
fn push_speed() {
    let receiver = Receiver::start([]);
    let scope = Arc::new(Scope { name: "wirespan".into(), ..Scope::default() });
    let (exporter, _) = exporter(&Options { endpoint: receiver.url(), ..Options::new(Signal::Traces) });
    let (mut all, mut best) = (Duration::ZERO, Duration::MAX);
    for _ in 0..ROUNDS {
        let spans: Vec<_> = (0..SPANS).map(|_| typical_span(&scope)).collect();
        let begin = Instant::now();
        for span in spans {
            exporter.push(span);
        }
        let took = begin.elapsed();
        all += took;
        best = best.min(took);
        assert!(exporter.flush(PATIENCE));
    }
    assert_eq!(exporter.status().exported, u64::from(ROUNDS * SPANS));
    let mean = all.as_nanos() / u128::from(ROUNDS * SPANS);
    let best = best.as_nanos() / u128::from(SPANS);
    writeln!(std::io::stderr(), "{mean} ns a push, {best} ns in the best round").unwrap();
}
