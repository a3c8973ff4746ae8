"""Every wait has a bound (design section 7)."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest

from harness import HELLO, Recorder, Server, echo, request
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_slow_head_is_told_408(serve: Serve, recorder: Recorder, sent: bytes, loop: str) -> None:
    with serve(tracers=[recorder], loop=loop, timeout_header_s=0.2).connect() as client:
        client.send(sent)
        response = client.response()
        assert (response.status, response.closes) == (408, True)
        client.expect_closed()
        assert recorder.one().end_reason == "read_timeout"


def test_drip_of_bytes_does_not_extend_the_time(serve: Serve, recorder: Recorder) -> None:
    """Slowloris: the bound is on the whole head, not on the gap between two bytes."""
    with serve(tracers=[recorder], timeout_header_s=0.3).connect() as client:
        began = time.monotonic()
        while not recorder.finished and time.monotonic() - began < 5:
            client.send_if_open(b"a")
            time.sleep(0.02)
        assert recorder.one().end_reason == "read_timeout"
        assert client.response().status == 408


def test_silent_body_is_told_408(serve: Serve, recorder: Recorder) -> None:
    with serve(echo, tracers=[recorder], timeout_body_s=0.2).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        response = client.response()
        assert (response.status, response.closes) == (408, True)
        client.expect_closed()
        assert recorder.one().end_reason == "read_timeout"


def test_slow_but_moving_body_is_served(serve: Serve) -> None:
    with serve(echo, timeout_body_s=0.4).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            time.sleep(0.1)
            client.send(b"x")
        assert client.response().body == b"x" * 8


def test_idle_connection_is_closed_without_a_word(serve: Serve, recorder: Recorder) -> None:
    """There is no request that a 408 could answer, and a client may be about to send one."""
    with serve(tracers=[recorder], timeout_idle_s=0.2).connect() as client:
        client.send(request())
        client.expect(HELLO)
        client.expect_closed()
        assert len(recorder.started) == 1, "an idle connection is no exchange"


def test_connection_that_never_sends_is_closed(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder], timeout_idle_s=0.2).connect() as client:
        client.expect_closed()
        assert not recorder.started


def test_client_that_does_not_read_is_dropped(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        while True:
            await exchange.send(b"x" * 65_536)

    server = serve(handler, tracers=[recorder], timeout_write_s=0.3)
    with server.connect(receive_buffer=4_096) as client:
        client.send(request())
        assert recorder.one().end_reason == "write_timeout"


def test_handler_over_its_time_is_cancelled_and_told_503(serve: Serve, recorder: Recorder) -> None:
    cancelled = False

    async def handler(exchange: Exchange) -> None:
        nonlocal cancelled
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled = True
            raise

    with serve(handler, tracers=[recorder], timeout_handler_s=0.2).connect() as client:
        assert client.get().status == 503
        assert recorder.one().end_reason == "handler_timeout"
        assert cancelled


def test_zero_switches_a_time_out_off(serve: Serve) -> None:
    with serve(timeout_header_s=0, timeout_idle_s=0).connect() as client:
        client.expect_silence(0.2)
        client.send(request())
        client.expect(HELLO)


def test_reply_of_a_handler_that_was_given_up_is_no_mistake(serve: Serve, recorder: Recorder) -> None:
    """The client has its 503; what the handler says afterwards goes nowhere, and no error is logged."""

    async def stubborn(exchange: Exchange) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        exchange.status = 201
        exchange.set_header("a", "1")
        exchange.reply(200, "text/plain", b"late")

    server = serve(stubborn, tracers=[recorder], timeout_handler_s=0.1)
    with server.connect() as client:
        assert client.get().status == 503
        stats = recorder.one()
    assert (stats.status_code, stats.end_reason) == (503, "handler_timeout")
    assert server.errors == []
