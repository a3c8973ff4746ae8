"""Every size has a bound, a status for the peer and an end reason (design section 7)."""

import socket
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from harness import HELLO, Client, Recorder, Server, echo, request, wait_for

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


def refused(client: Client, status: int) -> None:
    response = client.response()
    assert (response.status, response.closes) == (status, True)
    client.expect_closed()


@pytest.mark.parametrize("step", [None, 97])
def test_head_is_bounded(serve: Serve, recorder: Recorder, step: int | None) -> None:
    with serve(tracers=[recorder], limit_head_bytes=2_048, limit_target_bytes=1_024).connect() as client:
        client.send_if_open(request("/", "A: " + "b" * 2_048), step=step)
        refused(client, 431)
        assert recorder.one().end_reason == "limit_exceeded"


def test_endless_head_is_refused_before_its_end(serve: Serve) -> None:
    with serve(limit_head_bytes=2_048, limit_target_bytes=1_024).connect() as client:
        client.send_if_open(b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 4_096)
        refused(client, 431)


def test_head_at_its_bound_is_served(serve: Serve) -> None:
    with serve(limit_head_bytes=2_048, limit_target_bytes=1_024).connect() as client:
        fill = 2_048 - len(request("/", "A: "))
        client.send(request("/", "A: " + "b" * fill))
        client.expect(HELLO)


def test_target_is_bounded(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder], limit_target_bytes=100).connect() as client:
        client.send_if_open(request("/" + "a" * 100))
        refused(client, 414)
        assert recorder.one().end_reason == "limit_exceeded"


def test_target_at_its_bound_is_served(serve: Serve) -> None:
    with serve(limit_target_bytes=100).connect() as client:
        client.send(request("/" + "a" * 99))
        client.expect(HELLO)


def test_fields_are_counted(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder], limit_header_count=10).connect() as client:
        client.send(request("/", *["A: b"] * 9))
        client.expect(HELLO)
        client.send_if_open(request("/", *["A: b"] * 10))
        refused(client, 431)
        assert recorder.wait(2)[1].end_reason == "limit_exceeded"


def test_announced_body_is_refused_before_it_is_sent(serve: Serve, recorder: Recorder) -> None:
    with serve(echo, tracers=[recorder], limit_body_bytes=10).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
        refused(client, 413)
        assert recorder.one().end_reason == "limit_exceeded"


def test_chunked_body_is_refused_when_it_grows_over_the_bound(serve: Serve, recorder: Recorder) -> None:
    with serve(echo, tracers=[recorder], limit_body_bytes=10).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send_if_open(b"6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n")
        refused(client, 413)
        assert recorder.one().end_reason == "limit_exceeded"


def test_body_at_its_bound_is_served(serve: Serve) -> None:
    with serve(echo, limit_body_bytes=10).connect() as client:
        client.send(request(method="POST", body=b"x" * 10))
        assert client.response().body == b"x" * 10


def test_connection_over_the_bound_is_told_so(serve: Serve) -> None:
    server = serve(limit_connections=2)
    with server.connect() as first, server.connect() as second:
        for client in (first, second):
            assert client.get().status == 200
        with server.connect() as third:
            third.send_if_open(request())
            refused(third, 503)
        assert first.get().status == 200
    wait_for(lambda: server.call(lambda: server.engine.connections) == 0, "the places are free again")
    with server.connect() as again:
        assert again.get().status == 200


def test_silent_refused_connections_take_nobodys_place(serve: Serve) -> None:
    """They wait to be told 503; a place that frees meanwhile belongs to the next who comes."""
    server = serve(limit_connections=1)
    with ExitStack() as stack:
        first = stack.enter_context(server.connect())
        assert first.get().status == 200
        for _ in range(10):
            stack.enter_context(server.connect())
        wait_for(lambda: server.call(lambda: server.engine.connections) == 11, "all are accepted")
        first.close()
        wait_for(lambda: server.call(lambda: server.engine.connections) == 10, "its place is free")
        assert stack.enter_context(server.connect()).get().status == 200
        wait_for(lambda: server.call(lambda: server.engine.connections) == 1, "the silent ones are closed")


def test_refused_client_that_is_still_sending_can_read_the_refusal(serve: Serve) -> None:
    """Closing with unread bytes sends RST, which destroys the answer (RFC 9112 section 9.6)."""
    with serve(echo, limit_body_bytes=10).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n")
        client.send_if_open(b"x" * 500_000)
        refused(client, 413)


def test_close_does_not_wait_for_the_client_forever(serve: Serve) -> None:
    """A refused peer that keeps its end open is dropped after a while."""
    server = serve()
    with server.connect() as client:
        client.send(b"BAD\r\n\r\n")
        client.response()
        assert client.read_all() == b""
        wait_for(lambda: server.call(lambda: server.engine.connections) == 0, "the connection is dropped")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
