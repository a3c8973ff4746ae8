//! Bodies that the viewer's receiver reads.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use wirespan_receiver::{DecodeError, Decoded, Encoding, Recent, Signal, decode, inflate, number, reply};

const SIGNALS: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];

/// Columns that hold JSON; each table has some of them.
const JSON_COLUMNS: [&str; 7] =
    ["attributes", "events", "links", "dropped", "quantiles", "exemplars", "details"];

/// Bytes of a row beside what the body says: ids, times, offsets of texts.
const ROW_BYTES: usize = 2_048;
/// Escapes in JSON take six bytes for one, bounds of buckets eight for one, and builders grow by doubling.
const GROWTH: usize = 32;
const EMPTY_BYTES: usize = 256 * 1024;

/// Protobuf: tables that fit, or an error. What the official decoder takes we take, with each record counted.
///
/// # Panics
/// Where that does not hold.
pub fn protobuf(data: &[u8]) {
    for signal in SIGNALS {
        let ours = decode(signal, Encoding::Protobuf, data);
        if let Ok(decoded) = &ours {
            check(signal, decoded, data.len());
        }
        if let Some((official, records)) = official(signal, data) {
            match decode(signal, Encoding::Protobuf, &official) {
                Ok(decoded) => {
                    check(signal, &decoded, official.len());
                    assert_eq!(decoded.outcome.accepted + decoded.outcome.rejected, records);
                }
                Err(error) => assert!(matches!(error, DecodeError::TooLarge { .. }), "{error}"),
            }
        }
    }
}

/// JSON: tables that fit, or an error.
///
/// # Panics
/// Where that does not hold.
pub fn json(data: &[u8]) {
    for signal in SIGNALS {
        if let Ok(decoded) = decode(signal, Encoding::Json, data) {
            check(signal, &decoded, data.len());
        }
    }
}

/// gzip: never more than allowed.
///
/// # Panics
/// Where that does not hold.
pub fn gzip(data: &[u8]) {
    if let Ok(body) = inflate(data, 4_096) {
        assert!(body.len() <= 4_096);
        protobuf(&body);
    }
}

fn check(signal: Signal, decoded: &Decoded, length: usize) {
    let Decoded { records, resources, scopes, source_ids, outcome } = decoded;
    assert_eq!(records.num_rows(), outcome.accepted);
    assert_eq!(resources.num_rows() + scopes.num_rows(), source_ids.len());
    assert_eq!(outcome.reason.is_some(), outcome.rejected > 0);
    let bytes: usize = [records, resources, scopes].map(RecordBatch::get_array_memory_size).iter().sum();
    assert!(bytes <= EMPTY_BYTES + GROWTH * length + ROW_BYTES * outcome.accepted, "{bytes} of {length}");
    assert_eq!(number(records, i64::MAX).expect("numbers fit").num_rows(), outcome.accepted);
    for name in JSON_COLUMNS {
        let Some(column) = records.column_by_name(name) else { continue };
        for text in column.as_string::<i32>().iter().flatten() {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{name} is not JSON: {text}");
        }
    }
    let answer = reply::success(signal, Encoding::Json, outcome);
    assert!(serde_json::from_slice::<serde_json::Value>(&answer).is_ok());
    check_repeats(signal, decoded);
}

/// What came once does not come again.
fn check_repeats(signal: Signal, decoded: &Decoded) {
    if signal == Signal::Traces {
        let mut recent = Recent::default();
        let fresh: usize = recent.fresh(&decoded.records).iter().map(ExactSizeIterator::len).sum();
        assert!(fresh <= decoded.outcome.accepted && (fresh > 0 || decoded.outcome.accepted == 0));
        recent.keep(1);
        assert!(recent.fresh(&decoded.records).is_empty());
    }
}

/// The request as the official decoder understands it, encoded again, and how many records it has.
fn official(signal: Signal, data: &[u8]) -> Option<(Vec<u8>, usize)> {
    match signal {
        Signal::Traces => {
            let request = ExportTraceServiceRequest::decode(data).ok()?;
            let scopes = request.resource_spans.iter().flat_map(|group| &group.scope_spans);
            Some((request.encode_to_vec(), scopes.map(|scope| scope.spans.len()).sum()))
        }
        Signal::Logs => {
            let request = ExportLogsServiceRequest::decode(data).ok()?;
            let scopes = request.resource_logs.iter().flat_map(|group| &group.scope_logs);
            Some((request.encode_to_vec(), scopes.map(|scope| scope.log_records.len()).sum()))
        }
        Signal::Metrics => {
            let request = ExportMetricsServiceRequest::decode(data).ok()?;
            let scopes = request.resource_metrics.iter().flat_map(|group| &group.scope_metrics);
            let metrics = scopes.flat_map(|scope| &scope.metrics);
            Some((request.encode_to_vec(), metrics.map(points).sum()))
        }
    }
}

fn points(metric: &opentelemetry_proto::tonic::metrics::v1::Metric) -> usize {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    metric.data.as_ref().map_or(0, |data| match data {
        Data::Gauge(data) => data.data_points.len(),
        Data::Sum(data) => data.data_points.len(),
        Data::Histogram(data) => data.data_points.len(),
        Data::ExponentialHistogram(data) => data.data_points.len(),
        Data::Summary(data) => data.data_points.len(),
    })
}
