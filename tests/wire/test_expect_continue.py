"""`Expect: 100-continue`: the client waits with the body until it is wanted (RFC 9110 section 10.1.1)."""

from collections.abc import Callable

import pytest
from harness import HELLO, Server, echo, request

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def test_continue_is_sent_when_the_handler_asks(serve: Serve) -> None:
    with serve(echo).connect() as client:
        client.send(HEAD)
        client.expect(CONTINUE)
        client.send(b"hello")
        assert client.response().body == b"hello"
        assert client.get().status == 200


def test_handler_that_does_not_ask_saves_the_body(serve: Serve) -> None:
    """No 100; the client may not send the body any more, so the connection cannot be kept in step."""
    with serve().connect() as client:
        client.send(HEAD)
        response = client.response()
        assert (response.status, response.body, response.closes) == (200, b"hello", True)
        client.expect_closed()


def test_body_that_is_already_here_needs_no_continue(serve: Serve) -> None:
    with serve(echo).connect() as client:
        client.send(HEAD + b"hello" + request())
        assert client.response().status == 200
        assert client.response().status == 200


def test_request_without_body_needs_no_continue(serve: Serve) -> None:
    with serve().connect() as client:
        client.send(request("/", "Expect: 100-continue"))
        client.expect(HELLO)


def test_http_1_0_client_gets_no_continue(serve: Serve) -> None:
    """It would take the interim response for the final one (RFC 9110 section 10.1.1)."""
    with serve(echo).connect() as client:
        client.send(b"POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        client.expect_silence()
        client.send(b"hello")
        assert client.response().body == b"hello"


def test_too_large_body_is_refused_instead_of_continued(serve: Serve) -> None:
    with serve(echo, limit_body_bytes=4).connect() as client:
        client.send(HEAD)
        response = client.response()
        assert (response.status, response.closes) == (413, True)
        client.expect_closed()
