"""Requests as spans of the official SDK."""

import contextvars
import socket
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, ParentBased, Sampler, SamplingResult

from wirespan import App, RequestContext
from wirespan.opentelemetry import SdkTracer
from wirespan.serving import serving
from wirespan.testing import RecordingTracer, TestClient

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Seen(Sampler):
    """Remembers what it was asked about."""

    def __init__(self) -> None:
        self.attributes: dict[str, Any] = {}

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        given = dict(kwargs.get("attributes") or (args[4:5] and args[4]) or {})
        self.attributes = self.attributes or given
        return SamplingResult(Decision.RECORD_AND_SAMPLE, given)

    def get_description(self) -> str:
        return "seen"


class Sdk:
    """An app whose requests are spans of an SDK of its own."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.done = RecordingTracer()
        self.app = App()
        self.client = TestClient(self.app, tracers=[self.done, SdkTracer(self.provider)])

    def get(self, path: str, **options: Any) -> dict[str, ReadableSpan]:
        with self.client as client:
            client.request(options.pop("method", "GET"), path, **options)
            self.done.wait()
        return {span.name: span for span in self.exporter.get_finished_spans()}


def test_the_span_is_current_and_ends_with_the_request() -> None:
    seen = Seen()
    sdk = Sdk(seen)

    @sdk.app.get("/items/{id}")
    async def item(ctx: RequestContext) -> None:
        with sdk.provider.get_tracer("shop").start_as_current_span("child"):
            ctx.empty()

    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=1", "x-two": "1"}
    shown = sdk.get("/items/7?q=1&sig=secret", headers=[*headers.items(), ("x-two", "2")])
    child, server = shown["child"], shown["GET /items/{id}"]
    assert server.parent is not None
    assert child.parent is not None
    assert (server.parent.span_id, server.context.trace_id) == (int(PARENT, 16), int(TRACE, 16))
    assert child.parent.span_id == server.context.span_id
    assert server.kind is trace.SpanKind.SERVER
    assert server.attributes is not None
    attributes = dict(server.attributes)
    assert (
        attributes | seen.attributes | {"http.route": "/items/{id}", "http.response.status_code": 204}
        == attributes
    )
    assert seen.attributes["url.query"] == "q=1&sig=REDACTED"
    assert seen.attributes["server.port"] == attributes["server.port"] == sdk.client.base_url.port
    recording = sdk.done.finished[0]
    assert server.start_time is not None
    assert server.end_time is not None
    assert abs(server.end_time - server.start_time - recording.total_ns) < 2_000, "the record's own times"
    assert attributes["wirespan.state.run_ns"] == recording.states["run"]
    assert not server.status.status_code.value


@pytest.mark.parametrize(
    ("path", "status", "kind", "events"),
    [
        ("/raise", trace.StatusCode.ERROR, "LookupError", 1),
        ("/own", trace.StatusCode.ERROR, "OwnError", 1),
        ("/503", trace.StatusCode.ERROR, "503", 0),
        ("/404", trace.StatusCode.UNSET, None, 0),
    ],
)
def test_failures(path: str, status: trace.StatusCode, kind: str | None, events: int) -> None:
    sdk = Sdk()

    class OwnError(Exception):
        pass

    @sdk.app.get("/{what}")
    async def fail(ctx: RequestContext) -> None:
        if path == "/own":
            raise OwnError
        if path == "/raise":
            raise LookupError("no")
        ctx.empty(int(path[1:]))

    span = sdk.get(path)["GET /{what}"]
    assert span.attributes is not None
    found = span.attributes.get("error.type")
    assert found == kind or str(found).endswith(f".{kind}")
    assert (span.status.status_code, len(span.events)) == (status, events)


def test_a_client_that_leaves_in_the_middle_of_its_request() -> None:
    sdk = Sdk()

    @sdk.app.post("/")
    async def read(ctx: RequestContext) -> None:
        await ctx.body()

    with sdk.client as client:
        with client.connect() as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        sdk.done.wait()
    [gone] = sdk.exporter.get_finished_spans()
    assert gone.attributes is not None
    assert gone.attributes["error.type"] == gone.attributes["wirespan.end_reason"] != "completed"
    assert gone.status.status_code is trace.StatusCode.ERROR


def test_odd_requests() -> None:
    sdk = Sdk()
    with sdk.client as client:
        with client.connect() as connection:
            connection.sendall(b"BREW / HTTP/1.0\r\n\r\n")
            assert connection.recv(100)
        with client.connect() as connection:
            connection.sendall(b"nonsense\r\n\r\n")
            assert connection.recv(100)
        with client.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        sdk.done.wait(3)
    brew, nonsense, gone = sdk.exporter.get_finished_spans()
    assert (brew.name, nonsense.name) == ("HTTP", "HTTP")
    assert brew.attributes is not None
    assert brew.attributes["http.request.method_original"] == "BREW"
    assert nonsense.attributes is not None
    assert nonsense.attributes["wirespan.end_reason"] == "protocol_error"
    assert gone.attributes is not None
    assert gone.attributes["server.address"] == "a"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {"host": "Shop.example", "x-forwarded-for": "203.0.113.5", "x-forwarded-proto": "https"},
            ("https", "203.0.113.5", "127.0.0.1", "shop.example", 443),
        ),
        (
            {"host": "shop", "x-forwarded-for": "203.0.113.5", "x-forwarded-host": "shop.public:8443"},
            ("http", "203.0.113.5", "127.0.0.1", "shop.public", 8443),
        ),
        ({"host": "shop:"}, ("http", "127.0.0.1", "127.0.0.1", "shop", 80)),
        ({"host": "[::1]:81"}, ("http", "127.0.0.1", "127.0.0.1", "::1", 81)),
        ({"host": "shop"}, ("http", "127.0.0.1", "127.0.0.1", "shop", 80)),
    ],
)
def test_who_asks_whom(headers: dict[str, str], expected: tuple[object, ...]) -> None:
    """As the native spans have it: what trusted proxies tell, and the peer as it is."""
    span = Sdk().get("/", headers=headers)["GET"]
    names = ("url.scheme", "client.address", "network.peer.address", "server.address", "server.port")
    assert span.attributes is not None
    assert tuple(span.attributes[name] for name in names) == expected


def test_known_methods_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "BREW")
    spans = Sdk().get("/", method="BREW") | Sdk().get("/")
    assert spans.keys() == {"BREW", "HTTP"}


@pytest.mark.parametrize("headers", [{}, {"traceparent": f"00-{TRACE}-{PARENT}-01"}])
def test_ignored_requests_have_no_span_and_say_so_to_others(headers: dict[str, str]) -> None:
    sdk = Sdk()
    sent: dict[str, str] = {}

    @sdk.app.get("/health")
    async def health(ctx: RequestContext) -> None:
        with sdk.provider.get_tracer("shop").start_as_current_span("ask"):
            propagate.inject(sent)
        ctx.empty()

    sdk.client = TestClient(sdk.app, tracers=[sdk.done, SdkTracer(sdk.provider)], ignore=["/health"])
    assert sdk.get("/health", headers=headers) == {}
    _, trace_id, _, flags = sent["traceparent"].split("-")
    assert (trace_id == TRACE, flags) == (bool(headers), "00")


def test_a_unix_socket_has_no_client(tmp_path: Path) -> None:
    sdk = Sdk()
    path = tmp_path / "socket"
    with (
        serving(sdk.app, uds=str(path), access_log="off", tracers=(sdk.done, SdkTracer(sdk.provider))),
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert client.recv(100)
        sdk.done.wait()
    [span] = sdk.exporter.get_finished_spans()
    assert span.attributes is not None
    assert not {"client.address", "network.peer.address", "server.address"} & set(span.attributes)


def test_a_span_that_is_not_sampled() -> None:
    sdk = Sdk(ParentBased(ALWAYS_OFF))
    assert sdk.get("/") == {}


def test_a_head_that_fails_harms_nobody() -> None:
    class Broken(RecordingTracer):
        def head(self, context: contextvars.Context, request: RequestContext) -> None:
            """Returns no context."""

    app, broken = App(), Broken()
    with TestClient(app, tracers=[broken]) as client:
        assert client.get("/").status_code == 404
        broken.wait()
    [(what, error)] = client.errors
    assert "Broken failed in head" in what
    assert "head must return a contextvars.Context" in str(error)
