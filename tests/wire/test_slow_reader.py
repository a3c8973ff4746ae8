"""A client that reads slowly is neither idle nor gone."""

import asyncio
from collections.abc import Callable

import pytest

from harness import Recorder, Server, request
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
SIZE = 16 << 20
IDLE_S = 0.1


def test_reading_for_longer_than_the_idle_timeout(serve: Callable[..., Server], recorder: Recorder) -> None:
    """The idle time-out counts from the last byte of the last response, not from its encoding."""

    async def large(exchange: Exchange) -> None:
        exchange.reply(200, "text/plain", b"x" * SIZE)

    server = serve(large, tracers=[recorder], timeout_idle_s=IDLE_S)
    with server.connect(receive_buffer=16_384) as client:
        client.send(request())
        recorder.wait_started()
        for _ in range(10):  # five times the time-out, and always reading
            client.socket.settimeout(IDLE_S / 2)
            client.buffer += client.socket.recv(1_024)
            pause(server, IDLE_S / 2)
        client.socket.settimeout(10)
        assert len(client.response().body) == SIZE
        client.expect_closed()  # and from then on it is idle
    stats = recorder.one()
    assert (stats.end_reason, stats.send_body_size) == ("completed", SIZE)


def pause(server: Server, seconds: float) -> None:
    """Lets the server's own timer pass this much."""
    asyncio.run_coroutine_threadsafe(asyncio.sleep(seconds), server.loop).result()
