"""What an application may not put on the wire, and what a client sees where it fails (design section 7)."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from harness import HELLO, Recorder, Server, hello, request
from wirespan._core import Exchange
from wirespan.errors import UsageError

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]

BAD_FIELDS = {
    "CR LF in value": ("a", "b\r\nset-cookie: c"),
    "LF in value": ("a", "b\nc"),
    "CR in value": ("a", "b\rc"),
    "NUL in value": ("a", "b\0c"),
    "CR LF in name": ("a\r\nb", "c"),
    "space in name": ("a b", "c"),
    "colon in name": ("a:", "c"),
    "empty name": ("", "c"),
    "unencodable value": ("a", "\u20ac"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_field_that_breaks_the_head_is_refused_where_it_is_set(serve: Serve, case: str) -> None:
    """Response splitting is impossible: the exception is raised in the handler, nothing of it is sent."""
    raised: list[BaseException] = []

    async def handler(exchange: Exchange) -> None:
        for set_field in (exchange.set_header, exchange.add_header):
            try:
                set_field(*BAD_FIELDS[case])
            except (UsageError, ValueError) as error:
                raised.append(error)
        exchange.reply(200, "text/plain", b"hello")

    with serve(handler).connect() as client:
        client.send(request())
        client.expect(HELLO)
    assert len(raised) == 2


@pytest.mark.parametrize("status", [0, 99, 100, 101, 199, 1000])
def test_status_that_is_no_final_one_is_an_error(serve: Serve, status: int) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.reply(status, "text/plain", b"")

    with serve(handler).connect() as client:
        assert client.get().status == 500


@pytest.mark.parametrize("status", [200, 201, 299, 418, 599, 999])
def test_final_status_is_sent_as_given(serve: Serve, status: int) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.reply(status, "text/plain", b"")

    with serve(handler).connect() as client:
        assert client.get().status == status


@pytest.mark.parametrize("status", [204, 304])
def test_body_where_none_is_allowed_never_reaches_the_wire(serve: Serve, status: int) -> None:
    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/":
            exchange.reply(status, "text/plain", b"stray")
        else:
            exchange.reply(200, "text/plain", b"hello")

    with serve(handler).connect() as client:
        response = client.get()
        if response.closes:
            client.expect_closed()
        else:
            assert client.get("/next").body == b"hello"


@pytest.mark.parametrize("length", ["3", "7"])
def test_whole_reply_with_another_length_is_an_error(serve: Serve, recorder: Recorder, length: str) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.set_header("content-length", length)
        exchange.reply(200, "text/plain", b"hello")

    with serve(handler, tracers=[recorder]).connect() as client:
        assert client.get().status == 500
        assert recorder.one().end_reason == "handler_error"


def test_stream_shorter_than_its_length_is_cut_off(serve: Serve, recorder: Recorder) -> None:
    """The client must be able to tell: a kept connection would feed it the next answer as content."""

    async def handler(exchange: Exchange) -> None:
        exchange.set_header("content-length", "10")
        await exchange.send(b"hello")
        await exchange.finish()

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(request())
        head = client.read_until(b"\r\n\r\n")
        assert b"content-length: 10" in head.lower()
        assert client.read_all() == b"hello"
        assert recorder.one().end_reason == "handler_error"


def test_stream_never_sends_more_than_its_length(serve: Serve, recorder: Recorder) -> None:
    """What is too much would be read as the start of the next response."""

    async def handler(exchange: Exchange) -> None:
        exchange.set_header("content-length", "5")
        exchange.set_header("content-type", "text/plain")
        await exchange.send(b"hello")
        await exchange.send(b" and more")

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(request() * 2)
        client.expect(HELLO * 2)
        for recorded in recorder.wait(2):
            assert isinstance(recorded.error, UsageError)


def test_piece_over_the_length_cuts_the_response_off(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.set_header("content-length", "5")
        await exchange.send(b"hel")
        await exchange.send(b"lo and more")

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        assert client.read_all() == b"hel"
        assert recorder.one().end_reason == "handler_error"


def test_stream_of_its_length_keeps_the_connection(serve: Serve) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.set_header("content-length", "10")
        await exchange.send(b"hello")
        await exchange.send(b"")
        await exchange.send(b"again")
        await exchange.finish()

    with serve(handler).connect() as client:
        for _ in range(2):
            response = client.get()
            assert (response.body, response.get("transfer-encoding")) == (b"helloagain", None)


def test_stream_is_chunked_to_the_byte(serve: Serve) -> None:
    """An empty piece would be the last chunk: it must not be sent as one."""

    async def handler(exchange: Exchange) -> None:
        await exchange.send(b"hello")
        await exchange.send(b"")
        await exchange.send(b"x" * 26)
        await exchange.finish()

    with serve(handler).connect() as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        client.expect(b"5\r\nhello\r\n1a\r\n" + b"x" * 26 + b"\r\n0\r\n\r\n")


def test_handler_that_raises_is_a_500_that_says_nothing(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/fail":
            raise LookupError("secret")
        exchange.reply(200, "text/plain", b"hello")

    server = serve(handler, tracers=[recorder])
    with server.connect() as client:
        response = client.get("/fail")
        assert response.status == 500
        assert b"secret" not in response.raw
        assert b"LookupError" not in response.raw
        if not response.closes:
            assert client.get().body == b"hello"
    stats = recorder.wait(1)[0]
    assert stats.end_reason == "handler_error"
    assert isinstance(stats.panicked(), LookupError)
    assert any(isinstance(error, LookupError) for _, error in server.errors)


def test_debug_shows_the_error(serve: Serve) -> None:
    async def handler(exchange: Exchange) -> None:
        raise LookupError("shown")

    with serve(handler, debug=True).connect() as client:
        response = client.get()
        assert response.status == 500
        assert b"LookupError" in response.body
        assert b"shown" in response.body


def test_handler_that_raises_in_a_stream_cuts_the_connection(serve: Serve, recorder: Recorder) -> None:
    """No last chunk: the client must not take the part for the whole."""

    async def handler(exchange: Exchange) -> None:
        await exchange.send(b"hello")
        raise LookupError("late")

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        assert client.read_all() == b"5\r\nhello\r\n"
        assert recorder.one().end_reason == "handler_error"


@pytest.mark.parametrize("name", ["transfer-encoding", "Transfer-Encoding"])
def test_framing_is_not_the_applications_business(serve: Serve, name: str) -> None:
    """Whatever is done with the field, the bytes stay in step."""

    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/":
            exchange.set_header(name, "gzip")
        exchange.reply(200, "text/plain", b"hello")

    with serve(handler).connect() as client:
        response = client.get()
        assert response.get("transfer-encoding") in (None, "chunked")
        if not response.closes:
            assert client.get("/next").body == b"hello"


def test_reply_can_be_replaced_until_it_is_sent(serve: Serve) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.reply(500, "text/plain", b"first")
        assert exchange.replied
        assert not exchange.started
        await hello(exchange)

    with serve(handler).connect() as client:
        client.send(request())
        client.expect(HELLO)


def test_head_is_fixed_once_it_was_sent(serve: Serve) -> None:
    refused: list[str] = []

    async def handler(exchange: Exchange) -> None:
        await exchange.send(b"x")
        assert exchange.started
        attempts: dict[str, Callable[[], Any]] = {
            "set": lambda: exchange.set_header("a", "b"),
            "add": lambda: exchange.add_header("a", "b"),
            "reply": lambda: exchange.reply(200, None, b""),
        }
        for name, attempt in attempts.items():
            try:
                attempt()
            except UsageError:
                refused.append(name)
        await exchange.finish()

    with serve(handler).connect() as client:
        assert client.get().body == b"x"
    assert refused == ["set", "add", "reply"]


def test_reply_of_known_length_ends_with_its_last_byte(serve: Serve, recorder: Recorder) -> None:
    """The client has all of it and may leave: the empty piece that comes after is no reason to call it gone."""
    left = threading.Event()

    async def handler(exchange: Exchange) -> None:
        exchange.set_header("content-length", "5")
        exchange.set_header("content-type", "text/plain")
        await exchange.send(b"hello")
        await asyncio.get_running_loop().run_in_executor(None, left.wait, 10)
        await exchange.send(b"")
        await exchange.finish()

    server = serve(handler, tracers=[recorder])
    with server.connect() as client:
        client.send(request())
        client.expect(HELLO)
    left.set()
    assert recorder.one().end_reason == "completed"
