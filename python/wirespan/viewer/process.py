"""The viewer as a process: opened, served until a signal, closed."""

import asyncio
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from wirespan.config import Config
from wirespan.loading import StartError, loop_factory
from wirespan.serving import Server
from wirespan.viewer.app import Viewer, create
from wirespan.viewer.security import is_loopback
from wirespan.viewer.store import DEFAULT_MAX_AGE_S, DEFAULT_MAX_BYTES, Store

PORT: Final = 4_318
"""Of OTLP over HTTP: what every exporter has as its default."""
MEMORY: Final = ":memory:"
LIMIT_BODY_BYTES: Final = 256 * 1024**2
"""Of one import. What the receiver takes is less."""
SHUTDOWN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How a viewer runs.

    Attributes:
        db: the DuckDB file, or `:memory:`.
        max_bytes: the oldest rows are removed when there is more.
        max_age_s: rows that are older are removed.
        host: what to listen on.
        port: 0 takes a free one.
        token: what clients must know; made when it is empty and others than this machine can connect.
    """

    db: str
    max_bytes: int = DEFAULT_MAX_BYTES
    max_age_s: float = DEFAULT_MAX_AGE_S
    host: str = "127.0.0.1"
    port: int = PORT
    token: str = ""

    @property
    def demanded_token(self) -> str:
        """The token that is demanded: none on this machine alone, unless one was given."""
        return self.token or ("" if is_loopback(self.host) else secrets.token_urlsafe(24))


def default_db() -> Path:
    """The file of a viewer that was told none, by the XDG Base Directory Specification.

    Its folder is made, for its user alone: spans may hold what others should not read.

    Raises:
        StartError: the folder cannot be made.
    """
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    folder = Path(home) / "wirespan"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot make {folder}: {error.strerror}; say where with --db") from error
    return folder / "viewer.duckdb"


def run_viewer(settings: Settings, on_ready: Callable[[str], object], *, beside: bool = False) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        settings: how.
        on_ready: called with the page's address, the token in it if there is one.
        beside: also ends when standard input does: the process that started this one is over.

    Raises:
        StoreError: the file cannot be used.
        StartError: the address cannot be used.
    """
    token = settings.demanded_token
    store = Store.open(
        None if settings.db == MEMORY else settings.db,
        max_bytes=settings.max_bytes,
        max_age_s=settings.max_age_s,
    )
    try:
        viewer = create(store, host=settings.host, token=token)
        config = Config(
            host=settings.host,
            port=settings.port,
            access_log="off",
            inspect="off",
            limit_body_bytes=LIMIT_BODY_BYTES,
            timeout_shutdown_s=SHUTDOWN_S,
        )
        with asyncio.Runner(loop_factory=loop_factory(config.loop)) as runner:
            runner.run(
                _serve(
                    viewer,
                    Server(viewer.app, config),
                    lambda url: on_ready(address(url, token)),
                    beside=beside,
                )
            )
    finally:
        store.close()


def address(url: str, token: str) -> str:
    """The page's address as somebody can open it."""
    for anyone in ("//0.0.0.0:", "//[::]:"):
        url = url.replace(anyone, f"//{socket.gethostname()}:")
    return f"{url}/?{urlencode({'token': token})}" if token else url


async def _serve(viewer: Viewer, server: Server, on_ready: Callable[[str], object], *, beside: bool) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        viewer.live.close()  # streams never end by themselves, and the server would wait for them
        server.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if beside:
        threading.Thread(target=_until_alone, args=(loop, stop), daemon=True).start()
    await server.serve(lambda ready: on_ready(ready.url))


def _until_alone(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> None:
    sys.stdin.buffer.read()
    loop.call_soon_threadsafe(stop)
