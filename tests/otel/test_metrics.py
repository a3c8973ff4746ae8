"""What is counted of real requests, and its exemplars."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from wirespan import App, RequestContext
from wirespan._core import metric_table
from wirespan.serving import serving
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry

STATES = ("queue", "read", "schedule", "run", "await", "write")
DURATION = "http.server.request.duration"
ACTIVE = "http.server.active_requests"


def shop() -> App:
    app = App()

    @app.get("/items/{id:int}")
    async def item(ctx: RequestContext) -> None:
        ctx.json(ctx.params)

    @app.post("/items")
    async def add(ctx: RequestContext) -> None:
        ctx.text("x" * len(await ctx.body()), status=201)

    @app.get("/broken")
    async def broken(ctx: RequestContext) -> None:
        raise LookupError("no such thing")

    @app.get("/health")
    async def health(ctx: RequestContext) -> None:
        ctx.text("fine")

    return app


def metric(given: OpenTelemetry | list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The points of a metric; none where it has none."""
    metrics = given.collected_metrics() if isinstance(given, OpenTelemetry) else given
    return next((each["points"] for each in metrics if each["name"] == name), [])


def value(given: OpenTelemetry, name: str) -> int:
    [point] = metric(given, f"wirespan.server.{name}")
    number: int = point["value"]
    return number


def serve(otel: OpenTelemetry, *requests: tuple[str, str], **more: Any) -> None:
    """Makes requests; returns once their exchanges are over."""
    done = RecordingTracer()
    with TestClient(shop(), tracers=[done, otel]) as client:
        for method, path in requests:
            client.request(method, path, **more)
        done.wait(len(requests))


def test_requests_are_counted_by_route_and_outcome() -> None:
    otel = OpenTelemetry(exporter="memory")
    serve(otel, ("GET", "/items/1"), ("GET", "/items/2"), ("GET", "/broken"), ("GET", "/nowhere"))
    points = {point["attributes"].get("http.route", ""): point for point in metric(otel, DURATION)}
    assert {route: point["count"] for route, point in points.items()} == {
        "/items/{id:int}": 2,
        "/broken": 1,
        "": 1,
    }
    assert points["/items/{id:int}"]["attributes"] == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.route": "/items/{id:int}",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    broken = points["/broken"]["attributes"]
    assert (broken["http.response.status_code"], broken["error.type"]) == (500, "LookupError")
    assert points[""]["attributes"]["http.response.status_code"] == 404


def test_a_request_has_the_duration_of_its_span() -> None:
    otel = OpenTelemetry(exporter="memory")
    serve(otel, ("GET", "/items/1"))
    [span] = otel.finished_spans()
    metrics = otel.collected_metrics()
    [point] = metric(metrics, DURATION)
    nanoseconds = span["end_unix_ns"] - span["start_unix_ns"]
    assert point["sum"] == point["min"] == point["max"] == nanoseconds / 1e9
    states = {
        each["attributes"]["wirespan.state"]: each["sum"]
        for each in metric(metrics, "wirespan.server.state.duration")
    }
    assert states == {name: span["attributes"][f"wirespan.state.{name}_ns"] / 1e9 for name in STATES}


def test_buckets_hold_what_belongs_there() -> None:
    otel = OpenTelemetry(exporter="memory")
    serve(otel, ("GET", "/items/1"), ("GET", "/items/2"))
    for each in otel.collected_metrics():
        for point in each["points"] if each["kind"] == "histogram" else []:
            assert sum(point["buckets"]) == point["count"]
            assert len(point["buckets"]) == len(point["bounds"]) + 1
            least = next(at for at, count in enumerate(point["buckets"]) if count)
            lower = point["bounds"][least - 1] if least else -1
            assert lower < point["min"]
            assert least == len(point["bounds"]) or point["min"] <= point["bounds"][least]


def test_bodies_are_measured() -> None:
    otel = OpenTelemetry(exporter="memory")
    serve(otel, ("POST", "/items"), content=b"x" * 1000)
    serve(otel, ("POST", "/items"))
    for name in ("request", "response"):
        [point] = metric(otel, f"http.server.{name}.body.size")
        assert (point["count"], point["sum"], point["min"], point["max"]) == (2, 1000.0, 0.0, 1000.0)
        assert point["buckets"][0] == 1, "the first bucket has what has no body"


def test_methods_are_folded() -> None:
    otel = OpenTelemetry(exporter="memory")
    serve(otel, ("PURGE", "/nowhere"), ("BREW", "/nowhere"))
    [point] = metric(otel, DURATION)
    assert (point["attributes"]["http.request.method"], point["count"]) == ("_OTHER", 2)
    assert metric(otel, ACTIVE) == [
        {"attributes": {"http.request.method": "_OTHER", "url.scheme": "http"}, "value": 0}
    ]


def test_known_methods_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "PURGE")
    otel = OpenTelemetry(exporter="memory")
    serve(otel, ("PURGE", "/nowhere"), ("GET", "/nowhere"))
    methods = [point["attributes"]["http.request.method"] for point in metric(otel, DURATION)]
    assert methods == ["PURGE", "_OTHER"]


def test_requests_and_connections_under_way() -> None:
    app, otel, done = App(), OpenTelemetry(exporter="memory"), RecordingTracer()
    arrived, go_on = threading.Event(), asyncio.Event()

    @app.get("/slow")
    async def slow(ctx: RequestContext) -> None:
        arrived.set()
        await go_on.wait()

    with serving(app, tracers=[done, otel]) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
            assert arrived.wait(10)
            assert [point["value"] for point in metric(otel, ACTIVE)] == [1]
            assert value(otel, "active_connections") == 1
            server.call(go_on.set)
            done.wait()
        # Sinks are told after tracers, in the same step of the loop.
        assert server.call(lambda: [point["value"] for point in metric(otel, ACTIVE)]) == [0]
    assert (value(otel, "active_connections"), value(otel, "accepted_connections")) == (0, 1)


def test_connections_above_the_limit_are_refused() -> None:
    otel = OpenTelemetry(exporter="memory")
    with serving(shop(), tracers=[otel], limit_connections=1) as server:
        address = ("127.0.0.1", server.port)
        with socket.create_connection(address) as first, socket.create_connection(address) as second:
            for connection in (first, second):
                connection.sendall(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n")
            answers = {connection.recv(1000)[:12] for connection in (first, second)}
    assert answers == {b"HTTP/1.1 200", b"HTTP/1.1 503"}
    assert (value(otel, "accepted_connections"), value(otel, "refused_connections")) == (2, 1)


def test_threads_of_def_handlers() -> None:
    app, otel, done = App(), OpenTelemetry(exporter="memory"), RecordingTracer()
    running, go_on = threading.Semaphore(0), threading.Event()

    @app.get("/slow")
    def slow(ctx: RequestContext) -> None:
        running.release()
        go_on.wait(10)

    with serving(app, tracers=[done, otel], threads=1) as server:
        connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
        for connection in connections:
            connection.sendall(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        assert running.acquire(timeout=10)
        while server.call(lambda: value(otel, "threads.queued")) != 1:
            pass  # the other request is on its way to the queue
        assert (value(otel, "threads.busy"), value(otel, "threads.limit")) == (1, 1)
        go_on.set()
        done.wait(2)
        for connection in connections:
            connection.close()
    values = [value(otel, f"threads.{name}") for name in ("busy", "queued", "limit")]
    assert values == [0, 0, 0]


def test_a_late_loop_is_seen() -> None:
    app, otel, done = App(), OpenTelemetry(exporter="memory"), RecordingTracer()

    @app.get("/blocks")
    async def blocks(ctx: RequestContext) -> None:
        threading.Event().wait(0.6)  # longer than the timer's interval

    with serving(app, tracers=[done, otel]) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"GET /blocks HTTP/1.1\r\nhost: a\r\n\r\n")
            done.wait()
        while not (points := metric(otel, "wirespan.server.loop.lag")):
            server.call(lambda: None)
    assert points[0]["max"] > 0.1


def test_exemplars_lead_to_exported_spans() -> None:
    otel = OpenTelemetry(exporter="memory")
    serve(otel, ("GET", "/items/1"))
    [span] = otel.finished_spans()
    metrics = otel.collected_metrics()
    names = [DURATION, "http.server.response.body.size", "wirespan.server.state.duration"]
    for name in names:
        for point in metric(metrics, name):
            [exemplar] = point["exemplars"]
            assert (exemplar["trace_id"], exemplar["span_id"]) == (span["trace_id"], span["span_id"])
            assert exemplar["value"] == point["sum"]
            assert exemplar["time_unix_ns"] == span["end_unix_ns"]


@pytest.mark.parametrize(
    ("options", "name", "expected"),
    [
        ({"sampler": "always_off"}, None, 0),
        ({"sampler": "always_off"}, "trace_based", 0),
        ({"sampler": "always_off"}, "always_on", 1),
        ({}, "always_off", 0),
        ({"keep_ratio": 0}, None, 0),
    ],
)
def test_which_exemplars(
    options: dict[str, Any], name: str | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that the tail sampler drops is none: its trace would not be found."""
    if name:
        monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", name)
    otel = OpenTelemetry(exporter="memory", **options)
    serve(otel, ("GET", "/items/1"))
    [point] = metric(otel, DURATION)
    assert (point["count"], len(point["exemplars"])) == (1, expected)


def test_ignored_requests_are_not_counted() -> None:
    otel = OpenTelemetry(exporter="memory", ignore=["/health", "/items/{id:int}"])
    serve(otel, ("GET", "/health"), ("GET", "/items/1"), ("GET", "/broken"))
    assert [point["attributes"]["http.route"] for point in metric(otel, DURATION)] == ["/broken"]
    assert [point["value"] for point in metric(otel, ACTIVE)] == [0]


def test_what_is_counted_is_in_the_table() -> None:
    """Documentation is made from the table; here it is held to what comes out."""
    table = {
        name: (kind, unit, set(attributes), bounds)
        for name, kind, unit, attributes, _, bounds in metric_table()
    }
    otel = OpenTelemetry(endpoint="http://127.0.0.1:1", metrics="memory")
    serve(otel, ("GET", "/items/1"), ("GET", "/broken"))
    metrics = otel.collected_metrics()
    otel.close(0.0)
    # What only an export has: nothing has arrived, and metrics stay in memory.
    exports = {f"otel.sdk.exporter.{name}" for name in ("operation.duration", "metric_data_point.inflight")}
    exports.add("otel.sdk.exporter.metric_data_point.exported")
    assert {each["name"] for each in metrics} | exports == set(table)
    for each in metrics:
        kind, unit, attributes, bounds = table[each["name"]]
        assert (each["kind"], each["unit"]) == (kind, unit)
        for point in each["points"]:
            assert set(point["attributes"]) <= attributes, each["name"]
            assert point.get("bounds", []) == bounds


def test_no_metrics_when_they_are_not_wanted() -> None:
    otel = OpenTelemetry(exporter="memory", metrics=False)
    serve(otel, ("GET", "/items/1"))
    assert otel.collected_metrics() == []
    assert "metrics" not in otel.status()
