"""HTTP/1.0 clients (RFC 9112 appendix C)."""

from collections.abc import Callable

import pytest

from harness import Client, Server, echo
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


def test_connection_closes_by_default(client: Client) -> None:
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    response = client.response()
    assert (response.status, response.body) == (200, b"hello")
    client.expect_closed()


def test_keep_alive_is_kept_and_said(client: Client) -> None:
    for _ in range(2):
        client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        response = client.response()
        assert (response.body, (response.get("connection") or "").lower()) == (b"hello", "keep-alive")


def test_streamed_answer_ends_with_the_connection(serve: Serve) -> None:
    """Chunks are HTTP/1.1: an older client would take the framing for content."""

    async def handler(exchange: Exchange) -> None:
        assert exchange.http_version == "1.0"
        for piece in (b"one", b"two"):
            await exchange.send(piece)
        await exchange.finish()

    with serve(handler).connect() as client:
        client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        response = client.response()
        assert response.get("transfer-encoding") is None
        assert response.get("content-length") is None
        assert response.body == b"onetwo"
        client.expect_closed()


def test_body_needs_a_length(serve: Serve) -> None:
    with serve(echo).connect() as client:
        client.send(b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")
        assert client.response().body == b"abc"
        client.expect_closed()
