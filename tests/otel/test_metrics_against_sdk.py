"""Our metrics beside those of the official SDK with its ASGI instrumentation, for the same requests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from opentelemetry.instrumentation import _semconv
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Histogram, InMemoryMetricReader, Metric, MetricsData

from wirespan.testing import TestClient
from wirespan.tracers import OpenTelemetry

# They add what a client can make up without end; and for the sizes what their own convention has not.
THEIRS_ALONE = {"server.address", "server.port"}


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answers everything with 200 and three bytes; `/fails` with 500."""
    status = 500 if scope["path"] == "/fails" else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"3")]})
    await send({"type": "http.response.body", "body": b"one"})


REQUESTS = [("GET", "/items"), ("POST", "/items"), ("PURGE", "/items"), ("GET", "/fails")]


def theirs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Metric]:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    monkeypatch.setattr(_semconv._OpenTelemetrySemanticConventionStability, "_initialized", False)
    reader = InMemoryMetricReader()
    wrapped = OpenTelemetryMiddleware(application, meter_provider=MeterProvider([reader]))

    async def run() -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(wrapped), base_url="http://shop"
        ) as client:
            for method, path in REQUESTS:
                await client.request(method, path)

    asyncio.run(run())
    data = reader.get_metrics_data()
    assert isinstance(data, MetricsData)
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    return {metric.name: metric for metric in metrics}


def ours() -> dict[str, dict[str, Any]]:
    otel = OpenTelemetry(exporter="memory")
    with TestClient(application, tracers=[otel]) as client:
        for method, path in REQUESTS:
            client.request(method, path)
    return {metric["name"]: metric for metric in otel.collected_metrics()}


def test_names_units_attributes_and_buckets_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    official, own = theirs(monkeypatch), ours()
    assert {name for name in own if name.startswith("http.")} >= set(official)
    for name, metric in official.items():
        assert own[name]["unit"] == metric.unit, name
    duration = official["http.server.request.duration"].data
    assert isinstance(duration, Histogram)

    def sets(points: list[Any]) -> list[dict[str, Any]]:
        kept = [{key: point[key] for key in point if key not in THEIRS_ALONE} for point in points]
        return sorted(kept, key=str)

    points = own["http.server.request.duration"]["points"]
    expected = sets([dict(sorted((point.attributes or {}).items())) for point in duration.data_points])
    assert sets([dict(sorted(point["attributes"].items())) for point in points]) == expected
    assert points[0]["bounds"] == list(duration.data_points[0].explicit_bounds)
