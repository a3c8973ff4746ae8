"""An orderly stop finishes what runs; the rest ends with a record each (design section 7)."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from harness import DEADLINE_S, HELLO, Recorder, Server, request
from harness.server import Handler
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


def gated() -> tuple[Handler, threading.Event, threading.Event]:
    """A handler that says it runs and waits to be let go."""
    running, release = threading.Event(), threading.Event()

    async def handler(exchange: Exchange) -> None:
        running.set()
        while not release.is_set():
            await asyncio.sleep(0.005)
        exchange.reply(200, "text/plain", b"hello")

    return handler, running, release


def test_running_request_is_finished_and_told_to_close(serve: Serve, recorder: Recorder, loop: str) -> None:
    handler, running, release = gated()
    server = serve(handler, tracers=[recorder], loop=loop)
    with server.connect() as client:
        client.send(request())
        assert running.wait(DEADLINE_S)
        idle = server.drain()
        assert not idle.wait(0.1), "something still runs"
        release.set()
        response = client.response()
        assert (response.body, response.closes) == (b"hello", True)
        client.expect_closed()
        assert idle.wait(DEADLINE_S)
    assert recorder.one().end_reason == "completed"


def test_idle_connection_is_closed_at_once(serve: Serve) -> None:
    server = serve()
    with server.connect() as client:
        client.send(request())
        client.expect(HELLO)
        idle = server.drain()
        client.expect_closed()
        assert idle.wait(DEADLINE_S)


def test_new_connection_is_refused(serve: Serve) -> None:
    server = serve()
    server.drain()
    with pytest.raises(ConnectionError):
        server.connect()


def test_drain_without_connections_is_idle_at_once(serve: Serve) -> None:
    assert serve().drain().wait(DEADLINE_S)


@pytest.mark.parametrize("sent", [request(), request(method="POST", body=b"abc")[:-1], b"GET / HT"])
def test_abort_ends_every_exchange_with_a_record(serve: Serve, recorder: Recorder, sent: bytes) -> None:
    handler, _, _ = gated()
    server = serve(handler, tracers=[recorder])
    with server.connect() as client:
        client.send(sent)
        recorder.wait_started()
        server.call(server.engine.abort)
        assert recorder.one().end_reason == "shutdown"
        client.read_all()


def test_abort_cancels_the_handler(serve: Serve) -> None:
    running, cancelled = threading.Event(), threading.Event()

    async def handler(exchange: Exchange) -> None:
        running.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    server = serve(handler)
    with server.connect() as client:
        client.send(request())
        assert running.wait(DEADLINE_S)
        server.call(server.engine.abort)
        assert cancelled.wait(DEADLINE_S)
