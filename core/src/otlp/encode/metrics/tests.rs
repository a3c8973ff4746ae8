//! What we encode, read back by the official messages.

use std::io::Read as _;
use std::sync::Arc;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, exemplar, metric, number_data_point};
use prost::Message as _;

use super::MetricsEncoder;
use crate::otlp::Encoding;
use crate::otlp::metric::{
    Exemplar, HistogramPoint, MetricData, MetricsData, NumberPoint, Points, Temporality,
};
use crate::otlp::span::Resource;

fn data(temporality: Temporality) -> MetricsData {
    let attributes = Arc::new(vec![("http.route".into(), "/ünï".into()), ("code".into(), 200.into())]);
    let number = |value| NumberPoint { attributes: Arc::clone(&attributes), value };
    let metric = |name: &'static str, points| MetricData {
        name: name.into(),
        description: "what it says".into(),
        unit: "s".into(),
        points,
    };
    let exemplars = vec![
        Exemplar { time_unix_ns: 9, value: 0.25, span: Some(([0xab; 16], [0xcd; 8])) },
        Exemplar { time_unix_ns: 8, value: 1.0, span: None },
    ];
    let histogram = HistogramPoint {
        attributes: Arc::clone(&attributes),
        count: 300,
        sum: 12.5,
        extremes: Some((0.0, 0.25)),
        bounds: Arc::from([0.005, 0.1]),
        buckets: vec![299, 0, 1],
        exemplars,
    };
    let bare = HistogramPoint { extremes: None, exemplars: Vec::new(), ..histogram.clone() };
    MetricsData {
        start_unix_ns: 1_000,
        delta_start_unix_ns: 2_000,
        time_unix_ns: 3_000,
        temporality,
        metrics: vec![
            metric("counter", Points::Counter(vec![number(0), number(i64::MAX)])),
            metric("nothing", Points::Counter(Vec::new())),
            metric("up-down", Points::UpDownCounter(vec![number(-3)])),
            metric("histogram", Points::Histogram(vec![histogram, bare])),
        ],
    }
}

fn decoded(encoding: Encoding, is_gzip: bool, data: &MetricsData) -> Vec<Metric> {
    let resource = Resource {
        attributes: vec![("service.name".into(), "shop".into())],
        schema_url: "https://opentelemetry.io/schemas/1.44.0".into(),
        instance: None,
    };
    let batch = MetricsEncoder::new(&resource, encoding, is_gzip).encode(data);
    assert_eq!(batch.spans, 5);
    let mut body = batch.body.bytes().into_owned();
    if is_gzip {
        body.clear();
        GzDecoder::new(&*batch.body.bytes()).read_to_end(&mut body).unwrap();
    }
    let request: ExportMetricsServiceRequest = match encoding {
        Encoding::Protobuf => ExportMetricsServiceRequest::decode(&body[..]).unwrap(),
        Encoding::Json => serde_json::from_slice(&body).unwrap(),
    };
    let [of_resource] = &request.resource_metrics[..] else { panic!("one resource") };
    assert_eq!(of_resource.schema_url, resource.schema_url.as_str());
    assert_eq!(of_resource.resource.as_ref().unwrap().attributes[0].key, "service.name");
    let [of_scope] = &of_resource.scope_metrics[..] else { panic!("one scope") };
    assert_eq!(of_scope.scope.as_ref().unwrap().name, "wirespan");
    of_scope.metrics.clone()
}

#[test]
fn both_encodings_are_read_back_the_same() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let data = data(temporality);
        let protobuf = decoded(Encoding::Protobuf, true, &data);
        assert_eq!(protobuf, decoded(Encoding::Json, false, &data));
        assert_eq!(
            protobuf.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
            ["counter", "up-down", "histogram"]
        );
        let start = if temporality == Temporality::Delta { 2_000 } else { 1_000 };
        let Some(metric::Data::Sum(counter)) = &protobuf[0].data else { panic!("a counter is a sum") };
        assert_eq!((counter.aggregation_temporality, counter.is_monotonic), (temporality as i32, true));
        let point = &counter.data_points[1];
        assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (start, 3_000));
        assert_eq!(point.value, Some(number_data_point::Value::AsInt(i64::MAX)));
        assert_eq!(point.attributes.len(), 2);
        let Some(metric::Data::Sum(up_down)) = &protobuf[1].data else { panic!("so is an up-down counter") };
        assert_eq!((up_down.aggregation_temporality, up_down.is_monotonic), (2, false));
        assert_eq!(up_down.data_points[0].start_time_unix_nano, 1_000);
    }
}

#[test]
fn histograms_keep_everything() {
    let metrics = decoded(Encoding::Protobuf, false, &data(Temporality::Cumulative));
    assert_eq!((metrics[2].description.as_str(), metrics[2].unit.as_str()), ("what it says", "s"));
    let Some(metric::Data::Histogram(histogram)) = &metrics[2].data else { panic!("a histogram") };
    assert_eq!(histogram.aggregation_temporality, 2);
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.sum, point.min, point.max), (300, Some(12.5), Some(0.0), Some(0.25)));
    assert_eq!((&point.bucket_counts[..], &point.explicit_bounds[..]), (&[299, 0, 1][..], &[0.005, 0.1][..]));
    let exemplar = &point.exemplars[0];
    assert_eq!((&exemplar.trace_id[..], &exemplar.span_id[..]), (&[0xab; 16][..], &[0xcd; 8][..]));
    assert_eq!((exemplar.time_unix_nano, exemplar.value), (9, Some(exemplar::Value::AsDouble(0.25))));
    assert!(point.exemplars[1].trace_id.is_empty());
    assert_eq!(histogram.data_points[1].min, None);
}
