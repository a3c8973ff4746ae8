"""The chunked coding of requests (RFC 9112 section 7.1)."""

import threading
from collections.abc import Callable

import pytest

from harness import DEADLINE_S, Recorder, Server, echo, read_body, request
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

GOOD = {
    "empty": (b"0\r\n\r\n", b""),
    "one": (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "several": (b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc"),
    "upper case": (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "lower case": (b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "leading zeros": (b"0005\r\nhello\r\n000\r\n\r\n", b"hello"),
    "extension": (b"5;a=b\r\nhello\r\n0;last\r\n\r\n", b"hello"),
    "quoted extension": (b'5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n', b"hello"),
    "trailer": (b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", b"hello"),
    "CRLF inside data": (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
}
BAD = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "not hex": b"g\r\nhello\r\n0\r\n\r\n",
    "plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "leading space": b" 5\r\nhello\r\n0\r\n\r\n",
    "trailing space": b"5 \r\nhello\r\n0\r\n\r\n",
    "over 64 bits": b"10000000000000000\r\nhello\r\n0\r\n\r\n",
    "data too long": b"5\r\nhello!\r\n0\r\n\r\n",
    "data too short": b"5\r\nhell\r\n0\r\n\r\n",
    "bare LF after size": b"5\nhello\r\n0\r\n\r\n",
    "bare LF after data": b"5\r\nhello\n0\r\n\r\n",
    "bare CR after size": b"5\rhello\r\n0\r\n\r\n",
    "LF in extension": b"5;a=b\nc\r\nhello\r\n0\r\n\r\n",
    "CR in extension": b"5;a=b\rc\r\nhello\r\n0\r\n\r\n",
    "NUL in extension": b"5;a=\x00\r\nhello\r\n0\r\n\r\n",
    "open quote": b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "bare LF at the end": b"0\r\n\n",
    "trailer without colon": b"0\r\nnonsense\r\n\r\n",
    "trailer with space before colon": b"0\r\nA : b\r\n\r\n",
    "folded trailer": b"0\r\nA: b\r\n c\r\n\r\n",
    "NUL in trailer": b"0\r\nA: \x00\r\n\r\n",
    "bare LF in trailer": b"0\r\nA: b\nC: d\r\n\r\n",
}


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("case", GOOD)
def test_valid_body_is_decoded(serve: Serve, case: str, step: int | None) -> None:
    wire, body = GOOD[case]
    with serve(echo).connect() as client:
        client.send(HEAD + wire + request("/next"), step=step)
        assert client.response().body == body
        assert client.response().status == 200, "the connection is in step after the body"


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("case", BAD)
def test_invalid_body_is_refused(serve: Serve, case: str, step: int | None, recorder: Recorder) -> None:
    with serve(echo, tracers=[recorder]).connect() as client:
        client.send_if_open(HEAD + BAD[case], step=step)
        response = client.response()
        assert (response.status, response.closes) == (400, True)
        client.expect_closed()
        assert recorder.one().end_reason == "protocol_error"


def test_trailers_reach_the_handler_after_the_body(serve: Serve) -> None:
    seen: list[list[tuple[str, str]]] = []
    running = threading.Event()

    async def handler(exchange: Exchange) -> None:
        seen.append(exchange.trailers)
        running.set()
        await read_body(exchange)
        seen.append(exchange.trailers)
        exchange.reply(200, "text/plain", b"")

    with serve(handler).connect() as client:
        client.send(HEAD)
        assert running.wait(DEADLINE_S)
        client.send(b"1\r\na\r\n0\r\nX-Sum: 1\r\nX-Other: two \r\n\r\n")
        assert client.response().status == 200
    assert seen == [[], [("x-sum", "1"), ("x-other", "two")]]


def test_body_arrives_piece_by_piece_not_at_its_end(serve: Serve) -> None:
    async def handler(exchange: Exchange) -> None:
        while piece := await exchange.read():
            await exchange.send(piece)
        await exchange.finish()

    with serve(handler).connect() as client:
        client.send(HEAD)
        for piece in (b"one", b"two", b"three"):
            client.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            client.read_until(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        client.send(b"0\r\n\r\n")
        client.expect(b"0\r\n\r\n")


@pytest.mark.parametrize("size", [100, 20_000])
def test_extensions_are_bounded(serve: Serve, size: int) -> None:
    """One byte of body behind kilobytes of extension is an attack, not a body (CVE-2023-39326)."""
    body = (b"1;" + b"a" * size + b"\r\nx\r\n") * 5 + b"0\r\n\r\n"
    with serve(echo, limit_trailer_bytes=1_024).connect() as client:
        client.send_if_open(HEAD + body)
        assert client.response().status == (200 if size * 5 < 1_024 else 413)


def test_trailers_are_bounded(serve: Serve) -> None:
    with serve(echo, limit_trailer_bytes=1_024).connect() as client:
        client.send_if_open(HEAD + b"0\r\n" + b"A: b\r\n" * 500 + b"\r\n")
        response = client.response()
        assert (response.status, response.closes) == (431, True)
