"""Metrics of every kind through the store and out again: as they were sent."""

from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from viewer.official import parsed
from viewer.running import Running, running
from viewer.sender import T0, metrics, pairs

LINES = {"content-type": "application/x-ndjson"}


def points(request: ExportMetricsServiceRequest) -> list[tuple[object, ...]]:
    """Every data point with all that its metric, scope and resource say of it."""
    return sorted(
        (
            str(group.resource.attributes),
            scope.scope.name,
            scope.scope.version,
            metric.name,
            metric.unit,
            metric.description,
            kind := str(metric.WhichOneof("data")),
            getattr(data := getattr(metric, kind), "aggregation_temporality", 0),
            getattr(data, "is_monotonic", False),
            str(point),
        )
        for group in request.resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
        for point in getattr(metric, str(metric.WhichOneof("data"))).data_points
    )


def official(exported: str) -> ExportMetricsServiceRequest:
    (line,) = exported.splitlines()
    return parsed(line, ExportMetricsServiceRequest())


@pytest.fixture
def other() -> Iterator[Running]:
    with running() as run:
        yield run


def assert_kept(viewer: Running, other: Running, sent: ExportMetricsServiceRequest) -> None:
    viewer.post("/v1/metrics", sent.SerializeToString())
    exported = viewer.client.get("/api/export").text
    assert points(official(exported)) == points(sent)
    assert other.client.post("/api/import", content=exported, headers=LINES).status_code == 200
    assert other.client.get("/api/export").text == exported


def test_what_the_official_sdk_sends(viewer: Running, other: Running) -> None:
    """With exemplars, which it makes of what is measured in a sampled span."""
    reader = InMemoryMetricReader()
    exponential = View(instrument_name="sizes", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], resource=Resource({"service.name": "official"}), views=[exponential])
    meter = provider.get_meter("test", "1.0")
    instruments = (
        meter.create_counter("requests", unit="1", description="of everybody").add,
        meter.create_up_down_counter("open").add,
        meter.create_gauge("level").set,
        meter.create_histogram("duration", unit="s").record,
        meter.create_histogram("sizes", unit="By").record,
    )
    with TracerProvider().get_tracer("test").start_as_current_span("GET /"):
        for measure in instruments:
            for value in (3, 5):
                measure(value, {"route": "/", "kind": "whole"})
                measure(value + 0.25, {"route": "/b"})
    data = reader.get_metrics_data()
    assert data is not None
    provider.shutdown()
    sent = encode_metrics(data)
    text = str(sent)
    assert text.count("exemplars {") >= len(instruments)
    assert text.count("as_int") > 0
    assert text.count("exponential_histogram") == 1
    assert_kept(viewer, other, sent)


def test_what_no_sdk_sends(viewer: Running, other: Running) -> None:
    """Summaries, numbers that are none or that no double holds, points without a value, both halves."""
    request, place = metrics()
    summary = place.add(name="summary").summary.data_points.add(time_unix_nano=T0, count=3, sum=6.5, flags=1)
    for quantile, value in ((0.0, 1.0), (0.99, float("inf"))):
        summary.quantile_values.add(quantile=quantile, value=value)
    gauge = place.add(name="gauge").gauge.data_points
    gauge.add(time_unix_nano=T0, as_int=2**63 - 1, attributes=pairs({"a": 1}))
    gauge.add(time_unix_nano=T0, as_double=float("-inf"))
    gauge.add(time_unix_nano=T0, as_double=float("nan"), start_time_unix_nano=T0 - 1)
    gauge.add(time_unix_nano=T0, flags=1)
    point = place.add(name="both").exponential_histogram.data_points.add(
        time_unix_nano=T0, count=10, zero_count=1, zero_threshold=0.5, scale=-3, sum=2.5, min=-8.0, max=9.0
    )
    point.positive.offset, point.negative.offset = 2, -4
    point.positive.bucket_counts.extend([1, 2])
    point.negative.bucket_counts.extend([0, 6])
    plain = place.add(name="plain").histogram
    plain.aggregation_temporality = 1
    counted = plain.data_points.add(time_unix_nano=T0, count=4)
    counted.exemplars.extend(
        [Exemplar(time_unix_nano=T0, as_int=-7), Exemplar(span_id=b"\1" * 8, as_double=0.5), Exemplar()]
    )
    assert_kept(viewer, other, request)
