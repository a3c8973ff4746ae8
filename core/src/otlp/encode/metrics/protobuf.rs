//! Metrics as `ExportMetricsServiceRequest` in protobuf. Field numbers: `opentelemetry/proto/metrics/v1/metrics.proto`.

use crate::otlp::encode::protobuf::{self, attributes};
use crate::otlp::encode::wire::Writer;
use crate::otlp::metric::{Exemplar, HistogramPoint, MetricData, MetricsData, NumberPoint, Points};
use crate::otlp::span::{Resource, Scope};

/// A metric has mostly between 128 and 16,383 bytes.
const ROOM: usize = 2;

/// Begin and end of what a point counts.
#[derive(Clone, Copy, Debug)]
struct Period {
    start_unix_ns: u64,
    time_unix_ns: u64,
}

pub(super) fn request(resource: &Resource, scope: &Scope, data: &MetricsData) -> Vec<u8> {
    let mut out = Vec::new();
    let head = protobuf::resource(resource);
    // Resource, scope and schema have the same numbers as around spans.
    protobuf::request(&mut out, &head, &resource.schema_url, 0, |message| {
        message.message(2, ROOM, |message| {
            message.0.extend_from_slice(&protobuf::scope(scope));
            for each in data.metrics.iter().filter(|metric| !metric.points.is_empty()) {
                message.message(2, ROOM, |message| metric(message, each, data));
            }
            message.text(3, &scope.schema_url);
        });
    });
    out
}

fn metric(message: &mut Writer<'_>, metric: &MetricData, data: &MetricsData) {
    message.text(1, &metric.name);
    message.text(2, &metric.description);
    message.text(3, &metric.unit);
    let (temporality, start_unix_ns) = data.period(&metric.points);
    let period = Period { start_unix_ns, time_unix_ns: data.time_unix_ns };
    let field = if matches!(metric.points, Points::Histogram(_)) { 9 } else { 7 };
    message.message(field, ROOM, |message| {
        match &metric.points {
            Points::Counter(points) | Points::UpDownCounter(points) => {
                for each in points {
                    message.message(1, 1, |message| number(message, each, period));
                }
            }
            Points::Histogram(points) => {
                for each in points {
                    message.message(1, ROOM, |message| histogram(message, each, period));
                }
            }
        }
        message.number(2, temporality as u64);
        if matches!(metric.points, Points::Counter(_)) {
            message.number(3, 1);
        }
    });
}

fn put_period(message: &mut Writer<'_>, period: Period) {
    message.fixed64(2, period.start_unix_ns.to_le_bytes());
    message.fixed64(3, period.time_unix_ns.to_le_bytes());
}

fn number(message: &mut Writer<'_>, point: &NumberPoint, period: Period) {
    put_period(message, period);
    message.fixed64(6, point.value.to_le_bytes());
    attributes(message, 7, &point.attributes);
}

fn histogram(message: &mut Writer<'_>, point: &HistogramPoint, period: Period) {
    put_period(message, period);
    message.fixed64(4, point.count.to_le_bytes());
    message.fixed64(5, point.sum.to_le_bytes());
    let buckets: Vec<u8> = point.buckets.iter().flat_map(|count| count.to_le_bytes()).collect();
    message.bytes(6, &buckets);
    let bounds: Vec<u8> = point.bounds.iter().flat_map(|bound| bound.to_le_bytes()).collect();
    message.bytes(7, &bounds);
    for each in &point.exemplars {
        message.message(8, 1, |message| exemplar(message, each));
    }
    attributes(message, 9, &point.attributes);
    if let Some((least, most)) = point.extremes {
        message.fixed64(11, least.to_le_bytes());
        message.fixed64(12, most.to_le_bytes());
    }
}

fn exemplar(message: &mut Writer<'_>, exemplar: &Exemplar) {
    message.fixed64(2, exemplar.time_unix_ns.to_le_bytes());
    message.fixed64(3, exemplar.value.to_le_bytes());
    if let Some((trace_id, span_id)) = &exemplar.span {
        message.bytes(4, span_id);
        message.bytes(5, trace_id);
    }
}
