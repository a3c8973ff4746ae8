//! What a line costs. `cargo test --release -p wirespan-core speed -- --ignored --nocapture --test-threads 1`

use std::io::Write as _;
use std::time::Instant;

use jiff::tz::TimeZone;

use super::super::format::Format;
use super::super::{AccessLog, Options, Target};
use super::{exchange, plain_request, record};
use crate::sinks::Sink as _;

const ROUNDS: u32 = 200_000;

fn report(what: &str, begin: Instant) {
    let ns = begin.elapsed().as_nanos() / u128::from(ROUNDS);
    writeln!(std::io::stderr(), "{what}: {ns} ns").unwrap();
}

#[test]
#[ignore = "a measurement"]
fn lines() {
    let exchange = exchange(Some(plain_request()), record());
    for format in ["json", "combined", "pretty"] {
        let options = Options { format: format.into(), color: true, ..Options::default() };
        let mut format_of = Format::parse(&options, TimeZone::system()).unwrap();
        let mut out = Vec::with_capacity(1 << 20);
        let begin = Instant::now();
        for _ in 0..ROUNDS {
            format_of.write(&exchange, &mut out);
            if out.len() > 1 << 19 {
                out.clear();
            }
        }
        report(format, begin);
    }
}

#[test]
#[ignore = "a measurement"]
fn finish() {
    let target = Target::Path("/dev/null".into());
    let log = AccessLog::new(Options { target, ..Options::default() }).unwrap();
    let exchange = exchange(Some(plain_request()), record());
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        log.finish(&exchange);
    }
    report("finish", begin);
    let dropped = log.dropped();
    writeln!(std::io::stderr(), "of which dropped: {dropped}").unwrap();
}
