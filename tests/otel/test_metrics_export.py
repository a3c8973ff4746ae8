"""Metrics over real HTTP to a receiver that reads them with OpenTelemetry's own classes."""

import json
import logging
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from otel.receiver import Receiver
from wirespan import App, RequestContext
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry

CUMULATIVE, DELTA = 2, 1


def send(otel: OpenTelemetry, count: int = 1) -> None:
    app, done = App(), RecordingTracer()

    @app.get("/items/{id}")
    async def item(ctx: RequestContext) -> None:
        ctx.text("one")

    with TestClient(app, tracers=[done, otel]) as client:
        for _ in range(count):
            client.get("/items/7")
        done.wait(count)


def metrics_of(request: ExportMetricsServiceRequest) -> dict[str, Any]:
    [resource] = request.resource_metrics
    [scope] = resource.scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def attributes_of(point: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in point.attributes}


def durations(request: ExportMetricsServiceRequest) -> Any:
    return metrics_of(request)["http.server.request.duration"].histogram


def test_metrics_arrive_beside_spans() -> None:
    with Receiver() as receiver:
        otel = OpenTelemetry(service_name="shop", endpoint=receiver.url, headers={"api-key": "secret"})
        send(otel, 3)
        assert otel.close(10)
    headers = receiver.metrics_headers[0]
    assert (headers["api-key"], headers["content-type"]) == ("secret", "application/x-protobuf")
    request = receiver.metrics[-1]
    [resource] = request.resource_metrics
    attributes = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert attributes["service.name"] == "shop"
    assert attributes["service.instance.id"], "each process has metrics of its own"
    assert resource.scope_metrics[0].scope.name == "wirespan"
    histogram = durations(request)
    assert histogram.aggregation_temporality == CUMULATIVE
    [point] = histogram.data_points
    assert (point.count, sum(point.bucket_counts)) == (3, 3)
    assert list(point.explicit_bounds) == [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10
    ]  # fmt: skip
    assert point.start_time_unix_nano < point.time_unix_nano
    spans = [
        span
        for sent in receiver.requests
        for scope in sent.resource_spans[0].scope_spans
        for span in scope.spans
    ]
    assert point.sum == pytest.approx(
        sum(span.end_time_unix_nano - span.start_time_unix_nano for span in spans) / 1e9
    )
    ids = {(span.trace_id, span.span_id) for span in spans}
    points = [durations(sent).data_points[0] for sent in receiver.metrics]
    exemplars = [exemplar for point in points for exemplar in point.exemplars]
    assert exemplars
    assert {(exemplar.trace_id, exemplar.span_id) for exemplar in exemplars} <= ids


def test_the_exporters_own_health() -> None:
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url)
        send(otel, 3)
        assert otel.flush(10)
        assert otel.close(10)
    metrics = metrics_of(receiver.metrics[-1])

    def numbers(name: str) -> dict[str, int]:
        points = metrics[f"otel.sdk.{name}"].sum.data_points
        attributes = [{pair.key: pair.value.string_value for pair in point.attributes} for point in points]
        return {
            f"{each['otel.component.type']} {each.get('error.type', '')}".strip(): point.as_int
            for each, point in zip(attributes, points, strict=True)
        }

    assert numbers("processor.span.queue.capacity") == {"batching_span_processor": otel.status()["capacity"]}
    assert numbers("processor.span.queue.size") == {"batching_span_processor": 0}
    assert numbers("processor.span.processed") == {
        "batching_span_processor": 3,
        "batching_span_processor queue_full": 0,
        "batching_span_processor already_shutdown": 0,
    }
    assert numbers("exporter.span.inflight") == {"otlp_http_span_exporter": 0}
    exported = numbers("exporter.span.exported")
    assert exported.pop("otlp_http_span_exporter") == 3
    assert exported
    assert not any(exported.values())
    assert numbers("exporter.metric_data_point.exported")["otlp_http_metric_exporter"] > 0


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_what_exporters_count_names_their_receiver(protocol: Literal["http/protobuf", "http/json"]) -> None:
    """By the conventions of the SDK's metrics; processors and readers know no receiver."""
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url, protocol=protocol)
        send(otel)
        assert otel.flush(10)
        assert otel.close(10)
    json_word = "json_" if protocol == "http/json" else ""
    spans, reports = f"otlp_http_{json_word}span_exporter", f"otlp_http_{json_word}metric_exporter"
    address, port = receiver.url.removeprefix("http://").split(":")
    seen = {
        name: [attributes_of(point) for point in getattr(metric, metric.WhichOneof("data")).data_points]
        for name, metric in metrics_of(receiver.metrics[-1]).items()
        if name.startswith("otel.sdk.") and not name.startswith("otel.sdk.span.")
    }
    for name, points in seen.items():
        for point in points:
            assert point["otel.component.name"] == f"{point['otel.component.type']}/0"
            receiver_of = (point.get("server.address"), point.get("server.port"))
            is_exporter = name.startswith("otel.sdk.exporter.")
            assert receiver_of == ((address, int(port)) if is_exporter else (None, None)), name
    operations = seen["otel.sdk.exporter.operation.duration"]
    assert {point["otel.component.type"] for point in operations} == {spans, reports}
    assert all(point["http.response.status_code"] == 200 for point in operations)
    assert not any("error.type" in point for point in operations)


def test_spans_after_the_end_are_counted_as_such() -> None:
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url)
        assert otel.close(10)
        send(otel, 2)
    dropped = otel.status()["dropped"]
    assert {reason: count for reason, count in dropped.items() if count} == {"already_shutdown": 2}
    [processed] = [m for m in otel.collected_metrics() if m["name"] == "otel.sdk.processor.span.processed"]
    counts = {point["attributes"].get("error.type"): point["value"] for point in processed["points"]}
    assert counts == {None: 0, "queue_full": 0, "already_shutdown": 2}


@pytest.mark.parametrize("preference", ["delta", "lowmemory"])
def test_deltas(preference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference)
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url)
        send(otel, 2)
        assert otel.flush(10)
        send(otel, 3)
        assert otel.close(10)
    seen = [
        durations(request)
        for request in receiver.metrics
        if "http.server.request.duration" in metrics_of(request)
    ]
    points = [histogram.data_points[0] for histogram in seen]
    assert {histogram.aggregation_temporality for histogram in seen} == {DELTA}
    assert sum(point.count for point in points) == 5
    for before, after in pairwise(points):
        assert after.start_time_unix_nano >= before.time_unix_nano
    active = metrics_of(receiver.metrics[-1])["http.server.active_requests"].sum
    assert (active.aggregation_temporality, active.is_monotonic) == (CUMULATIVE, False)


def test_cumulative_counts_go_on() -> None:
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url)
        send(otel, 2)
        assert otel.flush(10)
        send(otel, 3)
        assert otel.close(10)
    points = [durations(request).data_points[0] for request in receiver.metrics]
    assert points[-1].count == 5
    assert len({point.start_time_unix_nano for point in points}) == 1


def test_a_new_process_is_another_instance() -> None:
    with Receiver() as receiver:
        for _ in range(2):
            otel = OpenTelemetry(endpoint=receiver.url)
            send(otel)
            assert otel.close(10)
    instances = {
        pair.value.string_value
        for request in receiver.metrics
        for pair in request.resource_metrics[0].resource.attributes
        if pair.key == "service.instance.id"
    }
    assert len(instances) == 2


def test_an_interval_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url)
        with TestClient(App(), tracers=[otel]):
            receiver.wait_for_metrics(3)
        otel.close(10)


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json")
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url)
        send(otel)
        assert otel.close(10)
    assert receiver.metrics_headers[0]["content-type"] == "application/json"
    assert durations(receiver.metrics[-1]).data_points[0].count == 1
    assert receiver.headers[0]["content-type"] == "application/x-protobuf", "spans are as they were"


def test_a_receiver_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as spans, Receiver() as metrics:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{metrics.url}/v1/metrics")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "api-key=numbers")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip")
        otel = OpenTelemetry(endpoint=spans.url, headers={"api-key": "spans"})
        send(otel)
        assert otel.close(10)
    assert (len(spans.requests), len(spans.metrics)) == (1, 0)
    assert metrics.metrics_headers[0]["api-key"] == "numbers"
    assert metrics.metrics_headers[0]["content-encoding"] == "gzip"


@pytest.mark.parametrize("name", ["none", "otlp"])
def test_the_variable_chooses_the_exporter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", name)
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url)
        send(otel)
        assert otel.close(10)
    assert bool(receiver.metrics) is (name == "otlp")
    assert len(receiver.requests) == 1


def test_metrics_without_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url, exporter="none", metrics="otlp")
        send(otel)
        assert otel.close(10)
    assert (len(receiver.requests), durations(receiver.metrics[-1]).data_points[0].count) == (0, 1)


def test_nothing_is_counted_when_the_sdk_is_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    otel = OpenTelemetry(exporter="memory", metrics=True)
    send(otel)
    assert otel.collected_metrics() == []


def test_a_receiver_that_is_down_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "wirespan"):
        otel = OpenTelemetry(endpoint="http://127.0.0.1:1", exporter="none", metrics="otlp")
        send(otel)
        assert otel.close(10)
    status = otel.status()["metrics"]
    assert (status["receiver"], status["exported"]) == ("down", 0)
    assert status["destination"] == "http://127.0.0.1:1/v1/metrics"
    assert status["superseded"] > 0
    assert "is not taking metrics" in caplog.text


def test_a_path_that_tells_nothing_is_warned_about(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    with caplog.at_level(logging.WARNING, "wirespan"):
        otel = OpenTelemetry(endpoint="http://127.0.0.1:1/ingest")
    assert "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" in caplog.text
    assert otel.status()["metrics"]["destination"] == "none"


def test_a_query_is_kept_and_not_shown() -> None:
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=f"{receiver.url}/v1/traces?key=secret")
        send(otel)
        assert otel.close(10)
    assert otel.status()["metrics"]["destination"] == f"{receiver.url}/v1/metrics"
    assert receiver.metrics_paths[0] == "/v1/metrics?key=secret"


def test_the_general_endpoint_is_good_for_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/ingest")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:2")
    assert OpenTelemetry().status()["metrics"]["destination"] == "http://127.0.0.1:2/v1/metrics"


def test_json_on_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    otel = OpenTelemetry(exporter="none", metrics="console")
    send(otel)
    assert otel.close(10)
    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    names = [metric["name"] for metric in line["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]]
    assert "http.server.request.duration" in names
    assert otel.status()["metrics"]["destination"] == "console"


def test_a_process_that_just_ends_sends_its_numbers(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom wirespan import App\nfrom wirespan.testing import TestClient\n"
        "from wirespan.tracers import OpenTelemetry\n"
        "with TestClient(App(), tracers=[OpenTelemetry(endpoint=sys.argv[1])]) as client:\n"
        "    client.get('/')\n    client.get('/')\n"
    )
    with Receiver() as receiver:
        subprocess.run(
            [sys.executable, "-c", code, receiver.url], cwd=tmp_path, env=os.environ, check=True, timeout=20
        )
    assert durations(receiver.metrics[-1]).data_points[0].count == 2


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("jaeger", ValueError, 'metrics: "jaeger" is not known; known are otlp, console, memory, none'),
        (3.5, TypeError, "metrics: True, False or one of"),
    ],
)
def test_wrong_arguments(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        OpenTelemetry(metrics=given)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "some"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "soon"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "both"),
    ],
)
def test_wrong_variables_are_warned_about(
    name: str, wrong: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(name, wrong)
    with caplog.at_level(logging.WARNING, "wirespan"):
        OpenTelemetry()
    [record] = caplog.records
    assert record.getMessage().startswith(name)
    assert wrong in record.getMessage()


def test_variables_that_cannot_be_obeyed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc")
    with pytest.raises(ValueError, match="grpc is not supported"):
        OpenTelemetry()
