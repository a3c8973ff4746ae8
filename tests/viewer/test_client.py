"""The HTTP client of the commands: what it says when something is wrong."""

import http.server
import io
import threading
from collections.abc import Iterator

import pytest

from viewer.running import Running, running
from viewer.sender import Span
from wirespan.viewer.client import ViewerClient, ViewerError
from wirespan.viewer.process import address

ANSWERS: dict[str, tuple[int, bytes]] = {
    "/text": (200, b"hello"),
    "/refused": (500, b"oops"),
    "/strange": (400, b'{"error": "text"}'),
    "/list": (400, b"[]"),
}


@pytest.fixture
def other() -> Iterator[str]:
    """Some other HTTP server."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/short":
                self.send_response(200)
                self.send_header("content-length", "100")
                self.end_headers()
                self.wfile.write(b"data: 1")
                return
            if self.path == "/chunk":
                self.send_response(200)
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"5\r\nhello\r\n5\r\nhe")
                return
            status, body = ANSWERS[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("path", ["/text", "/refused", "/strange", "/list"])
def test_another_server_is_told_from_a_viewer(other: str, path: str) -> None:
    with pytest.raises(ViewerError, match="is no wirespan viewer"):
        ViewerClient(other).get(path)


def test_a_reply_that_breaks_off(other: str) -> None:
    with pytest.raises(ViewerError, match="stopped in the middle: 93 bytes are missing"):
        ViewerClient(other).download("/short", (), io.BytesIO())
    with pytest.raises(ViewerError, match="stopped in the middle: IncompleteRead"):
        ViewerClient(other).download("/chunk", (), io.BytesIO())
    with pytest.raises(ViewerError, match="has ended"):
        list(ViewerClient(other).follow("/text", ()))
    with pytest.raises(ViewerError, match="has ended"):
        list(ViewerClient(other, timeout_s=1.0).follow("/short", ()))


def test_a_silent_stream_has_ended(viewer: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    events = ViewerClient(viewer.url, timeout_s=2.0).follow("/api/requests/stream", [("after", "0")])
    assert next(events).name == "inflight"
    viewer.send([Span()])
    assert next(events).name == "requests"
    with pytest.raises(ViewerError, match="has ended"):
        next(events)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", "nonsense://x"])
def test_where_nobody_answers(url: str) -> None:
    with pytest.raises(ViewerError, match=r"no viewer answers at .*: start one with 'wirespan view'"):
        ViewerClient(url).get("/api/status")


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(token="secret") as run:
        monkeypatch.setenv("WIRESPAN_VIEWER_URL", run.url)
        with pytest.raises(ViewerError, match="demands a token: give the address that it printed"):
            ViewerClient().get("/api/status")
        with pytest.raises(ViewerError, match="has another token"):
            ViewerClient(token="wrong").get("/api/status")
        monkeypatch.setenv("WIRESPAN_VIEWER_TOKEN", "secret")
        assert ViewerClient().get("/api/status")["token_required"] is True
        assert ViewerClient(run.url, "secret").get("/api/status")["spans"] == 0


def test_the_address_that_a_viewer_prints_is_enough() -> None:
    with running(token="s+e/c&ret") as run:
        assert ViewerClient(address(run.url, "s+e/c&ret")).get("/api/status")["spans"] == 0
