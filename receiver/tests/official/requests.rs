//! Requests made of the official messages.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

const TRACE_ID: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 16, 16, 16, 16, 16, 16, 16, 16];
const LINKED: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

fn resource() -> Resource {
    Resource {
        attributes: vec![text("service.name", "shop"), text("host.name", "web")],
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "wirespan".to_owned(),
        version: "0.1".to_owned(),
        ..InstrumentationScope::default()
    }
}

/// One request with these spans.
pub(crate) fn traces(spans: &[Span]) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans: spans.to_vec(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

/// A span that has something in each field.
pub(crate) fn span(number: u64) -> Span {
    Span {
        trace_id: TRACE_ID.to_vec(),
        span_id: number.to_be_bytes().to_vec(),
        trace_state: "a=b".to_owned(),
        parent_span_id: 9u64.to_be_bytes().to_vec(),
        flags: 0x101,
        name: "GET /users/{id}".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_000_000,
        end_time_unix_nano: 1_500_000,
        attributes: attributes(),
        dropped_attributes_count: 3,
        events: vec![Event {
            time_unix_nano: 1_000_001,
            name: "exception".to_owned(),
            attributes: vec![text("exception.type", "ValueError")],
            dropped_attributes_count: 0,
        }],
        dropped_events_count: 0,
        links: vec![Link {
            trace_id: LINKED.to_vec(),
            span_id: 7u64.to_be_bytes().to_vec(),
            attributes: vec![text("why", "retry")],
            ..Link::default()
        }],
        dropped_links_count: 4,
        status: Some(Status { message: "broken".to_owned(), code: 2 }),
    }
}

fn attributes() -> Vec<KeyValue> {
    let inner = KeyValueList { values: vec![pair("deep", Value::IntValue(1))] };
    let list = ArrayValue {
        values: vec![any(Value::IntValue(1)), any(Value::StringValue("two".to_owned())), AnyValue::default()],
    };
    vec![
        text("http.request.method", "GET"),
        text("http.route", "/users/{id}"),
        text("url.path", "/users/7"),
        pair("http.response.status_code", Value::IntValue(500)),
        text("wirespan.end_reason", "completed"),
        pair("wirespan.state.queue_ns", Value::IntValue(10)),
        text("wirespan.state.timeline", "queue=10,run=20"),
        text("quoted \"\\\n\u{1}", "tab\t"),
        pair("half", Value::DoubleValue(0.5)),
        pair("yes", Value::BoolValue(true)),
        pair("raw", Value::BytesValue(vec![1, 2])),
        pair("nan", Value::DoubleValue(f64::NAN)),
        pair("list", Value::ArrayValue(list)),
        pair(
            "map",
            Value::KvlistValue(KeyValueList { values: vec![pair("inner", Value::KvlistValue(inner))] }),
        ),
        KeyValue { key: "nothing".to_owned(), ..KeyValue::default() },
    ]
}

/// A span with nothing but ids, times and these attributes.
pub(crate) fn span_with(pairs: &[(&str, &str)]) -> Span {
    Span {
        trace_id: TRACE_ID.to_vec(),
        span_id: vec![1; 8],
        start_time_unix_nano: 1,
        attributes: pairs.iter().map(|(key, value)| text(key, value)).collect(),
        ..Span::default()
    }
}

/// A span whose attribute is an array in an array, so many times.
pub(crate) fn deep_span(depth: usize) -> Span {
    let mut value = AnyValue::default();
    for _ in 0..depth {
        value = any(Value::ArrayValue(ArrayValue { values: vec![value] }));
    }
    let mut span = span_with(&[]);
    span.attributes.push(KeyValue { key: "deep".to_owned(), value: Some(value), ..KeyValue::default() });
    span
}

/// A message as field `number` of another one.
pub(crate) fn wrap(number: u8, message: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    prost::encoding::encode_varint(message.len() as u64, &mut out);
    out.extend_from_slice(message);
    out
}

/// A data point of each kind.
pub(crate) fn metrics() -> ExportMetricsServiceRequest {
    let number =
        |value| NumberDataPoint { time_unix_nano: 5, value: Some(value), ..NumberDataPoint::default() };
    let gauge = Gauge { data_points: vec![number(number_data_point::Value::AsDouble(1.5))] };
    let mut counted = number(number_data_point::Value::AsInt(7));
    counted.exemplars = vec![Exemplar {
        time_unix_nano: 4,
        trace_id: LINKED.to_vec(),
        span_id: vec![1; 8],
        value: Some(exemplar::Value::AsInt(3)),
        filtered_attributes: vec![text("a", "b")],
    }];
    let sum = Sum { data_points: vec![counted], aggregation_temporality: 2, is_monotonic: true };
    let histogram = Histogram {
        aggregation_temporality: 1,
        data_points: vec![HistogramDataPoint {
            time_unix_nano: 5,
            start_time_unix_nano: 2,
            count: 6,
            sum: Some(9.0),
            bucket_counts: vec![1, 2, 3],
            explicit_bounds: vec![1.0, 5.0],
            max: Some(8.0),
            flags: 1,
            ..HistogramDataPoint::default()
        }],
    };
    let summary = Summary {
        data_points: vec![SummaryDataPoint {
            time_unix_nano: 5,
            count: 1,
            sum: 3.0,
            quantile_values: vec![ValueAtQuantile { quantile: 0.5, value: 3.0 }],
            ..SummaryDataPoint::default()
        }],
    };
    let data = [
        Data::Gauge(gauge),
        Data::Sum(sum),
        Data::Histogram(histogram),
        Data::ExponentialHistogram(exponential()),
        Data::Summary(summary),
    ];
    let metrics = data.into_iter().map(|data| Metric {
        name: "m".to_owned(),
        unit: "s".to_owned(),
        description: "d".to_owned(),
        data: Some(data),
        ..Metric::default()
    });
    let scope_metrics =
        ScopeMetrics { scope: Some(scope()), metrics: metrics.collect(), schema_url: String::new() };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource()),
            scope_metrics: vec![scope_metrics],
            schema_url: String::new(),
        }],
    }
}

fn exponential() -> ExponentialHistogram {
    ExponentialHistogram {
        aggregation_temporality: 1,
        data_points: vec![ExponentialHistogramDataPoint {
            time_unix_nano: 5,
            count: 22,
            scale: 0,
            zero_count: 5,
            zero_threshold: 0.5,
            negative: Some(Buckets { offset: 0, bucket_counts: vec![4] }),
            positive: Some(Buckets { offset: 1, bucket_counts: vec![6, 7] }),
            ..ExponentialHistogramDataPoint::default()
        }],
    }
}

/// A log record with a span, one without, and one without a time.
pub(crate) fn logs() -> ExportLogsServiceRequest {
    let body = KeyValueList { values: vec![pair("k", Value::IntValue(1))] };
    let records = vec![
        LogRecord {
            time_unix_nano: 5,
            severity_number: 9,
            severity_text: "INFO".to_owned(),
            body: Some(any(Value::StringValue("something happened".to_owned()))),
            trace_id: TRACE_ID.to_vec(),
            span_id: 1u64.to_be_bytes().to_vec(),
            attributes: vec![text("a", "b")],
            ..LogRecord::default()
        },
        LogRecord {
            observed_time_unix_nano: 77,
            body: Some(any(Value::KvlistValue(body))),
            ..LogRecord::default()
        },
        LogRecord::default(),
    ];
    let scope_logs = ScopeLogs { scope: Some(scope()), log_records: records, schema_url: String::new() };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource()),
            scope_logs: vec![scope_logs],
            schema_url: String::new(),
        }],
    }
}
