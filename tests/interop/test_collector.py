"""A real Collector reads what we send; it dies or hangs under load: no span is lost, no request waits."""

import http.client
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pytest

from cli.commands import Serving
from interop.collector import Collector, passing
from interop.program import build
from otel.receiver import Receiver
from wirespan import App, RequestContext
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry

pytestmark = [pytest.mark.interop, pytest.mark.timeout(900)]

OUTAGES = 3
REQUESTS = 1500  # in each phase
BATCH = 1_024  # the default of OTEL_BSP_MAX_EXPORT_BATCH_SIZE


@pytest.fixture(scope="session")
def program() -> Path:
    return build("collector")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def arrived(receiver: Receiver) -> list[Any]:
    """The spans of the load, repeated ones included."""
    return [
        span
        for request in receiver.requests
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
        if span.name == "GET /items/{id}"
    ]


def durations_s(spans: list[Any], phase: str) -> list[float]:
    """What the server itself measured, from the kernel's receive time on."""
    return [
        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
        for span in spans
        if any(pair.key == "url.path" and pair.value.string_value.endswith(phase) for pair in span.attributes)
    ]


def assert_latency_does_not_move(spans: list[Any], calm: str, troubled: str) -> None:
    """Median and 99th percentile while the receiver was in trouble, beside those while it was not.

    Measured on two shared cores: 19 us and 19 us, 87 us and 120 us.
    """
    before, during = durations_s(spans, calm), durations_s(spans, troubled)
    for name, at, most in (("median", 49, 1.5), ("99th percentile", 98, 4)):
        usual, then = (statistics.quantiles(times, n=100)[at] for times in (before, during))
        assert then / usual < most, f"{name}: {usual * 1e6:.0f} us, in trouble {then * 1e6:.0f}"


def metrics_of(receiver: Receiver) -> dict[str, Any]:
    """The first report: only the one after a measurement has its exemplar."""
    [resource] = receiver.metrics[0].resource_metrics
    return {metric.name: metric for metric in resource.scope_metrics[0].metrics}


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_collector_understands_every_field(
    program: Path,
    receiver: Receiver,
    tmp_path: Path,
    protocol: Literal["http/protobuf", "http/json"],
    compression: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes out behind the Collector is what the same exchange gives in memory."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    app = App()

    @app.get("/items/{id}")
    async def item(ctx: RequestContext) -> None:
        ctx.text("one")

    with passing(program, tmp_path, receiver.url) as collector:
        sent = OpenTelemetry(service_name="shop", endpoint=collector.url, protocol=protocol, events=True)
        done = RecordingTracer()
        with TestClient(app, tracers=[done, sent]) as client:
            headers = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-03", "tracestate": "us=1,them=2"}
            client.get("/items/7?q=caf%C3%A9&sig=secret", headers=headers)
            done.wait()
        assert sent.close(10), sent.status()
        assert sent.status()["exported"] == 1
    [request] = receiver.requests
    [resource_spans] = request.resource_spans
    [span] = resource_spans.scope_spans[0].spans
    values = {pair.key: pair.value for pair in span.attributes}
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == ("a" * 32, "b" * 16)
    assert (span.name, span.kind) == ("GET /items/{id}", span.SPAN_KIND_SERVER)
    assert span.trace_state == "us=1,them=2"
    assert values["http.response.status_code"].int_value == 200
    assert values["url.query"].string_value == "q=caf%C3%A9&sig=REDACTED"
    states = sum(value.int_value for key, value in values.items() if key.startswith("wirespan.state."))
    assert states == span.end_time_unix_nano - span.start_time_unix_nano
    assert [event.name for event in span.events][-1] == "HTTP_FINISH"
    assert span.flags & 0x3FF == 0x303  # sampled, random; parent known to be remote
    [point] = metrics_of(receiver)["http.server.request.duration"].histogram.data_points
    assert (point.count, len(point.bucket_counts)) == (1, len(point.explicit_bounds) + 1)
    assert point.sum == pytest.approx((span.end_time_unix_nano - span.start_time_unix_nano) / 1e9)
    assert [exemplar.span_id for exemplar in point.exemplars] == [span.span_id]
    assert {pair.key: pair.value.string_value for pair in point.attributes}["http.route"] == "/items/{id}"


class Load:
    """Requests one after another on one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> bytes:
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        assert response.status == 200
        return response.read()

    def run(self, phase: str, count: int = REQUESTS) -> None:
        for _ in range(count):
            self.get(f"/items/{phase}")
        self.sent += count

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.get("/status"))
        return status


@contextmanager
def shop(collector: Collector, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Load]:
    """The server in a process of its own, with a spool, and load on it."""
    patch.setenv("SPOOL_DIR", str(folder / "spool"))
    patch.setenv("RECEIVER_URL", collector.url)
    patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    with (
        Serving("interop.shop:app", "--port", "0", cwd=Path(__file__).parents[1]) as server,
        Load(server.port) as load,
    ):
        load.run("warm")
        yield load


def test_no_span_is_lost_while_a_collector_dies_and_returns(
    program: Path, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        passing(program, tmp_path, receiver.url) as collector,
        shop(collector, tmp_path, monkeypatch) as load,
    ):
        for _ in range(OUTAGES):
            load.run("up")
            die_in_mid_load(collector, load)
            load.run("down")
            collector.start()
        wait_until_delivered(receiver, load)
        status = load.status()
    times = deliveries(receiver, load, status)
    # What was behind the Collector already, but whose answer died with it, is sent once more: OTLP delivers
    # at least once. It is at most what was in flight at each kill.
    assert max(times.values()) <= 1 + OUTAGES
    assert times.total() - len(times) <= OUTAGES * BATCH
    assert_latency_does_not_move(arrived(receiver), "up", "down")


def test_no_request_waits_while_a_collector_hangs(
    program: Path, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes connections and requests, and answers none: the worst that a receiver can do."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
    with (
        passing(program, tmp_path, receiver.url) as collector,
        shop(collector, tmp_path, monkeypatch) as load,
    ):
        for _ in range(OUTAGES):
            load.run("up")
            collector.pause()
            failed = load.status()["failed_requests"]
            while load.status()["failed_requests"] == failed:
                load.run("hanging", REQUESTS // 10)
            load.run("hanging")
            collector.go_on()
            wait_until_delivered(receiver, load)
        status = load.status()
    times = deliveries(receiver, load, status)
    # The Collector reads on where it was stopped: what was given up may have arrived all the same.
    assert times.total() - len(times) <= status["failed_requests"] * BATCH
    assert_latency_does_not_move(arrived(receiver), "up", "hanging")


def deliveries(receiver: Receiver, load: Load, status: dict[str, Any]) -> Counter[bytes]:
    """How often each span arrived, after checking that none was lost."""
    times = Counter(span.span_id for span in arrived(receiver))
    assert len(times) == load.sent
    assert not any(status["dropped"].values()), status
    return times


def die_in_mid_load(collector: Collector, load: Load) -> None:
    """Kills it while requests, and so spans, are under way."""
    killer = threading.Thread(target=collector.kill)
    load.run("dying", REQUESTS // 2)
    killer.start()
    load.run("dying", REQUESTS // 2)
    killer.join()


def wait_until_delivered(receiver: Receiver, load: Load) -> None:
    deadline = time.monotonic() + 60
    while (count := len({span.span_id for span in arrived(receiver)})) < load.sent:
        assert time.monotonic() < deadline, (count, load.sent, load.status())
        time.sleep(0.1)
