"""When a connection is kept and when it is closed (RFC 9112 section 9.3)."""

from collections.abc import Callable

import pytest
from harness import HELLO, Client, Server, request
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


def test_connection_serves_one_request_after_another(client: Client) -> None:
    for _ in range(3):
        client.send(request())
        client.expect(HELLO)


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close", "close,x"])
def test_client_that_says_close_gets_it(client: Client, value: str) -> None:
    response = client.get("/", f"Connection: {value}")
    assert (response.status, response.body, response.closes) == (200, b"hello", True)
    client.expect_closed()


def test_handler_that_says_close_gets_it(serve: Serve) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.set_header("connection", "close")
        exchange.reply(200, "text/plain", b"bye")

    with serve(handler).connect() as client:
        assert client.get().closes
        client.expect_closed()


def test_kept_connection_has_no_connection_field(client: Client) -> None:
    """HTTP/1.1 keeps by default: the field would be bytes for nothing."""
    assert client.get().get("connection") is None


def test_empty_line_before_a_request_is_ignored(client: Client) -> None:
    """RFC 9112 section 2.2: old clients send one after a body."""
    client.send(b"\r\n" + request())
    client.expect(HELLO)


@pytest.mark.parametrize("body", [b"x", b"x" * 100_000])
def test_body_that_nobody_reads_does_not_become_the_next_request(client: Client, body: bytes) -> None:
    client.send(request(method="POST", body=body) + request())
    client.expect(HELLO * 2)


def test_client_that_stops_sending_still_gets_its_answer(client: Client) -> None:
    """`printf ... | nc -N`: a FIN behind a whole request does not take the request back."""
    client.send(request())
    client.finish_sending()
    assert client.response().body == b"hello"
    client.expect_closed()


def test_date_and_server_are_sent_unless_the_application_did(serve: Serve) -> None:
    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/own":
            exchange.set_header("server", "mine")
            exchange.set_header("date", "Mon, 01 Jan 2024 00:00:00 GMT")
        exchange.reply(200, "text/plain", b"")

    with serve(handler, date_header=True, server_header="wirespan").connect() as client:
        response = client.get("/")
        assert response.get("server") == "wirespan"
        assert (response.get("date") or "").endswith(" GMT")
        own = client.get("/own")
        assert (own.get("server"), own.get("date")) == ("mine", "Mon, 01 Jan 2024 00:00:00 GMT")
