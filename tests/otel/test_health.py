"""`wirespan.opentelemetry.status`: every exporter of the process in one list."""

import gc
from typing import Any

from otel.receiver import Receiver
from wirespan import App, RequestContext
from wirespan.opentelemetry import status
from wirespan.testing import TestClient
from wirespan.tracers import OpenTelemetry


def of(destination: str) -> list[dict[str, Any]]:
    spans = [exporter for exporter in status() if exporter["signal"] == "traces"]
    return [exporter for exporter in spans if exporter["destination"] == destination]


def test_an_exporter_says_where_to_and_how_it_goes() -> None:
    app = App()

    @app.get("/")
    async def hello(ctx: RequestContext) -> None:
        ctx.text("hello")

    with Receiver() as receiver:
        # The receiver is named without what may be a secret.
        spans = OpenTelemetry(endpoint=f"{receiver.url.replace('//', '//user:secret@')}/v1/traces?key=secret")
        with TestClient(app, tracers=[spans]) as client:
            client.get("/")
        assert spans.close(10)
    [exporter] = of(f"{receiver.url}/v1/traces")
    told = spans.status()
    assert told.pop("metrics")["destination"] == f"{receiver.url}/v1/metrics"
    assert exporter | told == exporter
    assert (exporter["signal"], exporter["exported"], exporter["receiver"]) == ("traces", 1, "up")


def test_what_nobody_holds_any_more_is_not_there() -> None:
    held = OpenTelemetry(endpoint="http://localhost:1/held")
    assert len(of("http://localhost:1/held")) == 1
    del held
    gc.collect()
    assert of("http://localhost:1/held") == []


def test_kinds_of_exporters_are_named() -> None:
    before = len(of("memory")), len(of("none"))
    held = [OpenTelemetry(exporter="memory"), OpenTelemetry(exporter="none")]
    assert (len(of("memory")), len(of("none"))) == (before[0] + 1, before[1] + 1)
    assert all(spans.status()["signal"] == "traces" for spans in held)
