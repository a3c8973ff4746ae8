//! Reports over real sockets. Tests wait for requests, never for time to pass.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use prost::Message as _;

use super::super::tests::Lines;
use super::super::tests::receiver::{PATIENCE, Receiver, Reply, Request, free_addr, reply};
use super::{MetricsExporter, MetricsOptions};
use crate::metrics::{Lives, Metrics, Options as Counted};
use crate::otlp::exporter::Receiver as State;
use crate::otlp::metric::{HistogramPoint, Points, Temporality};
use crate::otlp::options::{Options, Signal};
use crate::otlp::span::Resource;
use crate::sinks::{Observation, Sink as _};

const NEVER: Duration = Duration::from_secs(3_600);

fn options(url: String) -> MetricsOptions {
    let otlp = Options {
        endpoint: url,
        retry_delay: Duration::from_millis(5),
        retry_delay_max: Duration::from_millis(20),
        ..Options::new(Signal::Metrics)
    };
    MetricsOptions { otlp, interval: NEVER, ..MetricsOptions::default() }
}

fn exporter(options: MetricsOptions) -> (MetricsExporter, Arc<Metrics>, Lines) {
    let counts = Arc::new(Lives::new(Metrics::new(Counted::default())));
    let (lines, resource) = (Lines::default(), Resource::default());
    let exporter = MetricsExporter::otlp(options, resource, Arc::clone(&counts), lines.log()).unwrap();
    exporter.start();
    (exporter, Arc::clone(counts.current()), lines)
}

fn connect(metrics: &Metrics) {
    metrics.observe(Observation::Connected { is_refused: false });
}

fn flush(exporter: &MetricsExporter) -> bool {
    exporter.wait(exporter.ask(), PATIENCE)
}

/// Accepted connections that a report tells of; `None` where it does not.
fn accepted(request: &Request) -> Option<i64> {
    let message = ExportMetricsServiceRequest::decode(&request.body[..]).unwrap();
    let metrics = &message.resource_metrics[0].scope_metrics[0].metrics;
    let metric = metrics.iter().find(|metric| metric.name == "wirespan.server.accepted_connections")?;
    let Some(Data::Sum(sum)) = &metric.data else { panic!("a sum") };
    let Some(Value::AsInt(value)) = sum.data_points[0].value else { panic!("a whole number") };
    Some(value)
}

#[test]
fn a_report_comes_with_every_interval() {
    let receiver = Receiver::start([]);
    let options = MetricsOptions { interval: Duration::from_millis(20), ..options(receiver.url()) };
    let (_exporter, metrics, _) = exporter(options);
    connect(&metrics);
    assert_eq!(accepted(&receiver.next()), Some(1));
    connect(&metrics);
    let until = Instant::now() + PATIENCE;
    while accepted(&receiver.next()) != Some(2) {
        assert!(Instant::now() < until, "the second connection is never reported");
    }
}

#[test]
fn deltas_leave_nothing_out_when_a_report_is_lost() {
    let receiver = Receiver::start([reply("400 Bad Request", "", b""), reply("200 OK", "", b"")]);
    let options = MetricsOptions { temporality: Temporality::Delta, ..options(receiver.url()) };
    let (exporter, metrics, _) = exporter(options);
    for expected in [Some(1), Some(2), Some(1), None] {
        if expected.is_some() {
            connect(&metrics);
        }
        assert!(flush(&exporter));
        assert_eq!(accepted(&receiver.next()), expected);
    }
}

#[test]
fn a_report_that_failed_is_tried_again() {
    let receiver = Receiver::start([reply("503 Service Unavailable", "", b"")]);
    let (exporter, metrics, lines) = exporter(options(receiver.url()));
    connect(&metrics);
    assert!(flush(&exporter), "tried once");
    assert_eq!(receiver.next().body, receiver.next().body);
    assert!(flush(&exporter));
    assert_eq!(exporter.status().receiver, State::Up);
    assert_eq!((lines.count("is not taking metrics"), lines.count("takes metrics again")), (1, 1));
}

#[test]
fn nobody_there_costs_one_report_and_no_time() {
    let (exporter, metrics, lines) = exporter(options(format!("http://{}/v1/metrics", free_addr())));
    for _ in 0..5 {
        connect(&metrics);
        assert!(flush(&exporter));
    }
    exporter.close(PATIENCE);
    assert!(exporter.wait_end(PATIENCE));
    let status = exporter.status();
    assert_eq!((status.exported, status.receiver), (0, State::Down));
    assert!(status.superseded > 0 && status.failed >= 5, "{status:?}");
    assert_eq!(lines.count("is not taking metrics"), 1);
}

/// How reports ended so far: `error.type` and how many.
fn operations(metrics: &Metrics) -> Vec<(Option<String>, u64)> {
    let data = metrics.collect();
    let operations =
        data.metrics.iter().find(|each| each.name.as_str() == "otel.sdk.exporter.operation.duration");
    let Points::Histogram(points) = &operations.unwrap().points else { panic!("a histogram") };
    let error = |point: &HistogramPoint| {
        let found = point.attributes.iter().find(|(key, _)| key.as_str() == "error.type");
        found.map(|(_, value)| format!("{value:?}"))
    };
    points.iter().map(|point| (error(point), point.count)).collect()
}

#[test]
fn a_report_is_one_operation_however_often_it_is_tried() {
    let busy = || reply("503 Service Unavailable", "", b"");
    let receiver =
        Receiver::start([busy(), busy(), reply("200 OK", "", b""), reply("400 Bad Request", "", b"")]);
    let (exporter, metrics, _) = exporter(options(receiver.url()));
    assert!(flush(&exporter));
    (0..3).for_each(|_| drop(receiver.next()));
    assert!(flush(&exporter));
    let [(None, 1), (Some(error), 1)] = &operations(&metrics)[..] else {
        panic!("{:?}", operations(&metrics))
    };
    assert!(error.contains("400"), "{error}");
}

#[test]
fn a_report_that_another_replaces_ended_as_its_last_try_did() {
    let receiver = Receiver::start([reply("503 Service Unavailable", "", b"")]);
    let slow = Duration::from_secs(60);
    let mut options = options(receiver.url());
    (options.otlp.retry_delay, options.otlp.retry_delay_max) = (slow, slow);
    let (exporter, metrics, _) = exporter(options);
    assert!(flush(&exporter) && flush(&exporter));
    let [(Some(error), 1), (None, 1)] = &operations(&metrics)[..] else {
        panic!("{:?}", operations(&metrics))
    };
    assert!(error.contains("503"), "{error}");
}

#[test]
fn a_receiver_for_traces_only_is_told_about_once() {
    let refusal = || reply("404 Not Found", "", b"");
    let receiver = Receiver::start([refusal(), refusal()]);
    let (exporter, _metrics, lines) = exporter(options(receiver.url()));
    assert!(flush(&exporter) && flush(&exporter));
    assert_eq!(lines.count("OTEL_METRICS_EXPORTER=none"), 1);
    assert!(exporter.status().refused > 0);
}

#[test]
fn a_wish_for_silence_is_heeded_by_flush_and_end() {
    let receiver = Receiver::start([reply("429 Too Many Requests", "retry-after: 300\r\n", b"")]);
    let (exporter, _metrics, _) = exporter(options(receiver.url()));
    assert!(flush(&exporter) && flush(&exporter));
    exporter.close(PATIENCE);
    assert!(exporter.wait_end(PATIENCE));
    assert_eq!(exporter.status().requests, 1);
}

#[test]
fn the_end_sends_a_last_report() {
    let receiver = Receiver::start([]);
    let (exporter, metrics, _) = exporter(options(receiver.url()));
    connect(&metrics);
    exporter.close(PATIENCE);
    assert!(exporter.wait_end(PATIENCE));
    assert_eq!(accepted(&receiver.next()), Some(1));
    assert!(exporter.wait(exporter.ask(), PATIENCE), "there is nobody left to wait for");
}

#[test]
fn a_receiver_that_hangs_does_not_hold_up_the_end() {
    let receiver = Receiver::start([Reply::Hang]);
    let (exporter, _metrics, _) = exporter(options(receiver.url()));
    let report = exporter.ask();
    receiver.next();
    assert!(!exporter.wait(report, Duration::from_millis(20)));
    exporter.close(Duration::from_millis(50));
    assert!(exporter.wait_end(PATIENCE), "the deadline ends it");
}

#[test]
fn rejected_points_are_counted() {
    // partial_success { rejected_data_points: 2, error_message: "no" }
    let receiver = Receiver::start([reply("200 OK", "", b"\x0a\x06\x08\x02\x12\x02no")]);
    let (exporter, metrics, lines) = exporter(options(receiver.url()));
    assert!(flush(&exporter));
    let status = exporter.status();
    assert_eq!((status.rejected, status.refused, lines.count("rejected 2 points: no")), (2, 0, 1));
    assert!(status.exported > 0, "the rest arrived");
    let [(Some(error), 1)] = &operations(&metrics)[..] else { panic!("{:?}", operations(&metrics)) };
    assert!(error.contains("rejected"), "a partial success is none: {error}");
}

#[test]
fn the_console_gets_lines_of_json() {
    struct Out(mpsc::Sender<Vec<u8>>);
    impl std::io::Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (sender, lines) = mpsc::channel();
    let sender = Mutex::new(sender);
    let open = move || Box::new(Out(sender.lock().unwrap().clone())) as Box<dyn std::io::Write + Send>;
    let counts = Arc::new(Lives::new(Metrics::new(Counted::default())));
    let options = MetricsOptions { interval: NEVER, ..MetricsOptions::default() };
    let exporter =
        MetricsExporter::console(options, open, Resource::default(), counts, Lines::default().log());
    exporter.start();
    assert!(flush(&exporter));
    let line = lines.recv_timeout(PATIENCE).unwrap();
    assert!(line.ends_with(b"}\n"));
    serde_json::from_slice::<ExportMetricsServiceRequest>(&line).unwrap();
}
