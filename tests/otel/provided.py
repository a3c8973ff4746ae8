"""What tests of the provider share."""

from collections.abc import Callable
from typing import Any

import httpx
from opentelemetry import trace

from wirespan.opentelemetry import TracerProvider
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry

Shown = dict[str, dict[str, Any]]


def provided(**options: Any) -> tuple[OpenTelemetry, trace.Tracer]:
    """A tracer that keeps spans in memory, and a Tracer of its provider."""
    spans = OpenTelemetry(exporter="memory", **options)
    return spans, TracerProvider(spans).get_tracer("shop", "1.0")


def by_name(spans: OpenTelemetry) -> Shown:
    """The finished spans; two of one name are a mistake of the test."""
    finished = spans.finished_spans()
    shown = {span["name"]: span for span in finished}
    assert len(shown) == len(finished)
    return shown


def served(app: object, spans: OpenTelemetry, use: Callable[[TestClient], httpx.Response]) -> httpx.Response:
    """One request; returns once its exchange is over."""
    done = RecordingTracer()
    with TestClient(app, tracers=[spans, done]) as client:
        response = use(client)
        done.wait()
    return response


def parent_of(shown: Shown, name: str) -> str | None:
    """The name of the parent."""
    names = {span["span_id"]: name for name, span in shown.items()}
    return names.get(shown[name]["parent_span_id"])
