"""Neither a client that does not read nor one that only sends makes us buffer more than a bound."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from harness import Server, read_body, request
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
PIECE = b"x" * 65_536
PIECES = 1_024
KERNEL_BYTES = 16 << 20  # more than any default of the socket buffers of both ends


def settled(count: Callable[[], int]) -> int:
    """The count once it has not grown for a while."""
    last, since = count(), time.monotonic()
    while time.monotonic() - since < 0.3:
        if (now := count()) != last:
            last, since = now, time.monotonic()
        time.sleep(0.01)
    return last


def test_sending_waits_for_a_client_that_does_not_read(serve: Serve, loop: str) -> None:
    sent = 0

    async def handler(exchange: Exchange) -> None:
        nonlocal sent
        for _ in range(PIECES):
            await exchange.send(PIECE)
            sent += 1
        await exchange.finish()

    with serve(handler, loop=loop).connect() as client:
        client.send(request())
        assert settled(lambda: sent) * len(PIECE) < KERNEL_BYTES
        assert client.response().body == PIECE * PIECES, "all of it arrives once the client reads"


def test_reading_stops_where_the_handler_does_not_read(serve: Serve, loop: str) -> None:
    go = threading.Event()
    sent = 0
    received: list[int] = []

    async def handler(exchange: Exchange) -> None:
        while not go.is_set():
            await asyncio.sleep(0.005)
        received.append(len(await read_body(exchange)))
        exchange.reply(200, "text/plain", b"")

    with serve(handler, loop=loop).connect() as client:

        def upload() -> None:
            nonlocal sent
            client.send(
                f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(PIECE) * PIECES}\r\n\r\n".encode()
            )
            for _ in range(PIECES):
                client.send(PIECE)
                sent += 1

        thread = threading.Thread(target=upload)
        thread.start()
        assert settled(lambda: sent) * len(PIECE) < KERNEL_BYTES
        go.set()
        thread.join()
        assert client.response().status == 200
    assert received == [len(PIECE) * PIECES]


def test_slow_reader_gets_a_large_reply_whole(serve: Serve) -> None:
    body = bytes(n % 253 for n in range(3_000_000))

    async def handler(exchange: Exchange) -> None:
        exchange.reply(200, "application/octet-stream", body)

    with serve(handler).connect(receive_buffer=4_096) as client:
        client.send(request() + request())
        assert client.response().body == body
        assert client.response().body == body


def test_one_slow_client_does_not_slow_the_others(serve: Serve) -> None:
    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/":
            exchange.reply(200, "text/plain", b"hello")
        else:
            for _ in range(PIECES):
                await exchange.send(PIECE)
            await exchange.finish()

    server = serve(handler)
    with server.connect(receive_buffer=4_096) as slow, server.connect() as quick:
        slow.send(request("/large"))
        slow.read_until(b"\r\n\r\n")
        for _ in range(50):
            assert quick.get().body == b"hello"
