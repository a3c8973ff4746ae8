"""The public test client, recording tracer and clock."""

import asyncio
import threading

import pytest

from harness import DEADLINE_S
from wirespan import App, RequestContext
from wirespan.errors import UsageError
from wirespan.testing import ManualClock, RecordingTracer, TestClient


def hello() -> App:
    app = App()

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        ctx.text("hello")

    return app


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_it_serves_on_both_loops(loop: str) -> None:
    """What users run their server with, they can test with."""
    with TestClient(hello(), loop=loop) as client:
        assert client.get("/").text == "hello"


def test_it_serves_asgi_applications() -> None:
    """The same client for a FastAPI application."""

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    with TestClient(app, lifespan="off") as client:
        assert client.get("/path").text == "/path"


def test_a_plain_connection_is_exact_to_the_byte() -> None:
    """For what no HTTP client would send."""
    with TestClient(hello()) as client, client.connect() as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n")
        peer.sendall(b"Host: x\r\n\r\n")
        assert peer.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_failing_start_is_raised_where_the_block_begins() -> None:
    """A test must fail there, not hang."""
    app = hello()

    @app.on_startup
    def fails() -> None:
        raise OSError("no database")

    with pytest.raises(Exception, match="no database"), TestClient(app):
        raise AssertionError("never runs")


def test_what_a_called_function_raises_comes_back() -> None:
    """`call` works like a plain call, but on the thread of the loop."""
    with TestClient(hello()) as client:
        assert client.call(lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            client.call(lambda: 1 // 0)


def test_tracers_start_in_order_and_finish_in_reverse() -> None:
    """As the Tracer contract says; several share one list to see it."""
    calls: list[str] = []
    first, second = RecordingTracer("first", calls), RecordingTracer("second", calls)
    with TestClient(hello(), tracers=[first, second]) as client:
        client.get("/")
        first.wait()
    assert calls == ["first.start", "second.start", "second.finish", "first.finish"]


def test_waiting_for_too_many_says_how_many_there_were() -> None:
    """The number is what one needs to find the mistake."""
    with pytest.raises(TimeoutError, match="0 of 2 exchanges"):
        RecordingTracer().wait(2, timeout_s=0)


@pytest.mark.wire
def test_a_manual_clock_moves_only_when_the_test_says_so() -> None:
    """An hour's idle time in no time."""
    clock, tracer = ManualClock(), RecordingTracer()
    with TestClient(hello(), tracers=[tracer], clock=clock) as client:
        client.get("/")
        (recording,) = tracer.wait()
        assert recording.events["HTTP_START"].time_ns == 1_000_000_000
        clock.now_ns += 3_600_000_000_000
        client.tick()
        client.get("/")
        later = tracer.wait(2)[1]
    assert later.events["HTTP_START"].time_ns == 3_601_000_000_000


@pytest.mark.wire
def test_a_handler_that_never_ends_is_cancelled_after_the_time_given() -> None:
    """A test with such a mistake must end, too, and its record says why."""
    app, tracer, begun = hello(), RecordingTracer(), threading.Event()

    @app.get("/never")
    async def never(ctx: RequestContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    with TestClient(app, tracers=[tracer], timeout_shutdown_s=0.01) as client, client.connect() as peer:
        peer.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(DEADLINE_S)
    (recording,) = tracer.wait()
    assert recording.end_reason == "shutdown"


def test_a_second_block_is_refused_in_plain_words() -> None:
    """A client that was shut down cannot come back."""
    client = TestClient(hello())
    with client:
        assert client.get("/").text == "hello"
    with pytest.raises(UsageError, match="make another one"), client:
        raise AssertionError("never runs")
