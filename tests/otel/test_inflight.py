"""What the viewer gets beyond spans: running requests each second, and the order of the states."""

import asyncio
import contextvars
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import httpx
import pytest

from harness import DEADLINE_S, wait_for
from harness.apps import gated
from wirespan import App
from wirespan.serving import serving
from wirespan.tracers import OpenTelemetry

Report = tuple[str, dict[str, str], dict[str, Any]]


class Viewer:
    """Keeps the reports that it gets; spans are taken and forgotten."""

    def __init__(self) -> None:
        self.reports: Queue[Report] = Queue()
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["content-type"] == "application/json":
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    kept.reports.put((self.path, headers, json.loads(body)))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def report(self) -> Report:
        return self.reports.get(timeout=DEADLINE_S)


@pytest.fixture
def viewer() -> Iterator[Viewer]:
    made = Viewer()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_running_requests_are_reported_until_none_runs(viewer: Viewer) -> None:
    """With the receiver's headers, in its place, and once more when it is over."""
    app, opened = gated()
    spans = OpenTelemetry(
        endpoint=viewer.url, headers={"authorization": "x"}, service_name="shop", inflight=True
    )
    with serving(app, tracers=[spans]) as server:
        waiting = threading.Thread(target=httpx.get, args=(f"{server.url}/report/7",))
        waiting.start()
        path, headers, told = viewer.report()
        assert (path, headers["authorization"]) == ("/v1/wirespan/inflight", "x")
        assert (told["service"], told["total"]) == ("shop", 1)
        assert [(one["route"], one["state"]) for one in told["requests"]] == [("/report/{number}", "await")]
        assert len(told["requests"][0]["trace_id"]) == 32
        later = viewer.report()[2]
        assert later["instance"] == told["instance"]
        assert later["requests"][0]["age_ns"] > told["requests"][0]["age_ns"]
        server.call(opened.set)
        waiting.join()
        last = later
        while last["total"]:
            last = viewer.report()[2]
        assert last["requests"] == []
    spans.close()


def test_a_viewer_that_is_away_is_no_news(away: str, caplog: pytest.LogCaptureFixture) -> None:
    """The reports go on; only the exporter says that its receiver is down, once it has spans."""
    app, opened = gated()
    spans = OpenTelemetry(endpoint=away, inflight=True)
    with serving(app, tracers=[spans]) as server:
        waiting = threading.Thread(target=httpx.get, args=(f"{server.url}/report/7",))
        waiting.start()
        wait_for(lambda: len(server.inflight()) == 1, "it runs")
        wait_for(lambda: server.inflight()[0]["age_ns"] > 1_200_000_000, "a report was tried")
        assert caplog.records == []
        server.call(opened.set)
        waiting.join()
    spans.close(0.0)


def test_nothing_is_reported_unasked(viewer: Viewer) -> None:
    """A foreign collector would not know what it is."""
    app, opened = gated()
    with serving(app, otlp=viewer.url) as server:
        waiting = threading.Thread(target=httpx.get, args=(f"{server.url}/report/7",))
        waiting.start()
        wait_for(lambda: len(server.inflight()) == 1, "it runs")
        wait_for(lambda: server.inflight()[0]["age_ns"] > 1_200_000_000, "a report would have come")
        server.call(opened.set)
        waiting.join()
    assert viewer.reports.empty()


def test_reports_need_to_know_their_place() -> None:
    """Where the endpoint has a path of its own, there is no telling where the viewer is."""
    with pytest.raises(ValueError, match="inflight: the endpoint must end with /v1/traces"):
        OpenTelemetry(endpoint="http://localhost/spans", inflight=True)


def test_the_order_of_states_is_an_attribute() -> None:
    """It sums to the totals."""
    spans = OpenTelemetry(exporter="memory", timeline=True)
    app = App(tracers=[spans])

    @app.get("/")
    async def index(ctx: Any) -> None:
        for _ in range(2):
            await asyncio.sleep(0.001)
        ctx.text("done")

    with serving(app) as server:
        httpx.get(server.url)
    [span] = spans.finished_spans()
    attributes = span["attributes"]
    items = [item.split("=") for item in attributes["wirespan.state.timeline"].split(",")]
    assert [state for state, _ in items if state in {"run", "await"}] == [
        "run",
        "await",
        "run",
        "await",
        "run",
    ]
    for state in ("queue", "read", "schedule", "run", "await", "write"):
        total = sum(int(ns) for name, ns in items if name == state)
        assert attributes[f"wirespan.state.{state}_ns"] == total


@pytest.mark.parametrize("wanted", [True, False])
def test_a_python_tracer_asks_for_the_order(wanted: bool) -> None:
    """By an attribute; without it the list is empty."""

    class Timelines:
        wants_timeline = wanted

        def start(self, context: contextvars.Context, request: Any) -> contextvars.Context:
            return context

        def finish(self, context: contextvars.Context, request: Any) -> None:
            seen.append((request.trace_info.stats.timeline(), request.trace_info.stats.states()))

    seen: list[tuple[list[tuple[str, int]], dict[str, int]]] = []
    with serving(App(), tracers=[Timelines()]) as server:
        httpx.get(server.url)
    [(timeline, states)] = seen
    assert sum(ns for _, ns in timeline) == (sum(states.values()) if wanted else 0)
