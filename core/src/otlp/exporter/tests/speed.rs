//! What a push costs. `cargo test --release -p wirespan-core speed -- --ignored --nocapture --test-threads 1`

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::receiver::{PATIENCE, Receiver};
use super::{Options, Signal, exporter};
use crate::otlp::encode::tests::typical_span;
use crate::otlp::span::Scope;

const ROUNDS: u32 = 300;
const SPANS: u32 = 1_000;

/// Processor time of this thread in nanoseconds: on a busy machine, what others take is not ours.
fn own_ns() -> u128 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    Duration::from(time).as_nanos()
}

/// Pushes without the making of the spans. The exporter's thread encodes and sends meanwhile, two batches a round.
#[test]
#[ignore = "a measurement"]
fn push_speed() {
    let receiver = Receiver::start([]);
    let scope = Arc::new(Scope { name: "wirespan".into(), ..Scope::default() });
    let (exporter, _) = exporter(&Options { endpoint: receiver.url(), ..Options::new(Signal::Traces) });
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let spans: Vec<_> = (0..SPANS).map(|_| typical_span(&scope)).collect();
        let begin = own_ns();
        for span in spans {
            exporter.push(span);
        }
        times.push((own_ns() - begin) / u128::from(SPANS));
        assert!(exporter.flush(PATIENCE));
    }
    assert_eq!(exporter.status().exported, u64::from(ROUNDS * SPANS));
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100];
    let line = format!("{} ns a push; 10 and 90 of 100 rounds below {} and {}", at(50), at(10), at(90));
    writeln!(std::io::stderr(), "{line}").unwrap();
}
