"""Request line and header fields (RFC 9112 sections 2, 3 and 5)."""

from collections.abc import Callable

import pytest

from harness import Recorder, Server
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
HOST = b"Host: a\r\n"

BAD = {
    "bare LF after request line": b"GET / HTTP/1.1\n" + HOST + b"\r\n",
    "bare LF after field": b"GET / HTTP/1.1\r\nHost: a\n\r\n",
    "bare LF at the end": b"GET / HTTP/1.1\r\n" + HOST + b"\n",
    "bare CR in value": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\rc\r\n\r\n",
    "bare CR in request line": b"GET /\r HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in value": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\x00c\r\n\r\n",
    "NUL in name": b"GET / HTTP/1.1\r\n" + HOST + b"A\x00: b\r\n\r\n",
    "vertical tab in value": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\x0bc\r\n\r\n",
    "DEL in value": b"GET / HTTP/1.1\r\n" + HOST + b"A: \x7f\r\n\r\n",
    "folded field": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n",
    "folded field with tab": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n\tc\r\n\r\n",
    "space before the first field": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\n" + HOST + b"A : b\r\n\r\n",
    "tab before colon": b"GET / HTTP/1.1\r\n" + HOST + b"A\t: b\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n",
    "empty name": b"GET / HTTP/1.1\r\n" + HOST + b": b\r\n\r\n",
    "bracket in name": b"GET / HTTP/1.1\r\n" + HOST + b"A[]: b\r\n\r\n",
    "non-ASCII name": b"GET / HTTP/1.1\r\n" + HOST + "Ä: b\r\n\r\n".encode(),
    "no version": b"GET /\r\n" + HOST + b"\r\n",
    "lower-case version": b"GET / http/1.1\r\n" + HOST + b"\r\n",
    "short version": b"GET / HTTP/1\r\n" + HOST + b"\r\n",
    "long version": b"GET / HTTP/1.10\r\n" + HOST + b"\r\n",
    "two spaces before target": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces before version": b"GET /  HTTP/1.1\r\n" + HOST + b"\r\n",
    "space after version": b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n",
    "tabs for spaces": b"GET\t/\tHTTP/1.1\r\n" + HOST + b"\r\n",
    "bracket in method": b"G[T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "empty method": b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\nA: b\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "space in host": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "user in host": b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
    "path in host": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "list in host": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("case", BAD)
def test_malformed_head_is_refused(serve: Serve, case: str, step: int | None, recorder: Recorder) -> None:
    with serve(tracers=[recorder]).connect() as client:
        client.send_if_open(BAD[case], step=step)
        response = client.response()
        assert (response.status, response.closes) == (400, True)
        client.expect_closed()
        assert recorder.one().end_reason == "protocol_error"


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/3.0", b"HTTP/0.9"])
def test_other_major_versions_are_not_supported(serve: Serve, version: bytes) -> None:
    with serve().connect() as client:
        client.send(b"GET / " + version + b"\r\n" + HOST + b"\r\n")
        response = client.response()
        assert (response.status, response.closes) == (505, True)
        client.expect_closed()


@pytest.mark.parametrize("method", ["GET", "PUT", "PROPFIND", "M-SEARCH", "get", "!#$%&'*+-.^_`|~1a"])
def test_any_token_is_a_method(serve: Serve, method: str) -> None:
    seen: list[str] = []

    async def handler(exchange: Exchange) -> None:
        seen.append(exchange.method)
        exchange.reply(200, "text/plain", b"")

    with serve(handler).connect() as client:
        assert client.get(method=method).status == 200
    assert seen == [method]


def test_fields_reach_the_handler_as_sent(serve: Serve) -> None:
    seen: list[tuple[str, str]] = []

    async def handler(exchange: Exchange) -> None:
        seen.extend(exchange.header_items())
        assert exchange.header("X-TWO") == "b"
        assert exchange.header_values("x-two") == ["b", "c"]
        assert exchange.header("x-none") is None
        exchange.reply(200, "text/plain", b"")

    head = b"Host: a\r\nX-Two: b\r\nx-two:c\r\nX-Trim: \t d e \t\r\nX-Empty:\r\nX-Latin: \xe9\r\n"
    with serve(handler).connect() as client:
        client.send(b"GET / HTTP/1.1\r\n" + head + b"\r\n")
        assert client.response().status == 200
    assert seen == [
        ("host", "a"),
        ("x-two", "b"),
        ("x-two", "c"),
        ("x-trim", "d e"),
        ("x-empty", ""),
        ("x-latin", "\xe9"),
    ]


def test_refusal_repeats_nothing_that_was_sent(serve: Serve) -> None:
    """What a stranger sent must not come back in a page that a browser shows."""
    with serve().connect() as client:
        client.send(b"GET / HTTP/1.1\r\n" + HOST + b"<script>: \x00alert\r\n\r\n")
        response = client.response()
        assert b"script" not in response.raw
        assert b"alert" not in response.raw
