"""Requests sent without waiting are answered in order (RFC 9112 section 9.3.2)."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from harness import HELLO, Server, echo, request, wait_for
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


@pytest.mark.parametrize("step", [None, 1, 7])
def test_answers_come_in_order_however_requests_arrive(serve: Serve, step: int | None) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.reply(200, "text/plain", exchange.path.encode())

    with serve(handler).connect() as client:
        client.send(b"".join(request(f"/{n}") for n in range(5)), step=step)
        assert [client.response().body for _ in range(5)] == [b"/0", b"/1", b"/2", b"/3", b"/4"]


def test_quick_second_does_not_overtake_slow_first(serve: Serve) -> None:
    release = threading.Event()
    seen: list[str] = []

    async def handler(exchange: Exchange) -> None:
        seen.append(exchange.path)
        while exchange.path == "/slow" and not release.is_set():
            await asyncio.sleep(0.001)
        exchange.reply(200, "text/plain", exchange.path.encode())

    with serve(handler).connect() as client:
        client.send(request("/slow") + request("/quick"))
        wait_for(lambda: seen == ["/slow"], "the first handler runs")
        client.expect_silence()
        release.set()
        assert [client.response().body for _ in range(2)] == [b"/slow", b"/quick"]


@pytest.mark.parametrize("step", [None, 1, 3])
def test_bodies_belong_to_their_own_request(serve: Serve, step: int | None) -> None:
    chunked = (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    with serve(echo).connect() as client:
        client.send(request(method="POST", body=b"one") + chunked + request() + chunked, step=step)
        assert [client.response().body for _ in range(4)] == [b"one", b"abcde", b"", b"abcde"]


def test_request_after_close_is_not_served(serve: Serve) -> None:
    seen: list[str] = []

    async def handler(exchange: Exchange) -> None:
        seen.append(exchange.path)
        exchange.reply(200, "text/plain", b"")

    with serve(handler).connect() as client:
        client.send(request("/last", "Connection: close") + request("/ignored"))
        assert client.response().closes
        client.expect_closed()
    assert seen == ["/last"]


def test_malformed_second_is_refused_after_the_first_is_answered(serve: Serve) -> None:
    with serve().connect() as client:
        client.send(request() + b"BAD REQUEST\r\n\r\n")
        client.expect(HELLO)
        refusal = client.response()
        assert (refusal.status, refusal.closes) == (400, True)
        client.expect_closed()


def test_client_that_only_sends_is_not_buffered_without_bound(serve: Serve) -> None:
    """Answers that nobody takes stop the engine from reading more requests."""
    answered = 0

    async def handler(exchange: Exchange) -> None:
        nonlocal answered
        answered += 1
        exchange.reply(200, "text/plain", b"x" * 10_000)

    server = serve(handler)
    with server.connect(receive_buffer=4_096) as client:
        client.socket.settimeout(0.3)
        sent = 0
        try:
            while sent < 5_000:
                client.socket.sendall(request())
                sent += 1
        except TimeoutError:
            pass
        assert server.call(lambda: answered) < 5_000
