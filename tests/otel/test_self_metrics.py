"""Numbers that the exporter tells about itself, beside those of the official SDK."""

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData, NumberDataPoint
from opentelemetry.sdk.trace import TracerProvider as SdkProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, Tracer, set_span_in_context

from otel.receiver import Receiver
from wirespan import App
from wirespan.opentelemetry import TracerProvider, status
from wirespan.testing import TestClient
from wirespan.tracers import OpenTelemetry

Numbers = dict[tuple[tuple[str, Any], ...], int]

SPANS = ["otel.sdk.span.started", "otel.sdk.span.live"]


def numbers_of(otel: OpenTelemetry, name: str) -> Numbers:
    found = [metric for metric in otel.collected_metrics() if metric["name"] == name]
    return {
        tuple(sorted(point["attributes"].items())): point["value"]
        for metric in found
        for point in metric["points"]
    }


def theirs(reader: InMemoryMetricReader, name: str) -> Numbers:
    data = reader.get_metrics_data()
    assert isinstance(data, MetricsData)
    metrics = [metric for scope in data.resource_metrics[0].scope_metrics for metric in scope.metrics]
    points = [point for metric in metrics if metric.name == name for point in metric.data.data_points]
    numbers = [point for point in points if isinstance(point, NumberDataPoint)]
    return {tuple(sorted((point.attributes or {}).items())): int(point.value) for point in numbers}


def use(tracer: Tracer) -> list[Any]:
    """Spans of every kind; the last one does not end before the caller forgets it."""
    remote = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    unsampled = SpanContext(3, 4, is_remote=True)
    with tracer.start_as_current_span("root"), tracer.start_as_current_span("child"):
        pass
    for context in (remote, unsampled):
        with (
            tracer.start_as_current_span("called", set_span_in_context(NonRecordingSpan(context))),
            tracer.start_as_current_span("child"),
        ):
            pass
    return [tracer.start_span("open")]


@pytest.mark.parametrize(
    ("name", "sampler"),
    [("always_on", ALWAYS_ON), ("always_off", ALWAYS_OFF), ("parentbased_always_on", ParentBased(ALWAYS_ON))],
)
def test_spans_are_counted_as_the_sdk_counts_them(
    name: str, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = InMemoryMetricReader()
    sdk = SdkProvider(sampler=sampler, meter_provider=MeterProvider([reader]))
    kept = use(sdk.get_tracer("shop"))
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)
    otel = OpenTelemetry(exporter="memory")
    kept += use(TracerProvider(otel).get_tracer("shop"))
    started = theirs(reader, SPANS[0])
    assert sum(started.values()) == len(kept) // 2 + 6
    assert numbers_of(otel, SPANS[0]) == started
    assert numbers_of(otel, SPANS[1]) == theirs(reader, SPANS[1])


def test_requests_begin_and_end_spans() -> None:
    otel = OpenTelemetry(exporter="memory", keep_errors=True)
    app = App()
    live: list[Numbers] = []

    @app.get("/")
    async def index(ctx: Any) -> None:
        live.append(numbers_of(otel, SPANS[1]))
        ctx.text("hello")

    with TestClient(app, tracers=[otel]) as client:
        client.get("/")
        client.get("/", headers={"traceparent": f"00-{1:032x}-{2:016x}-01"})
    recorded = ("otel.span.sampling_result", "RECORD_AND_SAMPLE")
    assert live == [{(recorded,): 1}] * 2
    assert numbers_of(otel, SPANS[0]) == {
        (("otel.span.parent.origin", origin), recorded): 1 for origin in ("none", "remote")
    }
    assert numbers_of(otel, SPANS[1]) == {(recorded,): 0}
    assert (otel.status()["started"], otel.status()["live"]) == (2, 0)
    assert any((each.get("started"), each.get("live")) == (2, 0) for each in status())


def test_what_is_ignored_is_not_live() -> None:
    otel = OpenTelemetry(exporter="memory", ignore=["/health"])
    with TestClient(App(), tracers=[otel]) as client:
        client.get("/health")
    assert sum(numbers_of(otel, SPANS[0]).values()) == 1
    assert sum(numbers_of(otel, SPANS[1]).values()) == 0


def test_operations_name_their_receiver_and_how_they_ended() -> None:
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url)
        with TestClient(App(), tracers=[otel]) as client:
            client.get("/")
        assert otel.flush(10)
        [metric] = [
            m for m in otel.collected_metrics() if m["name"] == "otel.sdk.exporter.operation.duration"
        ]
        assert otel.close(10)
    host, port = receiver.url.removeprefix("http://").split(":")
    points = {point["attributes"]["otel.component.type"]: point for point in metric["points"]}
    assert set(points) == {"otlp_http_span_exporter", "otlp_http_metric_exporter"}
    for name, point in points.items():
        assert point["attributes"] == {
            "otel.component.type": name,
            "otel.component.name": f"{name}/0",
            "server.address": host,
            "server.port": int(port),
            "http.response.status_code": 200,
        }
        assert point["count"] >= 1
        assert point["sum"] > 0
