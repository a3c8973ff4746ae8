"""However an exchange ends, `finish` is called exactly once and the states still sum to the whole."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harness import Client, Recorder, Server, request, states_ms, wait_for
from wirespan._core import Disconnected, Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"


async def reads(exchange: Exchange) -> None:
    while await exchange.read():
        pass
    exchange.reply(200, "text/plain", b"")


async def sleeps(exchange: Exchange) -> None:
    while not exchange.is_disconnected:
        await asyncio.sleep(0.005)


async def streams(exchange: Exchange) -> None:
    while True:
        await exchange.send(b"x" * 65_536)


async def sends_and_sleeps(exchange: Exchange) -> None:
    await exchange.send(b"x")
    while not exchange.is_disconnected:
        await asyncio.sleep(0.005)


async def swallows(exchange: Exchange) -> None:
    """Does not care that nobody listens."""
    try:
        while True:
            await exchange.send(b"x" * 65_536)
    except Disconnected:
        exchange.stats.record(0)


async def large(exchange: Exchange) -> None:
    exchange.reply(200, "text/plain", b"x" * (32 << 20))


STAGES: dict[str, tuple[Callable[..., Any], bytes, bool]] = {
    "in the head": (reads, b"POST / HT", False),
    "in the body": (reads, POST, False),
    "while the handler waits": (sleeps, request(), False),
    "while the handler streams": (streams, request(), True),
    "between two pieces": (sends_and_sleeps, request(), True),
    "and the handler swallows it": (swallows, request(), True),
    "while a whole reply is written": (large, request(), True),
}


@pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["close", "reset"])
@pytest.mark.parametrize("stage", STAGES)
def test_client_leaves(
    serve: Serve, recorder: Recorder, loop: str, stage: str, leave: Callable[[Client], None]
) -> None:
    handler, data, answered = STAGES[stage]
    server = serve(handler, tracers=[recorder], loop=loop)
    with server.connect(receive_buffer=4_096) as client:
        client.send(data)
        recorder.wait_started()
        if answered:
            client.read_until(b"\r\n\r\n")
        leave(client)
        stats = recorder.one()
    states_ms(stats)
    assert stats.end_reason == "client_disconnected"
    wait_for(lambda: server.call(lambda: server.engine.active) == 0, "nothing runs any more")
    assert (len(recorder.started), len(recorder.finished)) == (1, 1)


ENDINGS: dict[str, tuple[bytes, str]] = {
    "completed": (request(), "completed"),
    "error of the handler": (request("/raise"), "handler_error"),
    "error in a stream": (request("/raise-late"), "handler_error"),
    "malformed head": (b"NONSENSE\r\n\r\n", "protocol_error"),
    "malformed body": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "protocol_error",
    ),
    "head too large": (request("/", "A: " + "b" * 4_096), "limit_exceeded"),
    "body too large": (request(method="POST", body=b"x" * 2_048), "limit_exceeded"),
    "silent in the head": (b"GET", "read_timeout"),
    "silent in the body": (POST, "read_timeout"),
    "handler too slow": (request("/slow"), "handler_timeout"),
    "client does not read": (request("/stream"), "write_timeout"),
}


async def any_ending(exchange: Exchange) -> None:
    if exchange.path == "/raise":
        raise LookupError
    if exchange.path == "/raise-late":
        await exchange.send(b"x")
        raise LookupError
    if exchange.path == "/slow":
        await asyncio.sleep(60)
    if exchange.path == "/stream":
        await streams(exchange)
    await reads(exchange)


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_end_has_its_reason_and_one_record(
    serve: Serve, recorder: Recorder, loop: str, ending: str
) -> None:
    data, reason = ENDINGS[ending]
    server = serve(
        any_ending,
        tracers=[recorder],
        loop=loop,
        limit_head_bytes=2_048,
        limit_target_bytes=1_024,
        limit_body_bytes=1_024,
        timeout_header_s=0.2,
        timeout_body_s=0.2,
        timeout_write_s=0.3,
        timeout_handler_s=0 if ending == "client does not read" else 0.4,
    )
    with server.connect(receive_buffer=4_096) as client:
        client.send_if_open(data)
        stats = recorder.one()
    states_ms(stats)
    assert stats.end_reason == reason
    wait_for(lambda: server.call(lambda: server.engine.active) == 0, "nothing runs any more")
    assert (len(recorder.started), len(recorder.finished)) == (1, 1)


def test_status_is_never_made_up(serve: Serve, recorder: Recorder) -> None:
    """A client that left before an answer saw no status: there is no 499."""
    with serve(sleeps, tracers=[recorder]).connect() as client:
        client.send(request())
        recorder.wait_started()
        client.reset()
        assert recorder.one().status_code is None
