//! What is counted, of exchanges as the engine hands them over.

use std::sync::Arc;
use std::time::Instant;

use super::delta::Reporter;
use super::{Component, ExemplarFilter, Metrics, Options};
use crate::exchange::{Exchange, Thread};
use crate::otlp::Encoding;
use crate::otlp::exporter::Ending;
use crate::otlp::metric::{HistogramPoint, MetricsData, NumberPoint, Points, Temporality};
use crate::otlp::span::{Attributes, Value};
use crate::sampling::{IgnoreList, Reweight, Verdict};
use crate::sinks::opentelemetry::tests::{begun, finish, plain};
use crate::sinks::{Observation, Sink, Sinks};
use crate::spans::{Census, Origin, Sampling};
use crate::trace::{EndReason, ErrorNote, Record, SpanContext, TraceContext};

fn histograms<'a>(data: &'a MetricsData, name: &str) -> Vec<&'a HistogramPoint> {
    let metric = data.metrics.iter().find(|metric| metric.name.as_str() == name).unwrap();
    let Points::Histogram(points) = &metric.points else { panic!("{name} is no histogram") };
    points.iter().filter(|point| point.count > 0).collect()
}

fn numbers<'a>(data: &'a MetricsData, name: &str) -> &'a [NumberPoint] {
    let metric = data.metrics.iter().find(|metric| metric.name.as_str() == name).unwrap();
    let (Points::Counter(points) | Points::UpDownCounter(points)) = &metric.points else {
        panic!("{name} is a histogram")
    };
    points
}

fn value(data: &MetricsData, name: &str) -> i64 {
    let [point] = numbers(data, name) else { panic!("{name} has not one point") };
    point.value
}

fn shown(attributes: &Attributes) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Str(text) => text.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|(key, value)| format!("{}={}", key.as_str(), text(value))).collect()
}

fn count(metrics: &Metrics, exchange: &Arc<Exchange>, change: impl FnOnce(&mut Record)) {
    metrics.head(exchange);
    finish(exchange, change);
    metrics.finish(exchange);
}

#[test]
fn spans_that_begin_and_those_that_are_live_are_told_from_the_start_of_the_process() {
    let census = Arc::new(Census::default());
    census.start(Sampling::RecordAndSample, Origin::None);
    let metrics = Metrics::new(Options::default());
    metrics.count_spans(Arc::clone(&census));
    assert!(numbers(&metrics.collect(), "otel.sdk.span.started").is_empty());
    census.start(Sampling::RecordAndSample, Origin::Remote);
    let mut reporter = Reporter::new(Temporality::Delta);
    let first = metrics.collect();
    reporter.arrived(first);
    census.start(Sampling::Drop, Origin::None);
    census.end(Sampling::RecordAndSample);
    let points = |data: &MetricsData, name: &str| -> Vec<_> {
        numbers(data, name).iter().map(|point| (shown(&point.attributes), point.value)).collect()
    };
    let kind = |sampling: &str, origin: &str| {
        vec![format!("otel.span.sampling_result={sampling}"), format!("otel.span.parent.origin={origin}")]
    };
    let data = metrics.collect();
    assert_eq!(
        points(&data, "otel.sdk.span.started"),
        [(kind("RECORD_AND_SAMPLE", "remote"), 1), (kind("DROP", "none"), 1)]
    );
    assert_eq!(
        points(&data, "otel.sdk.span.live"),
        [(vec!["otel.span.sampling_result=RECORD_AND_SAMPLE".to_owned()], 0)]
    );
    let delta = reporter.report(&data);
    assert_eq!(points(&delta, "otel.sdk.span.started"), [(kind("DROP", "none"), 1)]);
    assert!(
        numbers(&metrics.fresh().collect(), "otel.sdk.span.started").is_empty(),
        "a child counts its own"
    );
}

#[test]
fn a_report_tells_how_long_earlier_ones_took() {
    let metrics = Metrics::new(Options::default());
    assert!(histograms(&metrics.collect(), "otel.sdk.metric_reader.collection.duration").is_empty());
    metrics.note_collection(std::time::Duration::from_millis(3));
    let data = metrics.collect();
    let [point] = histograms(&data, "otel.sdk.metric_reader.collection.duration")[..] else { panic!() };
    assert_eq!((point.count, point.sum), (1, 0.003));
    assert_eq!(shown(&point.attributes)[0], "otel.component.type=periodic_metric_reader");
}

#[test]
fn a_request_is_in_every_metric_of_requests() {
    let metrics = Metrics::new(Options::default());
    count(&metrics, &plain(), |_| {});
    let data = metrics.collect();
    let [duration] = histograms(&data, "http.server.request.duration")[..] else { panic!() };
    assert_eq!(
        shown(&duration.attributes),
        [
            "http.request.method=GET",
            "url.scheme=http",
            "http.route=/items/{id}",
            "http.response.status_code=Int(200)",
            "network.protocol.version=1.1"
        ]
    );
    assert_eq!((duration.sum, duration.extremes), (0.01, Some((0.01, 0.01))));
    assert_eq!(duration.buckets.iter().position(|count| *count == 1), Some(1));
    for (name, sum) in [("request", 20.0), ("response", 200.0)] {
        let size = histograms(&data, &format!("http.server.{name}.body.size"))[0];
        assert_eq!((size.count, size.sum), (1, sum));
    }
    let states = histograms(&data, "wirespan.server.state.duration");
    assert_eq!(states.len(), 6);
    assert_eq!(
        shown(&states[3].attributes),
        ["http.request.method=GET", "http.route=/items/{id}", "wirespan.state=run"]
    );
    assert_eq!((states[3].count, states[3].sum), (1, 0.002));
    let sum: f64 = states.iter().map(|state| state.sum).sum();
    assert!((sum - duration.sum).abs() < 1e-12);
}

#[test]
fn attributes_tell_how_it_ended() {
    let metrics = Metrics::new(Options::default());
    let unknown = begun(Some("PURGE /"), &[], None);
    count(&metrics, &unknown, |record| (record.status, record.route) = (404, None));
    let failed = plain();
    count(&metrics, &failed, |record| {
        record.status = 500;
        record.end_reason = Some(EndReason::HandlerError);
        record.error = Some(Box::new(ErrorNote::new("ValueError", "m")));
    });
    let gone = plain();
    count(&metrics, &gone, |record| {
        (record.status, record.end_reason) = (0, Some(EndReason::ClientDisconnected));
    });
    let no_head = begun(None, &[], None);
    finish(&no_head, |record| (record.status, record.route) = (400, None));
    metrics.finish(&no_head);
    let data = metrics.collect();
    let points = histograms(&data, "http.server.request.duration");
    let shown: Vec<_> = points.iter().map(|point| shown(&point.attributes).join(" ")).collect();
    assert_eq!(
        shown,
        [
            "http.request.method=_OTHER url.scheme=http http.response.status_code=Int(404) network.protocol.version=1.1",
            "http.request.method=GET url.scheme=http http.route=/items/{id} http.response.status_code=Int(500) \
             error.type=ValueError network.protocol.version=1.1",
            "http.request.method=GET url.scheme=http http.route=/items/{id} error.type=client_disconnected \
             network.protocol.version=1.1",
            "http.request.method=_OTHER url.scheme=http http.response.status_code=Int(400)",
        ]
    );
    let active = numbers(&data, "http.server.active_requests");
    assert!(active.iter().all(|point| point.value == 0), "{active:?}");
}

#[test]
fn equal_routes_are_one_series_whoever_made_them() {
    let metrics = Metrics::new(Options::default());
    for _ in 0..3 {
        count(&metrics, &plain(), |_| {}); // each has a route of its own
    }
    let data = metrics.collect();
    let points = histograms(&data, "http.server.request.duration");
    assert_eq!(points.iter().map(|point| point.count).collect::<Vec<_>>(), [3]);
}

#[test]
fn sets_of_attributes_are_limited() {
    let metrics = Metrics::new(Options::default());
    for round in 0..2 {
        for number in 0..2_500 {
            let route = format!("/{number}");
            count(&metrics, &plain(), |record| record.route = Some(route.into()));
        }
        let data = metrics.collect();
        for (name, limit, of_each) in
            [("http.server.request.duration", 2_000, 1), ("wirespan.server.state.duration", 2_000, 6)]
        {
            let points = histograms(&data, name);
            assert!(points.len() <= limit, "{name}: {}", points.len());
            let total: u64 = points.iter().map(|point| point.count).sum();
            assert_eq!(total, 2_500 * (round + 1) * of_each, "{name}");
            let others: Vec<_> =
                points.iter().filter(|point| shown(&point.attributes)[0].starts_with("otel.")).collect();
            assert_eq!(shown(&others[0].attributes), ["otel.metric.overflow=Bool(true)"]);
            assert_eq!(others.len(), 1);
        }
        assert_eq!(histograms(&data, "http.server.request.duration").len(), 2_000);
    }
}

#[test]
fn requests_under_way_add_up_whatever_becomes_of_them() {
    let metrics = Arc::new(Metrics::new(Options::default()));
    let ignored = IgnoreList::new(["/health", "/items/{id}"]).unwrap();
    let sinks = Sinks::new(vec![metrics.clone()], ignored);
    let active =
        || numbers(&metrics.collect(), "http.server.active_requests").first().map(|point| point.value);
    let by_path = begun(Some("GET /health"), &[], None);
    sinks.head(&by_path);
    assert_eq!(active(), None, "an ignored request is not counted");
    let by_route = begun(Some("GET /items/7"), &[], None);
    let counted = begun(Some("GET /other"), &[], None);
    sinks.head(&by_route);
    sinks.head(&counted);
    assert_eq!(active(), Some(2));
    for exchange in [&by_path, &by_route] {
        finish(exchange, |_| {});
        sinks.finish(exchange);
    }
    assert_eq!(active(), Some(1));
    finish(&counted, |record| record.route = None);
    sinks.finish(&counted);
    assert_eq!(active(), Some(0));
    assert_eq!(histograms(&metrics.collect(), "http.server.request.duration").len(), 1);
}

fn with_verdict(verdict: Verdict) -> Arc<Exchange> {
    let exchange = plain();
    let span = SpanContext { trace_id: [1; 16], span_id: [2; 8], ..SpanContext::default() };
    exchange.set_context(TraceContext::new(span)).decide(|| verdict);
    exchange
}

#[test]
fn exemplars_are_of_exported_spans() {
    use ExemplarFilter::{AlwaysOff, AlwaysOn, TraceBased};
    let kept = Verdict::Keep(Reweight::Unchanged);
    let span = Some(([1; 16], [2; 8]));
    for (filter, exchange, expected) in [
        (TraceBased, with_verdict(kept), vec![span]),
        (TraceBased, with_verdict(Verdict::Drop), vec![]),
        (TraceBased, plain(), vec![]),
        (AlwaysOn, with_verdict(Verdict::Drop), vec![span]),
        (AlwaysOn, plain(), vec![None]),
        (AlwaysOff, with_verdict(kept), vec![]),
    ] {
        let metrics = Metrics::new(Options { exemplars: filter, ..Options::default() });
        count(&metrics, &exchange, |_| {});
        let data = metrics.collect();
        let exemplars = &histograms(&data, "http.server.request.duration")[0].exemplars;
        assert_eq!(exemplars.iter().map(|each| each.span).collect::<Vec<_>>(), expected, "{filter:?}");
        let late = exemplars.iter().filter(|each| each.time_unix_ns > 1_700_000_000_000_000_000);
        let values: Vec<f64> = late.map(|each| each.value).collect();
        assert_eq!(values, vec![0.01; expected.len()]);
    }
}

#[test]
fn the_server_as_a_whole() {
    let metrics = Metrics::new(Options::default());
    for what in [
        Observation::Connected { is_refused: false },
        Observation::Connected { is_refused: true },
        Observation::Connected { is_refused: false },
        Observation::Disconnected { count: 1 },
        Observation::Thread { from: Thread::None, to: Thread::Waiting },
        Observation::Thread { from: Thread::None, to: Thread::Waiting },
        Observation::Thread { from: Thread::Waiting, to: Thread::Running },
        Observation::ThreadLimit { more: 40 },
        Observation::LoopLate { ns: 3_000_000 },
    ] {
        metrics.observe(what);
    }
    let data = metrics.collect();
    for (name, expected) in [
        ("active_connections", 2),
        ("accepted_connections", 3),
        ("refused_connections", 1),
        ("threads.busy", 1),
        ("threads.queued", 1),
        ("threads.limit", 40),
    ] {
        assert_eq!(value(&data, &format!("wirespan.server.{name}")), expected, "{name}");
    }
    let lag = histograms(&data, "wirespan.server.loop.lag")[0];
    assert_eq!((lag.count, lag.sum), (1, 0.003));
}

#[test]
fn a_handler_cancelled_in_the_queue_leaves_it() {
    let metrics = Metrics::new(Options::default());
    let exchange = plain();
    metrics.head(&exchange);
    let from = exchange.in_thread(Thread::Waiting, 2_000_000);
    metrics.observe(Observation::Thread { from, to: Thread::Waiting });
    finish(&exchange, |_| {});
    metrics.finish(&exchange);
    assert_eq!(value(&metrics.collect(), "wirespan.server.threads.queued"), 0);
    // Had a thread taken it all the same, it would come and go now.
    for to in [Thread::Running, Thread::None] {
        let from = exchange.in_thread(to, 12_000_000);
        metrics.observe(Observation::Thread { from, to });
    }
    let data = metrics.collect();
    assert_eq!(value(&data, "wirespan.server.threads.queued"), 0);
    assert_eq!(value(&data, "wirespan.server.threads.busy"), 0);
}

#[test]
fn deltas_begin_where_the_last_report_arrived() {
    let metrics = Metrics::new(Options::default());
    let mut reporter = Reporter::new(Temporality::Delta);
    let durations = |report: &MetricsData| {
        let points = histograms(report, "http.server.request.duration");
        points.iter().map(|point| (point.count, point.buckets.iter().sum())).collect::<Vec<(u64, u64)>>()
    };
    count(&metrics, &plain(), |_| {});
    metrics.observe(Observation::Connected { is_refused: false });
    let first = metrics.collect();
    let report = reporter.report(&first);
    assert_eq!((durations(&report), report.delta_start_unix_ns), (vec![(1, 1)], first.start_unix_ns));
    // It does not arrive: the next one has it, too.
    count(&metrics, &plain(), |_| {});
    let second = metrics.collect();
    let report = reporter.report(&second);
    assert_eq!(
        (durations(&report), value(&report, "wirespan.server.accepted_connections")),
        (vec![(2, 2)], 1)
    );
    reporter.arrived(second.clone());
    count(&metrics, &plain(), |record| record.status = 404);
    let report = reporter.report(&metrics.collect());
    assert_eq!((durations(&report), report.delta_start_unix_ns), (vec![(1, 1)], second.time_unix_ns));
    assert_eq!(numbers(&report, "wirespan.server.accepted_connections"), [], "nothing new");
    assert_eq!(value(&report, "wirespan.server.active_connections"), 1, "not a count of events");
}

#[test]
fn deltas_find_points_that_moved() {
    let metrics = Metrics::new(Options::default());
    let mut reporter = Reporter::new(Temporality::Delta);
    let name = "otel.sdk.exporter.operation.duration";
    let exporter = Component::of_metrics(Encoding::Protobuf, None);
    metrics.note_report(&exporter, Ending::Status(503), Instant::now());
    reporter.arrived(metrics.collect());
    metrics.note_report(&exporter, Ending::Status(503), Instant::now());
    metrics.note_report(&exporter, Ending::Done(Some(200)), Instant::now());
    let mut data = metrics.collect();
    let operations = data.metrics.iter_mut().find(|metric| metric.name.as_str() == name).unwrap();
    let Points::Histogram(points) = &mut operations.points else { panic!("a histogram") };
    points.reverse();
    let report = reporter.report(&data);
    let counts: Vec<u64> = histograms(&report, name).iter().map(|point| point.count).collect();
    assert_eq!(counts, [1, 1]);
}

#[test]
fn cumulative_reports_are_what_was_collected() {
    let metrics = Metrics::new(Options::default());
    let mut reporter = Reporter::new(Temporality::Cumulative);
    for expected in 1..4 {
        count(&metrics, &plain(), |_| {});
        let collected = metrics.collect();
        let report = reporter.report(&collected);
        assert_eq!(histograms(&report, "http.server.request.duration")[0].count, expected);
        assert_eq!(numbers(&report, "wirespan.server.accepted_connections").len(), 1);
        reporter.arrived(collected);
    }
}

/// `cargo test --release -p wirespan-core metrics::tests::costs -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn costs() {
    use std::io::Write as _;
    let metrics = Metrics::new(Options { exemplars: ExemplarFilter::AlwaysOn, ..Options::default() });
    let route: Arc<str> = "/items/{id}".into();
    let exchange = plain();
    metrics.head(&exchange);
    finish(&exchange, |record| record.route = Some(route));
    let rounds = 1_000_000;
    let begin = std::time::Instant::now();
    for _ in 0..rounds {
        metrics.head(&exchange);
        metrics.finish(&exchange);
    }
    let ns = begin.elapsed().as_nanos() / rounds;
    writeln!(std::io::stderr(), "head and finish with exemplars: {ns} ns").unwrap();
}
