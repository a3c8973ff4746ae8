"""The provider that an application installs joins the tracer of its server."""

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cli.commands import Serving, get
from otel.receiver import Receiver

# `trace.set_tracer_provider` works once in a process: so each test here has one.
FASTAPI = """
import httpx
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from wirespan.opentelemetry import TracerProvider
from wirespan.tracers import OpenTelemetry

tracer = trace.get_tracer("before")
PROVIDER
HTTPXClientInstrumentor().instrument()
app = FastAPI()
SETUP

@app.get("/stock")
async def stock() -> int:
    return 1

@app.get("/items/{id}")
async def item(id: int) -> int:
    trace.get_current_span().set_attribute("shop.item", id)
    with tracer.start_as_current_span("look up"):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://stock", trust_env=False) as client:
            return (await client.get("/stock")).json()
"""
NATIVE = """
from opentelemetry import trace
from wirespan import App
from wirespan.opentelemetry import TracerProvider
from wirespan.tracers import OpenTelemetry

trace.set_tracer_provider(TracerProvider())
app = App(TRACERS)

@app.get("/items/{id}")
async def item(ctx):
    with trace.get_tracer("shop").start_as_current_span("look up"):
        ctx.text("1")
"""
PLAIN = "trace.set_tracer_provider(TracerProvider())"
GIVEN = "trace.set_tracer_provider(TracerProvider(OpenTelemetry()))"
INSTRUMENTED = """
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
FastAPIInstrumentor.instrument_app(app)
"""


def served(code: str, receiver: Receiver, *words: str, cwd: Path) -> tuple[list[Any], str]:
    """All spans of one request, and what the server said."""
    (cwd / "shop.py").write_text(code)
    with Serving("shop:app", "--port", "0", *words, cwd=cwd) as server:
        assert get(server.port, "/items/7") == b"1"
        server.signal(signal.SIGTERM)
        status, _, said = server.end()
        assert status == 0
    spans = [
        span
        for request in receiver.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    return spans, said


def tree(spans: list[Any]) -> dict[str, str | None]:
    names = {span.span_id: span.name for span in spans}
    return {span.name: names.get(span.parent_span_id) for span in spans}


@pytest.mark.parametrize(
    ("provider", "setup", "by_option"),
    [
        pytest.param(PLAIN, "", True, id="option"),
        pytest.param(PLAIN, INSTRUMENTED, True, id="option, instrumented twice"),
        pytest.param(PLAIN, "", False, id="variables"),
        pytest.param(GIVEN, "", False, id="variables, with a tracer"),
    ],
)
def test_one_trace_with_one_server_span(
    provider: str, setup: str, by_option: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = FASTAPI.replace("PROVIDER", provider).replace("SETUP", setup)
    with Receiver() as receiver:
        if not by_option:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        spans, _ = served(code, receiver, *(("--otlp", receiver.url) if by_option else ()), cwd=tmp_path)
    found = tree(spans)
    assert len({span.trace_id for span in spans}) == 1
    assert (found["GET /items/{id}"], found["look up"]) == (None, "GET /items/{id}")
    assert found["GET"] == "look up", "the library's span"
    [server] = [span for span in spans if not span.parent_span_id]
    assert {pair.key: pair.value.int_value for pair in server.attributes}["shop.item"] == 7
    assert Counter(span.name for span in spans)["GET /items/{id}"] == 1


@pytest.mark.parametrize("tracers", ["", "tracers=[OpenTelemetry()]"])
def test_a_native_app(tracers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own tracer wins over the option, and that is said: never do both make spans."""
    with Receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        spans, said = served(
            NATIVE.replace("TRACERS", tracers), receiver, "--otlp", receiver.url, cwd=tmp_path
        )
    assert tree(spans) == {"GET /items/{id}": None, "look up": "GET /items/{id}"}
    assert len(spans) == 2
    assert ("otlp is ignored" in said) == bool(tracers)
