"""A client that goes away is noticed while the handler runs, and every exchange still ends."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from harness import DEADLINE_S, Client, Recorder, Server, request, wait_for
from wirespan._core import Disconnected, Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
Leave = Callable[[Client], None]
leaving = pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["close", "reset"])


@leaving
def test_waiting_handler_can_see_it(serve: Serve, recorder: Recorder, leave: Leave, loop: str) -> None:
    running, seen = threading.Event(), threading.Event()

    async def handler(exchange: Exchange) -> None:
        running.set()
        while not exchange.is_disconnected:
            await asyncio.sleep(0.005)
        seen.set()

    with serve(handler, tracers=[recorder], loop=loop).connect() as client:
        client.send(request())
        assert running.wait(DEADLINE_S)
        leave(client)
        assert seen.wait(DEADLINE_S)
        assert recorder.one().end_reason == "client_disconnected"


@leaving
def test_read_raises_it(serve: Serve, recorder: Recorder, leave: Leave) -> None:
    caught: list[BaseException] = []
    running = threading.Event()

    async def handler(exchange: Exchange) -> None:
        running.set()
        try:
            while await exchange.read():
                pass
        except Disconnected as error:
            caught.append(error)
            raise

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert running.wait(DEADLINE_S)
        leave(client)
        stats = recorder.one()
    assert stats.end_reason == "client_disconnected"
    assert len(caught) == 1
    assert isinstance(caught[0], ConnectionError)


@leaving
def test_send_raises_it(serve: Serve, recorder: Recorder, leave: Leave) -> None:
    caught: list[BaseException] = []

    async def handler(exchange: Exchange) -> None:
        try:
            while True:
                await exchange.send(b"x" * 10_000)
                await asyncio.sleep(0)
        except Disconnected as error:
            caught.append(error)
            raise

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        leave(client)
        stats = recorder.one()
    assert stats.end_reason == "client_disconnected"
    assert len(caught) == 1


@leaving
@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_half_a_head_ends_quietly(serve: Serve, recorder: Recorder, leave: Leave, sent: bytes) -> None:
    server = serve(tracers=[recorder])
    with server.connect() as client:
        if sent:
            client.send(sent)
            recorder.wait_started()
        leave(client)
        if sent:
            assert recorder.one().end_reason == "client_disconnected"
        wait_for(lambda: server.call(lambda: server.engine.connections) == 0, "the connection is dropped")
    assert server.errors == []


def test_disconnect_is_no_error_of_the_application(serve: Serve, recorder: Recorder) -> None:
    """A handler that lets the exception through did nothing wrong: no traceback in the log."""

    async def handler(exchange: Exchange) -> None:
        while True:
            await exchange.send(b"x" * 10_000)

    server = serve(handler, tracers=[recorder])
    with server.connect() as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        client.reset()
        stats = recorder.one()
    assert stats.end_reason == "client_disconnected"
    assert server.errors == []


async def leaves_native(exchange: Exchange) -> None:
    while not exchange.is_disconnected:
        await asyncio.sleep(0.005)


async def leaves_asgi(scope: Any, receive: Any, send: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.mark.parametrize("app", [{"handler": leaves_native}, {"asgi": leaves_asgi}], ids=["native", "asgi"])
def test_no_status_is_made_up_for_a_client_that_left(
    serve: Serve, recorder: Recorder, app: dict[str, Any]
) -> None:
    """A long poll whose client went away was not answered with 200."""
    server = serve(tracers=[recorder], **app)
    with server.connect() as client:
        client.send(request())
        recorder.wait_started()
        client.finish_sending()
        client.expect_closed()
    stats = recorder.one()
    assert (stats.status_code, stats.send_size) == (None, 0)
    assert stats.end_reason == "client_disconnected"
    assert server.errors == []
