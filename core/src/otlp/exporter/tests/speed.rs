//! What a push costs. `cargo test --release -p wirespan-core speed -- --ignored --nocapture --test-threads 1`

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use super::receiver::{PATIENCE, Receiver, Reply};
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

/// Spans a second to a receiver that takes its time: all of a second or two at full speed must arrive.
#[test]
#[ignore = "a measurement"]
fn slow_receiver_speed() {
    for (latency, queue) in [(20, 8_192), (200, 32_768)] {
        let slow = Reply::Slow(Duration::from_millis(latency));
        let receiver = Receiver::start(std::iter::repeat_n(slow, 10_000));
        let options =
            Options { endpoint: receiver.url(), max_queue_size: queue, ..Options::new(Signal::Traces) };
        let (exporter, _) = exporter(&options);
        let (begin, mut pushed) = (Instant::now(), 0_u32);
        while begin.elapsed() < Duration::from_secs(2) {
            let due = begin.elapsed().as_micros() / 10; // 100,000 a second
            while u128::from(pushed) < due {
                super::push(&exporter, [0]);
                pushed += 1;
            }
            std::thread::sleep(Duration::from_millis(1)); // the pace, not a wait for luck
        }
        assert!(exporter.shutdown(PATIENCE));
        let status = exporter.status();
        let line = format!(
            "{latency} ms: {pushed} spans, {} arrived, {} dropped, {} requests",
            status.exported,
            status.dropped.total(),
            status.requests
        );
        writeln!(std::io::stderr(), "{line}").unwrap();
        assert_eq!(status.dropped.total(), 0);
    }
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
