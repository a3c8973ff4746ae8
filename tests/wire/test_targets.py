"""The four forms of a request target (RFC 9112 section 3.2)."""

from collections.abc import Callable

import pytest

from harness import Server
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]

GOOD = {
    "/": ("/", b"/", ""),
    "/a/b": ("/a/b", b"/a/b", ""),
    "/a?b=c": ("/a", b"/a", "b=c"),
    "/a?": ("/a", b"/a", ""),
    "/a?b?c/d": ("/a", b"/a", "b?c/d"),
    "/a%20b": ("/a b", b"/a%20b", ""),
    "/%C3%A9": ("/é", b"/%C3%A9", ""),
    "/a%2Fb": ("/a/b", b"/a%2Fb", ""),
    "/a?b#c": ("/a", b"/a", "b"),  # a fragment is nobody's, but browsers' plugins send it
    "//a": ("//a", b"//a", ""),
    "/a;b=c": ("/a;b=c", b"/a;b=c", ""),
    "http://localhost/a?b": ("/a", b"/a", "b"),
    "http://localhost": ("/", b"/", ""),
    "http://localhost?b": ("/", b"/", "b"),
    "HTTP://localhost:80/a": ("/a", b"/a", ""),
}
BAD = ["a", "?a", "/a b", "/a\x7f", "/a\x00", "/é", "*", "http:///a", "://a", "http//a", ""]


@pytest.mark.parametrize("target", GOOD)
def test_target_is_taken_apart(serve: Serve, target: str) -> None:
    seen: list[tuple[str, bytes, str]] = []

    async def handler(exchange: Exchange) -> None:
        seen.append((exchange.path, exchange.raw_path, exchange.query_string))
        exchange.reply(200, "text/plain", b"")

    with serve(handler).connect() as client:
        assert client.get(target).status == 200
    assert seen == [GOOD[target]]


@pytest.mark.parametrize("target", BAD)
def test_invalid_target_is_refused(serve: Serve, target: str) -> None:
    with serve().connect() as client:
        client.send(b"GET " + target.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        response = client.response()
        assert (response.status, response.closes) == (400, True)
        client.expect_closed()


def test_asterisk_is_for_options(serve: Serve) -> None:
    seen: list[tuple[str, str]] = []

    async def handler(exchange: Exchange) -> None:
        seen.append((exchange.method, exchange.path))
        exchange.reply(204, None, b"")

    with serve(handler).connect() as client:
        assert client.get("*", method="OPTIONS").status == 204
    assert seen == [("OPTIONS", "*")]


def test_absolute_form_replaces_the_host(serve: Serve) -> None:
    """RFC 9112 section 3.2.2: the target wins over a Host that says otherwise."""
    seen: list[str | None] = []

    async def handler(exchange: Exchange) -> None:
        seen.append(exchange.header("host"))
        exchange.reply(200, "text/plain", b"")

    with serve(handler).connect() as client:
        client.send(b"GET http://right.example:81/ HTTP/1.1\r\nHost: wrong.example\r\n\r\n")
        assert client.response().status == 200
    assert seen == ["right.example:81"]


def test_empty_host_is_valid(serve: Serve) -> None:
    """RFC 9112 section 3.2: sent where the target has no authority."""
    with serve().connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost:\r\n\r\n")
        assert client.response().status == 200


def test_connect_ends_the_connection(serve: Serve) -> None:
    """We are no proxy: whatever follows a CONNECT must never be read as requests."""
    with serve().connect() as client:
        client.send(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        response = client.response()
        assert response.closes
        client.expect_closed()
