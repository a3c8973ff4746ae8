"""Which bytes are the body (RFC 9112 section 6): lengths, codings, and both at once."""

from collections.abc import Callable

import pytest
from harness import Recorder, Server, echo

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]

BAD_LENGTH = {
    "differing lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "differing list": b"Content-Length: 5, 6\r\n",
    "plus": b"Content-Length: +5\r\n",
    "minus": b"Content-Length: -5\r\n",
    "space inside": b"Content-Length: 5 5\r\n",
    "hexadecimal": b"Content-Length: 0x5\r\n",
    "underscore": b"Content-Length: 1_0\r\n",
    "empty": b"Content-Length: \r\n",
    "word": b"Content-Length: five\r\n",
    "exponent": b"Content-Length: 1e1\r\n",
    "over 64 bits": b"Content-Length: 18446744073709551616\r\n",
    "other digits": "Content-Length: \uff15\r\n".encode(),
    "with coding": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "with coding, other order": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "chunked not last": b"Transfer-Encoding: chunked, gzip\r\n",
    "chunked twice": b"Transfer-Encoding: chunked, chunked\r\n",
    "chunked in two fields": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "empty coding": b"Transfer-Encoding: \r\n",
    "space before colon": b"Transfer-Encoding : chunked\r\n",
    "vertical tab": b"Transfer-Encoding: \x0bchunked\r\n",
}
UNKNOWN = [b"gzip", b"gzip, chunked", b"identity", b"xchunked", b"chunkedx"]


@pytest.mark.parametrize("length", [0, 1, 70_000, 300_000])
@pytest.mark.parametrize("step", [None, 4_093])
def test_body_of_known_length_is_whole(serve: Serve, length: int, step: int | None) -> None:
    body = bytes(n % 251 for n in range(length))
    with serve(echo).connect() as client:
        head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()
        client.send(head + body, step=step)
        assert client.response().body == body


@pytest.mark.parametrize("case", BAD_LENGTH)
def test_ambiguous_framing_is_refused(serve: Serve, case: str, recorder: Recorder) -> None:
    """A proxy in front may have chosen the other reading: request smuggling (RFC 9112 section 11.2)."""
    with serve(echo, tracers=[recorder]).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + BAD_LENGTH[case] + b"\r\nhello")
        response = client.response()
        assert (response.status, response.closes) == (400, True)
        client.expect_closed()
        assert recorder.one().end_reason == "protocol_error"


@pytest.mark.parametrize("coding", UNKNOWN)
def test_unknown_coding_is_not_implemented(serve: Serve, coding: bytes) -> None:
    with serve(echo).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n")
        response = client.response()
        assert (response.status, response.closes) == (501, True)
        client.expect_closed()


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b"CHUNKED", b" chunked "])
def test_chunked_is_known_in_any_case(serve: Serve, coding: bytes) -> None:
    with serve(echo).connect() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:" + coding + b"\r\n\r\n1\r\na\r\n0\r\n\r\n"
        )
        assert client.response().body == b"a"


def test_coding_in_http_1_0_is_refused(serve: Serve) -> None:
    """RFC 9112 section 6.1: the framing of such a message is faulty."""
    with serve(echo).connect() as client:
        client.send(b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert client.response().status == 400
        client.expect_closed()


def test_get_may_have_a_body(serve: Serve) -> None:
    with serve(echo).connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        assert client.response().body == b"abc"
