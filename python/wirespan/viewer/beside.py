"""A viewer beside a server, in a process of its own.

So a blocked application never blocks the page, and what the viewer costs is not charged to the application.

They start and stop together, but a viewer that fails does not take the application along. The viewer's
standard input is a pipe that only this process holds: it ends when this one does, however that happens. It
has a session of its own, so Ctrl-C in the terminal reaches the server alone, which sends its last spans
before the viewer is told to stop.
"""

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import IO, Final, cast

from wirespan._core import service_name
from wirespan.config import Config
from wirespan.loading import StartError, say
from wirespan.sources import without_variables
from wirespan.viewer.client import ViewerClient, ViewerError

PORT: Final = 4_318
LOOK_S: Final = 2.0
PATIENCE_S: Final = 5.0


@contextlib.contextmanager
def with_viewer(config: Config, app: object = None) -> Iterator[Config]:
    """The same options with the exporter pointed at a viewer, which is there for the length of the block.

    Args:
        config: the options.
        app: the application, or its name as `module:object`, which names the service where nothing else does.

    Raises:
        StartError: it did not start.
    """
    words = [f"--db={config.view_db}"] if config.view_db else []
    with viewer_beside(*words, port=config.view_port) as url:
        say(f"viewer on {url}")
        # The server's own processes find the viewer by its address, and start none.
        name = config.service_name or _service_of(app)
        yield dataclasses.replace(config, view=False, otlp=url, otlp_viewer=True, service_name=name)


def _service_of(app: object) -> str:
    """`shop` for `shop.main:app`; nothing where OpenTelemetry's variables say it, or the app has no name."""
    if not isinstance(app, str) or service_name() is not None:
        return ""
    return app.partition(":")[0].partition(".")[0]


@contextlib.contextmanager
def viewer_beside(*words: str, port: int | None = None, shared: bool = True) -> Iterator[str]:
    """A viewer for the length of the block: the one on the port if it may be shared, else a new one.

    Args:
        words: more flags of `wirespan view`.
        port: where, 4318 if nothing is said; a free one when another program has it.
        shared: a viewer that runs there is used.

    Yields:
        Its address.

    Raises:
        StartError: it did not start; it has said why.
    """
    port = PORT if port is None else port
    url = f"http://127.0.0.1:{port}"
    if port and _is_taken(port):
        if shared and _is_viewer(url):
            say("a viewer runs there already: it is used, and stays")
            yield url
            return
        if shared:
            say(
                f"port {port} has another program, such as an OpenTelemetry Collector: the viewer takes a "
                "free one, and sees only this server"
            )
        port = 0
    child = _Child([*words, f"--port={port}"])
    try:
        yield child.url
    finally:
        child.end()


def _is_taken(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(LOOK_S)
        return client.connect_ex(("127.0.0.1", port)) == 0


def _is_viewer(url: str) -> bool:
    """Whether a viewer answers that takes our spans without a token."""
    try:
        status = ViewerClient(url, timeout_s=LOOK_S).get("/api/status")
    except ViewerError:
        return False
    return isinstance(status, dict) and "metric_points" in status and not status["token_required"]


class _Child:
    """The viewer's process.

    Attributes:
        url: where it listens.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._told = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-m", "wirespan", "view", "--beside", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=without_variables(os.environ),
        )
        pipes = (self._process.stdin, self._process.stdout)
        self._stdin, self._stdout = (cast("IO[bytes]", pipe) for pipe in pipes)
        self.url = self._stdout.readline().decode().strip()
        if not self.url:
            self.end()
            raise StartError("the viewer did not start; the server does without --view")
        threading.Thread(target=self._watch, name="wirespan viewer", daemon=True).start()

    def _watch(self) -> None:
        code = self._process.wait()
        if not self._told.is_set():
            say(f"the viewer ended (exit code {code}); the server goes on without it")

    def end(self) -> None:
        """Tells it to stop and waits until it has; firmly after a while."""
        self._told.set()
        self._stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
