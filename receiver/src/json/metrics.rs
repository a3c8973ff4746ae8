//! Metrics.

use serde::Deserialize;

use super::scalars::{Double, Int, List, Text, Uint};
use super::values::AttributeList;
use super::{parse, walk};
use crate::error::DecodeError;
use crate::limits::{MAX_BUCKETS, MAX_PARTS, MAX_RECORDS};
use crate::model::{Buckets, Exemplar, Exponential, Metric, Number, Point, Side, Source};
use crate::table::{Metrics, Sources};

/// `ExportMetricsServiceRequest` into the table.
pub(crate) fn read_metrics(
    body: &[u8],
    sources: &mut Sources,
    metrics: &mut Metrics,
) -> Result<(), DecodeError> {
    walk(body, |request| request.metrics, sources, |source, text| push_metric(parse(text)?, source, metrics))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct JsonMetric<'a> {
    name: Text<'a>,
    description: Text<'a>,
    unit: Text<'a>,
    gauge: Option<Data<'a>>,
    sum: Option<Data<'a>>,
    histogram: Option<Data<'a>>,
    exponential_histogram: Option<Data<'a>>,
    summary: Option<Data<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct Data<'a> {
    #[serde(rename = "dataPoints")]
    points: List<JsonPoint<'a>, MAX_RECORDS>,
    aggregation_temporality: Int,
    is_monotonic: Option<bool>,
}

/// A data point of any kind: each kind has some of these.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct JsonPoint<'a> {
    attributes: AttributeList<'a>,
    start_time_unix_nano: Uint,
    time_unix_nano: Uint,
    flags: Uint,
    as_double: Option<Double>,
    as_int: Option<Int>,
    count: Option<Uint>,
    sum: Option<Double>,
    min: Option<Double>,
    max: Option<Double>,
    bucket_counts: Counts,
    explicit_bounds: List<Double, MAX_BUCKETS>,
    scale: Int,
    zero_count: Uint,
    zero_threshold: Double,
    positive: Option<JsonSide>,
    negative: Option<JsonSide>,
    quantile_values: List<JsonQuantile, MAX_PARTS>,
    exemplars: List<JsonExemplar<'a>, MAX_PARTS>,
}

/// One more than a histogram may have, so that too many are seen.
type Counts = List<Uint, { MAX_BUCKETS + 1 }>;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JsonSide {
    offset: Int,
    bucket_counts: Counts,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonQuantile {
    quantile: Double,
    value: Double,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct JsonExemplar<'a> {
    filtered_attributes: AttributeList<'a>,
    time_unix_nano: Uint,
    as_double: Option<Double>,
    as_int: Option<Int>,
    span_id: Text<'a>,
    trace_id: Text<'a>,
}

fn push_metric(json: JsonMetric<'_>, source: &Source, metrics: &mut Metrics) -> Result<(), DecodeError> {
    let kinds = [
        ("gauge", json.gauge),
        ("sum", json.sum),
        ("histogram", json.histogram),
        ("exponential_histogram", json.exponential_histogram),
        ("summary", json.summary),
    ];
    let Some((kind, data)) = kinds.into_iter().find_map(|(kind, data)| Some((kind, data?))) else {
        return Ok(());
    };
    let metric = Metric {
        name: json.name.0,
        unit: json.unit.0,
        description: json.description.0,
        kind,
        temporality: data.aggregation_temporality.0,
        monotonic: (kind == "sum").then_some(data.is_monotonic.unwrap_or_default()),
    };
    for point in data.points.all("data points")? {
        metrics.push(source, &metric, &convert(point, kind))?;
    }
    Ok(())
}

fn convert<'a>(json: JsonPoint<'a>, kind: &str) -> Point<'a> {
    let is_number = matches!(kind, "gauge" | "sum");
    let double = |value: Option<Double>| value.map(|value| value.0);
    let mut point = Point {
        time_ns: json.time_unix_nano.0,
        start_ns: json.start_time_unix_nano.0,
        flags: json.flags.as_u32(),
        attributes: json.attributes.into(),
        exemplars: json.exemplars.items.into_iter().map(Exemplar::from).collect(),
        ..Point::default()
    };
    if is_number {
        point.value = number(json.as_double, json.as_int);
        return point;
    }
    point.count = Some(json.count.unwrap_or_default().0);
    point.sum = double(json.sum);
    point.min = double(json.min);
    point.max = double(json.max);
    match kind {
        "histogram" => {
            let bounds = json.explicit_bounds.items.into_iter().map(|bound| bound.0).collect();
            point.buckets = Some(Buckets { bounds, counts: numbers(json.bucket_counts) });
        }
        "exponential_histogram" => {
            let exponential = Exponential {
                scale: int32(json.scale),
                zero_count: json.zero_count.0,
                zero_threshold: json.zero_threshold.0,
                positive: side(json.positive),
                negative: side(json.negative),
            };
            point.buckets = Some(exponential.to_buckets());
            point.exponential = Some(exponential);
        }
        _ => {
            point.sum = point.sum.or(Some(0.0));
            point.quantiles =
                json.quantile_values.items.into_iter().map(|pair| (pair.quantile.0, pair.value.0)).collect();
        }
    }
    point
}

fn number(double: Option<Double>, int: Option<Int>) -> Option<Number> {
    double.map(|value| Number::Double(value.0)).or_else(|| int.map(|value| Number::Int(value.0)))
}

fn numbers(list: Counts) -> Vec<u64> {
    list.items.into_iter().map(|count| count.0).collect()
}

fn side(json: Option<JsonSide>) -> Side {
    let json = json.unwrap_or_default();
    Side { offset: int32(json.offset), counts: numbers(json.bucket_counts) }
}

/// Saturates: no sender has buckets there.
fn int32(value: Int) -> i32 {
    i32::try_from(value.0).unwrap_or(if value.0 < 0 { i32::MIN } else { i32::MAX })
}

impl<'a> From<JsonExemplar<'a>> for Exemplar<'a> {
    fn from(json: JsonExemplar<'a>) -> Self {
        Self {
            time_ns: json.time_unix_nano.0,
            value: number(json.as_double, json.as_int),
            trace_id: json.trace_id.trace_id(),
            span_id: json.span_id.span_id(),
            attributes: json.filtered_attributes.into(),
        }
    }
}
