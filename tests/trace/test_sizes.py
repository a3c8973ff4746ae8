"""Sizes are the true bytes on the wire, for each request by itself."""

from collections.abc import Callable

import pytest

from harness import HELLO, Recorder, Server, echo, request
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


@pytest.mark.parametrize("step", [None, 1, 11])
def test_pipelined_requests_have_own_records_that_sum_to_the_socket(
    serve: Serve, recorder: Recorder, step: int | None
) -> None:
    chunked = (
        b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n"
    )
    sent = [request("/a"), request("/b", method="POST", body=b"x" * 1_000), chunked, request("/d")]
    with serve(echo, tracers=[recorder]).connect() as client:
        client.send(b"".join(sent), step=step)
        received = [client.response().raw for _ in sent]
        records = recorder.wait(len(sent))
    assert [stats.recv_size for stats in records] == [len(data) for data in sent]
    assert [stats.send_size for stats in records] == [len(data) for data in received]
    assert [stats.recv_body_size for stats in records] == [0, 1_000, 3, 0]
    assert [stats.send_body_size for stats in records] == [0, 1_000, 3, 0]
    assert sum(stats.recv_size for stats in records) == client.sent
    assert sum(stats.send_size for stats in records) == client.received
    assert [stats.connection[0] for stats in records] == [1, 2, 3, 4]


def test_chunk_framing_and_interim_response_count(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        while piece := await exchange.read():
            await exchange.send(piece)
        await exchange.finish()

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        client.read_until(b"100 Continue\r\n\r\n")
        client.send(b"hello")
        assert client.response().body == b"hello"
        stats = recorder.one()
    assert stats.send_size == client.received
    assert stats.recv_size == client.sent
    assert (stats.recv_body_size, stats.send_body_size) == (5, 5)


def test_head_response_has_no_body_size(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder]).connect() as client:
        client.send(request(method="HEAD"))
        client.expect(HELLO.removesuffix(b"hello"))
        stats = recorder.one()
    assert (stats.send_size, stats.send_body_size) == (len(HELLO) - 5, 0)


def test_refused_request_counts_what_was_read(serve: Serve, recorder: Recorder) -> None:
    data = b"NONSENSE\r\n\r\n"
    with serve(tracers=[recorder]).connect() as client:
        client.send(data)
        response = client.response()
        stats = recorder.one()
    assert (stats.recv_size, stats.send_size) == (len(data), len(response.raw))


def test_interrupted_response_counts_what_the_kernel_took(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.reply(200, "text/plain", b"x" * (32 << 20))

    with serve(handler, tracers=[recorder]).connect(receive_buffer=4_096) as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        client.reset()
        stats = recorder.one()
    assert stats.end_reason == "client_disconnected"
    assert client.received <= stats.send_size < 32 << 20
