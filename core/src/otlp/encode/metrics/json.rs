//! Metrics as `ExportMetricsServiceRequest` in JSON: the rules of OTLP 1.x, "JSON Protobuf Encoding".

use crate::otlp::encode::json::{self, Writer};
use crate::otlp::metric::{Exemplar, HistogramPoint, MetricData, MetricsData, NumberPoint, Points};
use crate::otlp::span::{Resource, Scope};

pub(super) fn request(resource: &Resource, scope: &Scope, data: &MetricsData) -> Vec<u8> {
    let mut out = Vec::new();
    Writer(&mut out).object(|writer| {
        writer.list("resourceMetrics", [()], |writer, ()| {
            writer.0.extend_from_slice(&json::resource(resource));
            writer.list("scopeMetrics", [()], |writer, ()| scope_metrics(writer, scope, data));
            writer.text("schemaUrl", &resource.schema_url);
        });
    });
    out
}

fn scope_metrics(writer: &mut Writer<'_>, scope: &Scope, data: &MetricsData) {
    writer.0.extend_from_slice(&json::scope(scope));
    let metrics = data.metrics.iter().filter(|metric| !metric.points.is_empty());
    writer.list("metrics", metrics, |writer, each| metric(writer, each, data));
    writer.text("schemaUrl", &scope.schema_url);
}

fn metric(writer: &mut Writer<'_>, metric: &MetricData, data: &MetricsData) {
    writer.text("name", &metric.name);
    writer.text("description", &metric.description);
    writer.text("unit", &metric.unit);
    let (temporality, start_unix_ns) = data.period(&metric.points);
    let put_period = |writer: &mut Writer<'_>| {
        writer.quoted("startTimeUnixNano", start_unix_ns);
        writer.quoted("timeUnixNano", data.time_unix_ns);
    };
    let kind = if matches!(metric.points, Points::Histogram(_)) { "histogram" } else { "sum" };
    writer.member(kind, |writer| {
        match &metric.points {
            Points::Counter(points) | Points::UpDownCounter(points) => {
                writer.list("dataPoints", points, |writer, point| {
                    put_period(writer);
                    number(writer, point);
                });
            }
            Points::Histogram(points) => writer.list("dataPoints", points, |writer, point| {
                put_period(writer);
                histogram(writer, point);
            }),
        }
        writer.raw("aggregationTemporality", temporality as u8);
        if matches!(metric.points, Points::Counter(_)) {
            writer.raw("isMonotonic", true);
        }
    });
}

fn number(writer: &mut Writer<'_>, point: &NumberPoint) {
    writer.quoted("asInt", point.value);
    writer.attributes(&point.attributes);
}

fn histogram(writer: &mut Writer<'_>, point: &HistogramPoint) {
    writer.quoted("count", point.count);
    writer.raw("sum", format_args!("{:?}", point.sum));
    let buckets: Vec<String> = point.buckets.iter().map(|count| format!("\"{count}\"")).collect();
    writer.raw("bucketCounts", format_args!("[{}]", buckets.join(",")));
    let bounds: Vec<String> = point.bounds.iter().map(|bound| format!("{bound:?}")).collect();
    writer.raw("explicitBounds", format_args!("[{}]", bounds.join(",")));
    if !point.exemplars.is_empty() {
        writer.list("exemplars", &point.exemplars, exemplar);
    }
    writer.attributes(&point.attributes);
    if let Some((least, most)) = point.extremes {
        writer.raw("min", format_args!("{least:?}"));
        writer.raw("max", format_args!("{most:?}"));
    }
}

fn exemplar(writer: &mut Writer<'_>, exemplar: &Exemplar) {
    writer.quoted("timeUnixNano", exemplar.time_unix_ns);
    writer.raw("asDouble", format_args!("{:?}", exemplar.value));
    if let Some((trace_id, span_id)) = &exemplar.span {
        writer.hex("spanId", span_id);
        writer.hex("traceId", trace_id);
    }
}
