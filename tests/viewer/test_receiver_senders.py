"""What other people's programs send, and our own."""

from typing import Literal

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, StatusCode

from harness import DEADLINE_S
from wirespan import App, RequestContext
from wirespan.testing import TestClient
from wirespan.tracers import OpenTelemetry
from wirespan.viewer.store import Store

RESOURCE = Resource.create({"service.name": "official"})


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_official_sdk_sends_spans(client: TestClient, store: Store, compression: Compression) -> None:
    """The first sender that anybody tries."""
    exporter = OTLPSpanExporter(f"{client.base_url}/v1/traces", compression=compression)
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test", "1.0")
    with tracer.start_as_current_span("GET /", kind=SpanKind.SERVER) as server:
        server.set_attribute("http.route", "/")
        with pytest.raises(ValueError, match="broken"), tracer.start_as_current_span("work"):
            raise ValueError("broken")
    with tracer.start_as_current_span("later", links=[Link(server.get_span_context())]):
        pass
    provider.shutdown()
    rows = {
        row[0]: row[1:] for row in store.read("SELECT name, parent_id, status, error_type, scope FROM spans")
    }
    span_id = f"{server.get_span_context().span_id:016x}"
    assert rows["GET /"] == (None, 0, None, "test@1.0")
    assert rows["work"] == (span_id, StatusCode.ERROR.value, "ValueError", "test@1.0")
    assert store.read(
        "SELECT json_extract_string(links, '$[0].span_id') FROM spans WHERE name = 'later'"
    ) == [(span_id,)]
    assert store.read("SELECT DISTINCT service FROM spans") == [("official",)]


def test_the_official_sdk_sends_metrics(client: TestClient, store: Store) -> None:
    exporter = OTLPMetricExporter(f"{client.base_url}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], resource=RESOURCE)
    meter = provider.get_meter("test")
    meter.create_counter("requests", unit="1").add(3, {"route": "/"})
    meter.create_histogram("duration", unit="s").record(0.2)
    provider.shutdown()
    rows = store.read("SELECT name, kind, value, sum, count, attributes FROM metrics ORDER BY name")
    assert rows == [
        ("duration", "histogram", None, 0.2, 1, "{}"),
        ("requests", "sum", 3.0, None, None, '{"route":"/"}'),
    ]


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_our_own_exporter_sends_requests(
    client: TestClient, store: Store, protocol: Literal["http/protobuf", "http/json"]
) -> None:
    """States have columns of their own, and sum to the duration."""
    tracer = OpenTelemetry(endpoint=str(client.base_url), service_name="ours", protocol=protocol)
    app = App(tracers=[tracer])

    @app.get("/users/{id}")
    async def user(ctx: RequestContext) -> None:
        ctx.text("hello")

    with TestClient(app) as served:
        assert served.get("/users/7").status_code == 200
    assert tracer.close(DEADLINE_S)
    assert store.read(_STATES) == [("ours", "GET", "/users/{id}", "/users/7", 200, True)]


_STATES = """
    SELECT service, method, route, path, http_status,
        queue_ns + read_ns + schedule_ns + run_ns + await_ns + write_ns = duration_ns
    FROM requests
"""
