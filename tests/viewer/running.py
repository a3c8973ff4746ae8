"""A viewer that runs, and the ways to it."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from harness import DEADLINE_S
from viewer.sender import Span, traces
from wirespan.config import Config
from wirespan.serving import serving
from wirespan.viewer.app import Viewer, create
from wirespan.viewer.page import STATIC
from wirespan.viewer.store import Store

FOREVER_S = 1e9  # spans of tests are from 2023
PROTOBUF = {"content-type": "application/x-protobuf"}


class Running:
    """A viewer on a free port."""

    def __init__(self, store: Store, viewer: Viewer, url: str) -> None:
        self.store = store
        self.viewer = viewer
        self.url = url
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=DEADLINE_S)

    def send(self, spans: Iterable[Span]) -> None:
        self.post("/v1/traces", traces(spans))

    def post(self, path: str, body: bytes) -> None:
        reply = self.client.post(path, content=body, headers=PROTOBUF)
        assert reply.status_code == 200, reply.text

    def get(self, path: str, **parameters: Any) -> Any:
        reply = self.client.get(path, params=parameters or None)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def refused(self, path: str, **parameters: Any) -> tuple[int, str, str | None]:
        reply = self.client.get(path, params=parameters or None)
        error = reply.json()["error"]
        return reply.status_code, error["message"], error["parameter"]


@contextlib.contextmanager
def running(
    *, token: str = "", host: str = "127.0.0.1", static: Path = STATIC, path: Path | None = None
) -> Iterator[Running]:
    store = Store.open(path, max_age_s=FOREVER_S)
    try:
        viewer = create(store, host=host, token=token, static=static)
        config = Config(port=0, access_log="off", inspect="off", timeout_shutdown_s=2.0)
        with serving(viewer.app, config) as server:
            run = Running(store, viewer, server.url)
            with run.client:
                try:
                    yield run
                finally:
                    server.call(viewer.live.close)
    finally:
        store.close()


class Reader:
    """The events of a stream, read in a thread so that a test can wait for them."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=DEADLINE_S)
        self._connection.request("GET", f"{parts.path}?{parts.query}", headers=headers or {})
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._reply = self._connection.getresponse()
        assert self._reply.status == 200
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._connection.sock is not None
        self._connection.sock.shutdown(socket.SHUT_RDWR)  # wakes the reading thread, which closing does not
        self._thread.join(DEADLINE_S)
        self._connection.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            for line in self._reply:
                with self._changed:
                    self.lines.append(line.decode().rstrip("\n"))
                    self._changed.notify_all()

    def wait(self, fits: Any, timeout_s: float = DEADLINE_S) -> str:
        """The first line that fits, now or later."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(fits, self.lines)), timeout_s), self.lines
            return str(next(filter(fits, self.lines)))
