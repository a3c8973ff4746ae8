"""What an ASGI application sees of its record, and what the record knows of the application."""

import asyncio
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

import wirespan
from wirespan.route_template import RouteTemplates
from wirespan.testing import RecordingTracer, TestClient
from wirespan.trace import Level, define_event

pytestmark = pytest.mark.wire
STEP = define_event("test_asgi_step", Level.DETAILED)


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def starlette_app() -> Starlette:
    inner = Starlette(routes=[Route("/items/{id:int}", plain)])
    return Starlette(routes=[Route("/users/{name}", plain), Mount("/shop", app=inner)])


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/users/alice", "/users/{name}"),
        ("/shop/items/1", "/shop/items/{id:int}"),
    ],
)
def test_route_is_the_template_with_its_mounts(path: str, route: str) -> None:
    """Names of spans and metrics must not grow with the users."""
    tracer = RecordingTracer()
    with TestClient(starlette_app(), tracers=[tracer]) as client:
        assert client.get(path).status_code == 200
        recording = tracer.wait()[0]
    assert recording.route == route
    assert "ROUTE_MATCHED" in recording.events


def test_paths_without_a_route_do_not_make_names() -> None:
    tracer = RecordingTracer()
    with TestClient(starlette_app(), tracers=[tracer]) as client:
        for path in ("/none", "/nothing", "/shop/none", "/shop/nothing"):
            assert client.get(path).status_code == 404
        routes = {recording.route for recording in tracer.wait(4)}
    assert not any("no" in (route or "") for route in routes)
    assert len(routes) <= 2, "one for the application, one for the mount"


def test_only_a_scope_that_a_router_changed_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call into Python for nothing costs nearly as much as tracing. A router that is late is heard too."""
    asked: list[str] = []
    ask = RouteTemplates.__call__

    def counted(templates: RouteTemplates, scope: dict[str, Any]) -> Any:
        asked.append(scope["path"])
        return ask(templates, scope)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        if scope["path"] == "/late":
            scope["path_template"] = "/{when}"
        await send({"type": "http.response.body"})

    monkeypatch.setattr(RouteTemplates, "__call__", counted)
    tracer = RecordingTracer()
    with TestClient(app, tracers=[tracer], lifespan="off") as client:
        client.get("/plain")
        client.get("/late")
        assert [recording.route for recording in tracer.wait(2)] == [None, "/{when}"]
    assert asked == ["/late"]


def test_fastapi_router_prefix_is_part_of_the_route() -> None:
    app, router = FastAPI(), APIRouter(prefix="/v1")
    router.get("/items/{number}")(lambda number: {"number": number})
    app.include_router(router)
    tracer = RecordingTracer()
    with TestClient(app, tracers=[tracer]) as client:
        assert client.get("/v1/items/7").status_code == 200
        assert tracer.wait()[0].route == "/v1/items/{number}"


def test_application_reaches_its_record_both_ways() -> None:
    same: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        mine = wirespan.current()
        assert mine is not None
        mine.trace_info.stats.record(STEP)
        same.append(scope["extensions"]["wirespan"] is mine)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    tracer = RecordingTracer()
    with TestClient(app, tracers=[tracer]) as client:
        assert client.get("/").status_code == 200
        recording = tracer.wait()[0]
    assert same == [True]
    assert "test_asgi_step" in recording.events
    assert wirespan.current() is None


def test_events_of_an_asgi_exchange() -> None:
    tracer = RecordingTracer()
    with TestClient(starlette_app(), tracers=[tracer]) as client:
        client.get("/users/a")
        recording = tracer.wait()[0]
    order = [
        "HTTP_START",
        "READ_HEADER_START",
        "READ_HEADER_FINISH",
        "DISPATCHED",
        "SERVER_HANDLE_START",
        "RESPONSE_START",
        "WRITE_START",
        "WRITE_FINISH",
        "HTTP_FINISH",
    ]
    stamps = [recording.events[name].time_ns for name in order]
    assert stamps == sorted(stamps)
    assert sum(recording.states.values()) == recording.total_ns


def test_background_task_is_outside_the_states() -> None:
    background: list[int] = []

    class Background:
        def start(self, context: Any, request: wirespan.RequestContext) -> Any:
            return context

        def finish(self, context: Any, request: wirespan.RequestContext) -> None:
            background.append(request.trace_info.stats.background_ns)

    async def endpoint(request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello", background=BackgroundTask(asyncio.sleep, 0.1))

    tracer = RecordingTracer()
    app = Starlette(routes=[Route("/", endpoint)])
    with TestClient(app, tracers=[tracer, Background()]) as client:
        assert client.get("/").text == "hello"
        recording = tracer.wait()[0]
    assert background[0] >= 0.08e9
    assert recording.total_ns < 0.08e9
    assert recording.end_reason == "completed"


def test_lifespan_state_is_copied_into_each_request() -> None:
    seen: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["pool"] = "open"
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        seen.append(dict(scope["state"]))
        scope["state"]["mine"] = True
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    with TestClient(app) as client:
        for _ in range(2):
            assert client.get("/").status_code == 200
    assert seen == [{"pool": "open"}] * 2
