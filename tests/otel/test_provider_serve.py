"""The provider that an application installs joins the tracer of its server."""

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider as SdkProvider

from cli.commands import Serving, get
from otel.receiver import Receiver
from wirespan import App
from wirespan.hosting import host
from wirespan.opentelemetry import TracerProvider
from wirespan.sources import load_config
from wirespan.tracers import OpenTelemetry

# `trace.set_tracer_provider` works once in a process: so each test here has one.
FASTAPI = """
import httpx
from fastapi import FastAPI, Request
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
async def item(id: int, request: Request) -> int:
    trace.get_current_span().set_attribute("shop.item", id)
    with tracer.start_as_current_span("look up"):
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{request.scope['server'][1]}/stock")).json()
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
SERVER = 2  # SPAN_KIND_SERVER
PLAIN = "trace.set_tracer_provider(TracerProvider())"
GIVEN = "trace.set_tracer_provider(TracerProvider(OpenTelemetry()))"
INSTRUMENTED = """
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
FastAPIInstrumentor.instrument_app(app)
"""


def served(code: str, receiver: Receiver, *words: str, cwd: Path) -> list[Any]:
    """All spans of one request."""
    (cwd / "shop.py").write_text(code)
    with Serving("shop:app", "--port", "0", *words, cwd=cwd) as server:
        assert get(server.port, "/items/7") == b"1"
        server.signal(signal.SIGTERM)
        assert server.end()[0] == 0
    return [
        span
        for request in receiver.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def above(span: Any, spans: list[Any]) -> set[str]:
    """The names of all spans that this one is below."""
    by_id = {other.span_id: other for other in spans}
    names = set()
    while span := by_id.get(span.parent_span_id):
        names.add(span.name)
    return names


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
        spans = served(code, receiver, *(("--otlp", receiver.url) if by_option else ()), cwd=tmp_path)
    assert len({span.trace_id for span in spans}) == 1
    servers = [span for span in spans if span.kind == SERVER]
    assert Counter(span.name for span in servers) == {"GET /items/{id}": 1, "GET /stock": 1}
    asked, called = sorted(servers, key=lambda span: span.start_time_unix_nano)
    assert [span.name for span in spans if span.span_id == called.parent_span_id] == ["GET"], "httpx's span"
    assert not asked.parent_span_id
    assert above(called, spans) >= {"GET", "look up", "GET /items/{id}"}
    # The handler's current span may be one that FastAPI made below the server's.
    told = [span for span in spans for pair in span.attributes if pair.key == "shop.item"]
    assert [span == asked or "GET /items/{id}" in above(span, spans) for span in told] == [True]


@pytest.mark.parametrize("tracers", ["", "tracers=[OpenTelemetry()]"])
def test_a_native_app(tracers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own tracer wins over the option: never do both make spans."""
    with Receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        spans = served(NATIVE.replace("TRACERS", tracers), receiver, "--otlp", receiver.url, cwd=tmp_path)
    assert tree(spans) == {"GET /items/{id}": None, "look up": "GET /items/{id}"}
    assert len(spans) == 2


@pytest.mark.parametrize("is_given", [False, True])
def test_who_makes_the_spans(
    is_given: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By the installed provider; the option is not dropped in silence."""
    own = OpenTelemetry(exporter="memory")
    provider = TracerProvider(own if is_given else None)
    monkeypatch.setattr("wirespan.opentelemetry.provider.trace.get_tracer_provider", lambda: provider)
    hosted = host(App(), load_config({"otlp": "http://localhost:1"}))
    assert hosted.tracers == (provider.tracer,)
    assert (provider.tracer is own, "otlp is ignored" in caplog.text) == (is_given, is_given)
    hosted = host(App(), load_config({"otlp": "http://localhost:1", "otlp_viewer": True}))
    assert len(hosted.tracers) == 1 + is_given, "a viewer watches beside the application's own receiver"
    assert (provider.tracer is own) == is_given


@pytest.mark.parametrize(
    ("provider", "exporter", "is_told"),
    [
        pytest.param(SdkProvider, "memory", True, id="two traces of each request"),
        pytest.param(SdkProvider, "none", False, id="metrics alone"),
        pytest.param(SdkProvider, None, False, id="no spans of ours"),
        pytest.param(TracerProvider, "memory", False, id="our provider"),
    ],
)
def test_a_provider_of_the_sdk_beside_ours_is_told(
    provider: Callable[[], trace.TracerProvider],
    exporter: Literal["memory", "none"] | None,
    is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    installed = provider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: installed)
    tracers = [OpenTelemetry(exporter=exporter, metrics=False)] if exporter else []
    host(App(tracers=tracers), load_config({}))
    assert ("the provider of the OpenTelemetry SDK is installed" in caplog.text) == is_told
