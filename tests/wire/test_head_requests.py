"""Responses without a body: HEAD, 204, 304 (RFC 9110 sections 6.4.1 and 9.3.2)."""

from collections.abc import Callable

import pytest

from harness import HELLO, Client, Server, request
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


def test_head_gets_the_fields_of_get_and_no_body(client: Client) -> None:
    client.send(request(method="HEAD") + request())
    client.expect(HELLO.removesuffix(b"hello") + HELLO)


def test_streamed_answer_to_head_has_no_body(serve: Serve) -> None:
    async def handler(exchange: Exchange) -> None:
        for _ in range(3):
            await exchange.send(b"piece")
        await exchange.finish()

    with serve(handler).connect() as client:
        client.send(request(method="HEAD") + request())
        assert client.response(head_only=True).get("transfer-encoding") == "chunked"
        assert client.response().body == b"piece" * 3


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_body_sends_none(serve: Serve, status: int) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.reply(status, None, b"")

    with serve(handler).connect() as client:
        client.send(request() + request())
        for _ in range(2):
            response = client.response()
            assert response.status == status
            assert response.get("transfer-encoding") is None
            if status == 204:
                assert response.get("content-length") is None, "RFC 9110 section 8.6"


def test_length_given_for_head_is_kept(serve: Serve) -> None:
    """The length that GET would have had, without making the body."""

    async def handler(exchange: Exchange) -> None:
        exchange.set_header("content-length", "12345")
        exchange.reply(200, "text/plain", b"")

    with serve(handler).connect() as client:
        assert client.get(method="HEAD").get("content-length") == "12345"
