"""Spans of real requests, as the in-memory exporter gets them."""

import json
from pathlib import Path
from typing import Any

import pytest

from otel.receiver import Receiver
from wirespan import App, RequestContext
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import AccessLog, OpenTelemetry

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{PARENT}-01"
STATES = ("queue", "read", "schedule", "run", "await", "write")


class SoldOutError(LookupError):
    """An error of the application's own."""


def shop() -> App:
    app = App()

    @app.get("/items/{id:int}")
    async def item(ctx: RequestContext) -> None:
        ctx.json(ctx.params)

    @app.get("/broken")
    async def broken(ctx: RequestContext) -> None:
        raise SoldOutError("no such thing")

    @app.get("/health")
    async def health(ctx: RequestContext) -> None:
        ctx.text("fine")

    return app


def get(
    spans: OpenTelemetry, path: str, headers: dict[str, str] | None = None, **more: Any
) -> dict[str, str]:
    """One request; returns once its exchange is over, with the headers of the response."""
    done = RecordingTracer()
    with TestClient(shop(), tracers=[spans, done, *more.pop("tracers", [])]) as client:
        response = client.get(path, headers=headers)
        done.wait()
    return dict(response.headers)


def only(spans: OpenTelemetry) -> dict[str, Any]:
    [span] = spans.finished_spans()
    return span


def test_a_span_tells_of_its_request() -> None:
    spans = OpenTelemetry(exporter="memory", request_headers=["X-Shop"], response_headers=["content-type"])
    get(spans, "/items/7?q=shoes&sig=secret", {"x-shop": "main"})
    span = only(spans)
    assert (span["name"], span["kind"], span["status"]) == ("GET /items/{id:int}", "server", "unset")
    assert span["parent_span_id"] is None
    assert len(span["trace_id"]) == 32
    assert len(span["span_id"]) == 16
    assert span["end_unix_ns"] > span["start_unix_ns"]
    attributes = span["attributes"]
    expected = {
        "http.request.method": "GET",
        "url.path": "/items/7",
        "url.query": "q=shoes&sig=REDACTED",
        "url.scheme": "http",
        "http.route": "/items/{id:int}",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "server.address": "127.0.0.1",
        "client.address": "127.0.0.1",
        "wirespan.end_reason": "completed",
        "http.request.header.x-shop": ["main"],
        "http.response.header.content-type": ["application/json"],
    }
    assert attributes | expected == attributes
    states = [attributes[f"wirespan.state.{name}_ns"] for name in STATES]
    assert sum(states) == span["end_unix_ns"] - span["start_unix_ns"]
    assert span["events"] == []
    assert spans.finished_spans() == []


def test_events_are_span_events_when_asked_for() -> None:
    spans = OpenTelemetry(exporter="memory", events=True)
    get(spans, "/items/7")
    span = only(spans)
    names = [event["name"] for event in span["events"]]
    assert "SERVER_HANDLE_START" in names
    assert all(event["time_unix_ns"] <= span["end_unix_ns"] for event in span["events"])


def test_an_exception_makes_an_error() -> None:
    spans = OpenTelemetry(exporter="memory")
    get(spans, "/broken")
    span = only(spans)
    assert (span["status"], span["attributes"]["http.response.status_code"]) == ("error", 500)
    assert span["attributes"]["error.type"] == f"{__name__}.SoldOutError"
    [event] = span["events"]
    told = event["attributes"]
    assert (told["exception.type"], told["exception.message"]) == (
        f"{__name__}.SoldOutError",
        "no such thing",
    )
    assert told["exception.stacktrace"].startswith("Traceback (most recent call last):")
    assert "in broken\n    raise SoldOutError" in told["exception.stacktrace"]


def test_a_stack_is_bounded_and_ends_where_it_was_raised() -> None:
    """One for each of 1,024 spans in a request must fit into what receivers take."""
    app, spans = App(), OpenTelemetry(exporter="memory")

    @app.get("/")
    async def begin(ctx: RequestContext) -> None:
        raise LookupError("\u00e9" * 20_000 + " the end")

    with TestClient(app, tracers=[spans]) as client:
        client.get("/")
    [event] = only(spans)["events"]
    stack = event["attributes"]["exception.stacktrace"]
    assert len(stack.encode()) == 16_383, "16 KiB, without half a character"
    assert stack.endswith("\u00e9 the end\n")


def test_the_callers_trace_goes_on() -> None:
    spans = OpenTelemetry(exporter="memory")
    get(spans, "/items/7", {"traceparent": CALLER, "tracestate": "vendor=1"})
    span = only(spans)
    assert (span["trace_id"], span["parent_span_id"], span["trace_state"]) == (TRACE, PARENT, "vendor=1")


def test_a_caller_who_does_not_record_is_followed() -> None:
    spans = OpenTelemetry(exporter="memory")
    get(spans, "/items/7", {"traceparent": CALLER[:-1] + "0"})
    assert spans.finished_spans() == []
    assert (spans.status()["kept"], spans.status()["sampled_out"]) == (0, 1)


@pytest.mark.parametrize(("trust", "is_trusted"), [("always", True), ("never", False)])
def test_trust_in_words(trust: Any, is_trusted: bool) -> None:
    spans = OpenTelemetry(exporter="memory", trust=trust)
    get(spans, "/items/7", {"traceparent": CALLER})
    span = only(spans)
    assert (span["trace_id"] == TRACE) is is_trusted
    linked = [{"trace_id": TRACE, "span_id": PARENT, "attributes": {}}]
    assert span["links"] == ([] if is_trusted else linked)


@pytest.mark.parametrize(("network", "is_trusted"), [("127.0.0.0/8", True), ("10.0.0.0/8", False)])
def test_trust_in_networks(network: str, is_trusted: bool) -> None:
    spans = OpenTelemetry(exporter="memory", trust=[network])
    get(spans, "/items/7", {"traceparent": CALLER})
    assert (only(spans)["trace_id"] == TRACE) is is_trusted


def test_other_propagators() -> None:
    spans = OpenTelemetry(exporter="memory", propagators=["b3"])
    get(
        spans,
        "/items/7",
        {"b3": f"{TRACE}-{PARENT}-1", "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"},
    )
    assert only(spans)["trace_id"] == TRACE
    deaf = OpenTelemetry(exporter="memory", propagators=[])
    get(deaf, "/items/7", {"traceparent": CALLER})
    assert only(deaf)["trace_id"] != TRACE


def test_the_client_is_told_when_wanted() -> None:
    spans = OpenTelemetry(exporter="memory", reply_headers=["traceresponse", "server-timing"])
    headers = get(spans, "/items/7")
    span = only(spans)
    assert f"{span['trace_id']}-{span['span_id']}" in headers["traceresponse"]
    assert span["trace_id"] in headers["server-timing"]


def test_ignored_requests_are_in_no_sink(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(path=str(path))
    spans = OpenTelemetry(exporter="memory", ignore=["/health", "/items/*"])
    get(spans, "/health", tracers=[log])
    get(spans, "/items/7", tracers=[log])
    get(spans, "/broken", tracers=[log])
    assert [span["name"] for span in spans.finished_spans()] == ["GET /broken"]
    assert log.flush()
    assert [json.loads(line)["path"] for line in path.read_text().splitlines()] == ["/broken"]


def test_the_servers_option_ignores_without_a_tracer_that_does(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(path=str(path))
    with TestClient(shop(), tracers=[log], ignore=["/health"]) as client:
        client.get("/health")
        client.get("/broken")
    assert log.flush()
    assert [json.loads(line)["path"] for line in path.read_text().splitlines()] == ["/broken"]


def test_opt_in_attributes() -> None:
    names = ["client.port", "network.transport", "http.response.body.size", "http.request.body.size"]
    spans = OpenTelemetry(exporter="memory", attributes=names)
    get(spans, "/items/7")
    attributes = only(spans)["attributes"]
    expected = {"network.transport": "tcp", "http.response.body.size": 8, "http.request.body.size": 0}
    assert attributes | expected == attributes
    assert attributes["client.port"] == attributes["network.peer.port"]
    assert "network.local.port" not in attributes


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "5", 5),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "0", 0),
    ],
)
def test_limits(name: str, value: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    spans = OpenTelemetry(exporter="memory")
    get(spans, "/items/7")
    span = only(spans)
    assert len(span["attributes"]) == count
    assert span["dropped_attributes"] > 0


def test_a_ratio_that_presumes_random_ids_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """The specification wants one warning: another service may decide differently about the same trace."""
    with Receiver() as receiver, caplog.at_level("WARNING", "wirespan"):
        spans = OpenTelemetry(endpoint=receiver.url, sampler="traceidratio", sampler_arg=0.5)
        for _ in range(2):
            get(spans, "/items/7", {"traceparent": CALLER})
        assert spans.close(10)
    told = [record.getMessage() for record in caplog.records]
    assert [line for line in told if "ids as random" in line] == told
    assert len(told) == 1


def test_the_access_log_has_the_ids(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(path=str(path))
    spans = OpenTelemetry(exporter="memory")
    get(spans, "/items/7", tracers=[log])
    assert log.flush()
    span, line = only(spans), json.loads(path.read_text())
    assert (line["trace_id"], line["span_id"]) == (span["trace_id"], span["span_id"])


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"sampler": "always_off"}, 0),
        ({"sampler": "traceidratio", "sampler_arg": 0.0}, 0),
        ({"sampler_arg": 0.0}, 0),
        ({"sampler": "traceidratio", "sampler_arg": 1}, 1),
        ({"sampler": "always_on"}, 1),
        ({"exporter": "none"}, 0),
    ],
)
def test_head_sampling(options: dict[str, Any], kept: int) -> None:
    spans = OpenTelemetry(**({"exporter": "memory"} | options))
    get(spans, "/items/7")
    assert spans.status()["kept"] == kept


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"keep_ratio": 0}, ["/broken"]),
        ({"keep_ratio": 0, "keep_errors": False}, []),
        ({"keep_ratio": 0, "keep_errors": False, "keep_slower_than_s": 0}, ["/items/7", "/broken"]),
        ({"sampler": "always_off", "keep_errors": True}, ["/broken"]),
        ({"max_spans_per_s": 0.001}, ["/items/7"]),
        ({"keep_ratio": 0, "keep_errors": False, "keep_slower_than_s": {"/items/*": 0}}, ["/items/7"]),
        ({"keep_ratio": 0, "keep_slower_than_s": {"/items/*": 9, "*": 0}, "keep_errors": False}, ["/broken"]),
        ({"keep_ratio": 0, "keep_errors": False, "keep_state_longer_than_s": {"write": 9}}, []),
        (
            {"keep_ratio": 0, "keep_errors": False, "keep_state_longer_than_s": {"run": 0}},
            ["/items/7", "/broken"],
        ),
    ],
)
def test_tail_sampling(options: dict[str, Any], kept: list[str]) -> None:
    spans = OpenTelemetry(exporter="memory", **options)
    get(spans, "/items/7")
    get(spans, "/broken")
    assert [span["attributes"]["url.path"] for span in spans.finished_spans()] == kept
    assert spans.status()["rate_limited"] == ("max_spans_per_s" in options)


def test_the_sdk_can_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "True")
    spans = OpenTelemetry(exporter="memory")
    get(spans, "/items/7")
    assert spans.finished_spans() == []
