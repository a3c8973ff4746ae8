"""Names and units beside the registry of the conventions, as OpenTelemetry's own package has it."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from opentelemetry.metrics import NoOpMeter
from opentelemetry.semconv import _incubating, attributes
from opentelemetry.semconv._incubating import metrics as incubating_metrics
from opentelemetry.semconv.metrics import http_metrics

from otel.opt_in import OPT_IN
from wirespan import App, RequestContext, _core
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry


def modules(package: ModuleType) -> list[ModuleType]:
    return [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.ispkg
    ]


def registered_attributes() -> set[str]:
    found = [*modules(attributes), *modules(importlib.import_module(f"{_incubating.__name__}.attributes"))]
    return {value for module in found for value in vars(module).values() if isinstance(value, str)}


class Noting(NoOpMeter):
    """Remembers kind and unit of what is created."""

    def __init__(self) -> None:
        super().__init__("registry")
        self.seen: dict[str, tuple[str, str]] = {}

    def create_histogram(self, name: str, unit: str = "", *args: Any, **more: Any) -> Any:
        self.seen[name] = ("histogram", unit)

    def create_counter(self, name: str, unit: str = "", *args: Any, **more: Any) -> Any:
        self.seen[name] = ("counter", unit)

    def create_up_down_counter(self, name: str, unit: str = "", *args: Any, **more: Any) -> Any:
        self.seen[name] = ("up-down counter", unit)


def registered_metrics() -> dict[str, tuple[str, str]]:
    meter = Noting()
    for module in (http_metrics, *modules(incubating_metrics)):
        for name, create in vars(module).items():
            if name.startswith(("create_http_server_", "create_otel_sdk_")):
                create(meter)
    return meter.seen


def test_attributes_of_spans_are_registered() -> None:
    spans, done = OpenTelemetry(exporter="memory", attributes=OPT_IN), RecordingTracer()
    app = App()

    @app.post("/items/{id}")
    async def broken(ctx: RequestContext) -> None:
        raise LookupError("no such thing")

    with TestClient(app, tracers=[spans, done]) as client:
        client.post("/items/7?q=1", content=b"abc", headers={"user-agent": "Googlebot"})
        client.request("BREW", "/")
        done.wait(2)
    sent = spans.finished_spans()
    events = [event for span in sent for event in span["events"]]
    used = {
        name for told in (*sent, *events) for name in told["attributes"] if not name.startswith("wirespan.")
    }
    assert used - registered_attributes() == set()
    assert {*OPT_IN, "exception.stacktrace", "http.request.method_original", "error.type"} <= used


def test_metrics_are_registered() -> None:
    """Names of the conventions have their kind and unit; the rest is in our own namespace."""
    known, seen = registered_metrics(), dict[str, tuple[str, str]]()
    for name, kind, unit, *_ in _core.metric_table():
        if not name.startswith("wirespan."):
            seen[name] = (kind, unit)
    assert {name: known.get(name) for name in seen} == seen
    assert "http.server.request.duration" in seen


def test_attributes_of_metrics_are_registered() -> None:
    used = {name for row in _core.metric_table() for name in row[3] if not name.startswith("wirespan.")}
    assert used - registered_attributes() == set()
