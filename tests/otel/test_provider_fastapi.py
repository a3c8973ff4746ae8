"""Every place where FastAPI and Starlette run code of a request: the request's span is current there."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from opentelemetry import trace
from opentelemetry.context import Context
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.routing import Mount

from otel.provided import by_name, parent_of, provided, served
from wirespan.opentelemetry import TracerProvider
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry


class RefusedError(Exception):
    """Dealt with by a handler in a pool thread."""


def mark(place: str) -> None:
    trace.get_current_span().set_attribute(place, True)


def wrapped() -> FastAPI:
    """What stands around endpoints: a middleware, and handlers of exceptions."""
    app = FastAPI(telemetry={"tracing": False})

    @app.middleware("http")
    async def around(request: Any, call_next: Any) -> Any:
        mark("before")
        response = await call_next(request)
        mark("after")
        return response

    @app.exception_handler(RefusedError)
    def refused(request: Any, error: Exception) -> JSONResponse:
        mark("sync exception handler")
        return JSONResponse({}, 409)

    @app.exception_handler(Exception)
    async def failed(request: Any, error: Exception) -> JSONResponse:
        mark("handler of all exceptions")
        return JSONResponse({}, 500)

    return app


def add_dependencies(app: FastAPI) -> None:
    async def session() -> AsyncIterator[int]:
        mark("dependency begins")
        yield 1
        mark("dependency ends")

    def cursor() -> Iterator[int]:
        mark("sync dependency begins")
        yield 1
        mark("sync dependency ends")

    @app.get("/depends")
    def depends(one: Annotated[int, Depends(session)], two: Annotated[int, Depends(cursor)]) -> int:
        mark("sync endpoint")
        return one + two


def shop(tracer: trace.Tracer, left_open: list[trace.Span]) -> FastAPI:
    app = wrapped()
    add_dependencies(app)

    @app.get("/refused")
    async def refuse() -> None:
        raise RefusedError

    @app.get("/fails")
    def fail() -> None:
        raise LookupError

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        def pieces() -> Iterator[bytes]:
            mark("sync generator begins")
            with tracer.start_as_current_span("piece"):
                yield b"1"
            mark("sync generator ends")

        return StreamingResponse(pieces(), background=BackgroundTask(mark, "Starlette's task"))

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> None:
        async def work() -> None:
            await asyncio.sleep(0)
            mark("async task")
            with tracer.start_as_current_span("after the response"):
                pass

        tasks.add_task(work)

    @app.get("/open")
    async def leave_open() -> None:
        left_open.append(tracer.start_span("left open"))

    return app


@pytest.mark.parametrize(
    ("path", "places"),
    [
        (
            "/depends",
            {
                "before",
                "dependency begins",
                "sync dependency begins",
                "sync endpoint",
                "sync dependency ends",
                "dependency ends",
                "after",
            },
        ),
        ("/refused", {"before", "sync exception handler", "after"}),
        ("/fails", {"before", "handler of all exceptions"}),
        ("/stream", {"sync generator begins", "sync generator ends", "Starlette's task"}),
        ("/background", {"async task"}),
    ],
)
def test_the_requests_span_is_current(path: str, places: set[str]) -> None:
    spans, tracer = provided()
    done = RecordingTracer()
    with TestClient(shop(tracer, []), tracers=[spans, done]) as client:
        client.get(path)
        done.wait()
    shown = by_name(spans)
    server = shown.pop(f"GET {path}")
    assert server["attributes"].keys() >= places
    assert [span["parent_span_id"] for span in shown.values()] == [server["span_id"]] * len(shown)


def test_a_span_that_ends_after_its_request_is_sent_under_it() -> None:
    spans, tracer = provided()
    done, left_open = RecordingTracer(), list[trace.Span]()
    with TestClient(shop(tracer, left_open), tracers=[spans, done]) as client:
        client.get("/open")
        done.wait()
        [server] = spans.finished_spans()
        left_open[0].end()
    [late] = spans.finished_spans()
    assert (late["name"], late["parent_span_id"]) == ("left open", server["span_id"])
    assert late["end_unix_ns"] > server["end_unix_ns"]


def test_a_span_of_a_background_task_ends_after_the_response() -> None:
    spans, tracer = provided()
    done = RecordingTracer()
    with TestClient(shop(tracer, []), tracers=[spans, done]) as client:
        client.get("/background")
        done.wait()
    shown = by_name(spans)
    assert parent_of(shown, "after the response") == "GET /background"
    assert shown["GET /background"]["attributes"]["wirespan.background_ns"] > 0


@pytest.mark.parametrize("named", [False, True])
def test_a_mounted_fastapi_that_traces_itself_does_not_shorten_the_route(named: bool) -> None:
    spans = OpenTelemetry(exporter="memory")
    inner = FastAPI(telemetry={"tracer_provider": TracerProvider(spans), "operation_spans": False})

    @inner.get("/files/{path:path}")
    async def file(path: str) -> str:
        if named:
            trace.get_current_span().update_name("one file")
        return path

    app = Starlette(routes=[Mount("/api", inner)])
    served(app, spans, lambda client: client.get("/api/files/a/b"))
    [span] = spans.finished_spans()
    assert span["attributes"]["http.route"] == "/api/files/{path:path}"
    assert span["name"] == ("one file" if named else "GET /api/files/{path:path}")


def test_the_route_of_a_framework_counts_where_the_server_knows_none() -> None:
    spans, tracer = provided()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            told = Context()  # what a framework finds in a request without traceparent
            with tracer.start_as_current_span("GET", told, trace.SpanKind.SERVER) as span:
                span.set_attribute("http.route", "/own")
                span.update_name("GET /own")
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})

    served(app, spans, lambda client: client.get("/own"))
    [span] = spans.finished_spans()
    assert (span["name"], span["attributes"]["http.route"]) == ("GET /own", "/own")
