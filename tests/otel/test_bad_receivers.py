"""Receivers that hang, lie or never stop: no request waits for them, nor does the end beyond its deadline.

Each holds its connection until the test lets go of it, which is after everything else. So whatever waited for
the receiver would wait for ever.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from wirespan import App, RequestContext
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry

OK = b"HTTP/1.1 200 OK\r\n"
BUSY = b"HTTP/1.1 503 Busy\r\nretry-after: 99999999\r\ncontent-length: 0\r\n\r\n"


@contextlib.contextmanager
def receiver(answer: bytes, again: bytes) -> Iterator[tuple[str, threading.Event]]:
    """Answers with `answer`, then `again` until the block ends. The event: somebody sent something."""
    let_go, reached = threading.Event(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            reached.set()
            connection.sendall(answer)
            while not let_go.wait(0.01):
                connection.sendall(again)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", reached
    finally:
        let_go.set()
        listener.close()


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        pytest.param(b"", b"", id="hangs"),
        pytest.param(OK + b"content-length: 100000\r\n\r\n", b"x", id="drips"),
        pytest.param(OK, b"x-more: 1\r\n", id="never ends its head"),
        pytest.param(
            OK + b"transfer-encoding: chunked\r\n\r\n", b"1000\r\n" + bytes(4096) + b"\r\n", id="floods"
        ),
        pytest.param(OK + b"content-length: 9\r\n\r\n<html>hi!", b"", id="lies"),
        pytest.param(
            OK + b"content-type: text/html\r\ncontent-length: 0\r\n\r\n", b"", id="wrong content type"
        ),
        pytest.param(b"\x00\xff garbage\r\n\r\n", b"\x00", id="speaks no HTTP"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", b"", id="is another service"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", id="always goes on"),
        pytest.param(BUSY, b"", id="asks to wait"),
    ],
)
def test_nobody_waits_for_a_bad_receiver(answer: bytes, again: bytes) -> None:
    app, done = App(), RecordingTracer()

    @app.get("/")
    async def hello(ctx: RequestContext) -> None:
        ctx.text("hello")

    with receiver(answer, again) as (url, reached):
        spans = OpenTelemetry(endpoint=url, schedule_delay_s=0.0)
        with TestClient(app, tracers=[spans, done]) as client:
            assert client.get("/").text == "hello"
            assert reached.wait(10), "the receiver has the first span"
            for _ in range(20):
                assert client.get("/").text == "hello"
            done.wait(21)
            spans.close(0.5)
    status = spans.status()
    assert status["kept"] == 21
    assert status["exported"] + status["queued"] + sum(status["dropped"].values()) == 21
