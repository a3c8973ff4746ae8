"""`trace.get_current_span()` in a handler is the request's span, wherever the handler's code runs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from opentelemetry import baggage, context, propagate, trace

from otel.provided import by_name, parent_of, provided, served
from wirespan import App, RequestContext
from wirespan.opentelemetry import TracerProvider
from wirespan.tracers import OpenTelemetry

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def mark(name: str) -> None:
    """Leaves a trace on the span that is current here."""
    span = trace.get_current_span()
    assert isinstance(span, trace.Span)
    span.set_attribute(name, True)


def test_every_change_is_on_the_server_span() -> None:
    spans, _ = provided()
    app = App()
    other = trace.SpanContext(1, 2, is_remote=True, trace_state=trace.TraceState([("a", "1")]))

    @app.get("/items/{id}")
    async def item(ctx: RequestContext) -> None:
        span = trace.get_current_span()
        assert span.is_recording()
        assert (span.kind, span.context) == (trace.SpanKind.SERVER, span.get_span_context())  # type: ignore[attr-defined]
        span.set_attributes({"shop.item": 7, "http.route": "/own"})
        span.add_event("cache", {"hit": False})
        span.add_link(other, {"why": "batch"})
        span.record_exception(LookupError("gone"), {"extra": 1})
        span.set_status(trace.StatusCode.ERROR, "no stock")
        span.update_name("buy")
        span.end()  # the server does that
        ctx.empty()

    assert served(app, spans, lambda client: client.get("/items/1")).status_code == 204
    span = by_name(spans)["buy"]
    assert span["attributes"] | {"shop.item": 7, "http.route": "/own"} == span["attributes"]
    assert (span["status"], span["status_description"]) == ("error", "no stock")
    assert [event["name"] for event in span["events"]] == ["cache", "exception"]
    attributes = span["events"][1]["attributes"]
    assert attributes["exception.stacktrace"] == "LookupError: gone\n"
    assert (attributes["exception.type"], attributes["extra"]) == ("LookupError", 1)
    [link] = span["links"]
    assert (link["trace_id"], link["attributes"]) == (f"{1:032x}", {"why": "batch"})


class SoldOutError(Exception):
    """An error of the application's own."""


@pytest.mark.parametrize("error", [SoldOutError("shoes\nand socks"), LookupError("shoes")])
def test_an_exception_that_was_recorded_before_it_was_raised_is_there_once(error: Exception) -> None:
    spans, _ = provided()
    app = App()

    @app.get("/")
    async def sell(ctx: RequestContext) -> None:
        span = trace.get_current_span()
        span.record_exception(error)
        span.set_status(trace.StatusCode.ERROR)  # without a reason: the server's stands
        raise error

    served(app, spans, lambda client: client.get("/"))
    span = by_name(spans)["GET /"]
    [event] = span["events"]
    assert event["attributes"]["exception.type"] == span["attributes"]["error.type"]
    assert (span["status"], span["status_description"]) == ("error", str(error))


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([trace.StatusCode.OK], ("ok", "")),
        ([trace.StatusCode.OK, trace.StatusCode.ERROR], ("ok", "")),
        ([trace.StatusCode.ERROR, trace.StatusCode.OK], ("ok", "")),
        ([trace.StatusCode.ERROR, trace.StatusCode.UNSET], ("error", "no stock")),
        ([], ("error", "late")),
    ],
)
def test_what_the_application_judges_counts(codes: list[trace.StatusCode], expected: tuple[str, str]) -> None:
    """`OK` is final, also where the server would say error."""
    spans, _ = provided()
    app = App()

    @app.get("/")
    async def sell(ctx: RequestContext) -> None:
        for code in codes:
            trace.get_current_span().set_status(code, "no stock" if code is trace.StatusCode.ERROR else None)
        raise LookupError("late")

    served(app, spans, lambda client: client.get("/"))
    span = by_name(spans)["GET /"]
    assert (span["status"], span["status_description"]) == expected
    assert span["attributes"]["error.type"] == "LookupError"


def test_in_threads_tasks_and_middleware() -> None:
    spans, tracer = provided()
    app = App()

    @app.use
    async def outer(ctx: RequestContext) -> None:
        mark("middleware")
        await ctx.next()

    @app.get("/loop")
    async def loop(ctx: RequestContext) -> None:
        async def task() -> None:
            mark("task")

        await asyncio.create_task(task())
        await asyncio.to_thread(mark, "to_thread")
        ctx.empty()

    @app.get("/pool")
    def pool(ctx: RequestContext) -> None:
        mark("pool")
        with tracer.start_as_current_span("query"):
            ctx.empty()

    served(app, spans, lambda client: client.get("/loop"))
    served(app, spans, lambda client: client.get("/pool"))
    shown = by_name(spans)
    assert shown["GET /loop"]["attributes"].keys() >= {"middleware", "task", "to_thread"}
    assert shown["GET /pool"]["attributes"].keys() >= {"middleware", "pool"}
    assert parent_of(shown, "query") == "GET /pool"


def test_in_asgi_streams_exception_handlers_and_background_tasks() -> None:
    spans, tracer = provided()
    # Its own spans are another test's. The pages of the docs, which run as tests, may have set a provider.
    app = FastAPI(telemetry={"tracing": False})

    async def chunks() -> AsyncIterator[bytes]:
        mark("stream")
        with tracer.start_as_current_span("chunk"):
            yield b"1"

    def work() -> None:
        mark("background")
        with tracer.start_as_current_span("work"):
            pass

    @app.exception_handler(LookupError)
    async def handle(request: Any, error: Exception) -> JSONResponse:
        mark("handler")
        return JSONResponse({}, 404)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(chunks())

    @app.get("/raise")
    async def fail() -> None:
        raise LookupError

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> None:
        tasks.add_task(work)

    for path in ("/stream", "/raise", "/background"):
        served(app, spans, lambda client, path=path: client.get(path))  # type: ignore[misc]
    shown = by_name(spans)
    for path, name in (("/stream", "stream"), ("/raise", "handler"), ("/background", "background")):
        assert shown[f"GET {path}"]["attributes"][name] is True
    assert (parent_of(shown, "chunk"), parent_of(shown, "work")) == ("GET /stream", "GET /background")


def test_after_the_end_children_still_find_their_parent(caplog: pytest.LogCaptureFixture) -> None:
    spans, tracer = provided()
    app = App()
    left: list[asyncio.Task[None]] = []
    over = asyncio.Event()

    async def late() -> None:
        await over.wait()
        mark("late")
        assert not trace.get_current_span().is_recording()
        with tracer.start_as_current_span("late"):
            pass

    @app.get("/")
    async def begin(ctx: RequestContext) -> None:
        left.append(asyncio.create_task(late()))
        ctx.empty()

    @app.get("/end")
    async def end(ctx: RequestContext) -> None:
        over.set()
        await left[0]
        ctx.empty()

    def both(client: Any) -> Any:
        client.get("/")
        return client.get("/end")

    served(app, spans, both)
    shown = by_name(spans)
    assert parent_of(shown, "late") == "GET /"
    assert "late" not in shown["GET /"]["attributes"]
    assert "set_attribute on a span that has ended is ignored" in caplog.text


def test_the_callers_trace_and_baggage_go_on() -> None:
    spans, tracer = provided()
    app = App()

    @app.get("/")
    async def send(ctx: RequestContext) -> None:
        headers: dict[str, str] = {}
        with tracer.start_as_current_span("send"):
            propagate.inject(headers)
        ctx.json({"headers": headers, "user": baggage.get_baggage("user")})

    told = {
        "traceparent": f"00-{TRACE}-{PARENT}-01",
        "tracestate": "vendor=1",
        "baggage": "user=ann,plan=free%20trial",
    }
    answer = served(app, spans, lambda client: client.get("/", headers=told)).json()
    shown = by_name(spans)
    assert shown["GET /"]["parent_span_id"] == PARENT
    sent = answer["headers"]
    assert sent["traceparent"] == f"00-{TRACE}-{shown['send']['span_id']}-01"
    assert (sent["tracestate"], answer["user"]) == ("vendor=1", "ann")
    assert sent["baggage"] == "user=ann,plan=free+trial"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"/fine": 2, "/broken": 2, "/marked": 2}),
        ({"sampler": "always_off"}, {}),
        ({"keep_ratio": 0}, {"/broken": 2, "/marked": 2}),
        ({"keep_ratio": 0, "sampler": "always_off"}, {"/broken": 2, "/marked": 2}),
        ({"keep_ratio": 0, "keep_errors": False}, {}),
        ({"ignore": ["/fine", "/broken"]}, {"/marked": 2}),
    ],
)
def test_children_share_the_fate_of_their_request(options: dict[str, Any], expected: dict[str, int]) -> None:
    spans, tracer = provided(**options)
    app = App()

    def child() -> None:
        with tracer.start_as_current_span("child") as span:
            span.set_attribute("a", 1)
            span.add_event("b")
            span.add_link(span.get_span_context())
            span.set_attributes({"c": 1})
            span.set_status(trace.StatusCode.OK)
            span.update_name("child")
            span.record_exception(ValueError())

    @app.get("/fine")
    async def fine(ctx: RequestContext) -> None:
        child()
        ctx.empty()

    @app.get("/broken")
    async def broken(ctx: RequestContext) -> None:
        child()
        raise LookupError

    @app.get("/marked")
    async def marked(ctx: RequestContext) -> None:
        child()
        trace.get_current_span().set_status(trace.StatusCode.ERROR)
        ctx.empty()

    for path in ("/fine", "/broken", "/marked"):
        served(app, spans, lambda client, path=path: client.get(path))  # type: ignore[misc]
    finished = spans.finished_spans()
    paths = {
        span["trace_id"]: span["attributes"].get("url.path") for span in finished if span["kind"] == "server"
    }
    counts: dict[str, int] = {}
    for span in finished:
        path = paths[span["trace_id"]]
        counts[path] = counts.get(path, 0) + 1
    assert counts == expected


def test_the_probability_is_written_on_children_too() -> None:
    spans, tracer = provided(keep_ratio=0.5)
    app = App()

    @app.get("/")
    async def one(ctx: RequestContext) -> None:
        with tracer.start_as_current_span("child"):
            ctx.empty()

    told = {"traceparent": f"00-{TRACE[:-14]}{'f' * 14}-{PARENT}-03"}  # kept by every ratio
    served(app, spans, lambda client: client.get("/", headers=told))
    shown = by_name(spans)
    assert shown["child"]["trace_state"] == shown["GET /"]["trace_state"] == "ot=th:8"


def test_a_request_with_very_many_spans_is_bounded() -> None:
    spans, tracer = provided(keep_errors=True)
    app = App()

    @app.get("/")
    async def many(ctx: RequestContext) -> None:
        for _ in range(1_005):
            tracer.start_span("child").end()
        ctx.empty()

    served(app, spans, lambda client: client.get("/"))
    assert len(spans.finished_spans()) == 1_001


def test_without_a_provider_there_is_no_current_span() -> None:
    spans = OpenTelemetry(exporter="memory")
    app = App()
    seen: list[trace.Span] = []

    @app.get("/")
    async def look(ctx: RequestContext) -> None:
        seen.append(trace.get_current_span())
        ctx.empty()

    served(app, spans, lambda client: client.get("/"))
    assert seen == [trace.INVALID_SPAN]


@pytest.mark.parametrize("headers", [{}, {"traceparent": f"00-{TRACE}-{PARENT}-01"}])
@pytest.mark.parametrize("trust", ["always", "never"])
def test_a_framework_that_traces_itself_finds_the_span_that_is_there(
    headers: dict[str, str], trust: str
) -> None:
    spans = OpenTelemetry(exporter="memory", trust=trust)
    app = FastAPI(telemetry={"tracer_provider": TracerProvider(spans)})

    @app.get("/items/{id}")
    async def item(id: str) -> None:
        raise LookupError(id)

    url = "/items/7?AWSAccessKeyId=secret"
    assert served(app, spans, lambda client: client.get(url, headers=headers)).status_code == 500
    shown = by_name(spans)
    [server] = [span for span in shown.values() if span["kind"] == "server"]
    assert server["name"] == "GET /items/{id}"
    assert server["attributes"]["url.query"] == "AWSAccessKeyId=REDACTED"
    assert parent_of(shown, "fastapi.endpoint") == "GET /items/{id}"
    assert len([event for event in server["events"] if event["name"] == "exception"]) == 1


def test_other_server_spans_are_their_own() -> None:
    spans, tracer = provided()
    app = App()
    told = trace.set_span_in_context(trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=True)))

    @app.get("/")
    async def look(ctx: RequestContext) -> None:
        tracer.start_span("inner", kind=trace.SpanKind.SERVER).end()
        tracer.start_span("other", told, trace.SpanKind.SERVER).end()
        same = tracer.start_span("same", context.Context(), trace.SpanKind.SERVER)
        assert same.get_span_context() == trace.get_current_span().get_span_context()
        ctx.empty()

    served(app, spans, lambda client: client.get("/"))
    shown = by_name(spans)
    assert shown.keys() == {"GET /", "inner"}, "a caller that is not sampled is followed"
    assert parent_of(shown, "inner") == "GET /"


@pytest.mark.parametrize("flags", ["00", "01"])
def test_without_an_exporter_the_callers_context_goes_on_as_it_is(flags: str) -> None:
    spans = OpenTelemetry(exporter="none")
    tracer = TracerProvider(spans).get_tracer("shop")
    app = App()

    @app.get("/")
    async def call(ctx: RequestContext) -> None:
        told: dict[str, str] = {}
        with tracer.start_as_current_span("call") as span:
            propagate.inject(told)
            assert not span.is_recording()
        ctx.json(told)

    told = {"traceparent": f"00-{TRACE}-{PARENT}-{flags}", "tracestate": "shop=1"}
    assert served(app, spans, lambda client: client.get("/", headers=told)).json() == told
    [begun] = served(app, spans, lambda client: client.get("/")).json().values()
    assert begun.endswith("-03")  # those who are called record it
    assert spans.status()["kept"] == 0
