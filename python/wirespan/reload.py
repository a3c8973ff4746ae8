"""`--reload`: a parent process that watches the files and a child process that serves.

The parent binds the socket and keeps it for good; each child inherits it (`--fd`). While one child ends and
the next one starts, connections wait in the kernel's backlog instead of being refused.
"""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from wirespan.config import Config
from wirespan.errors import ConfigError
from wirespan.listener import open_listener, remove_socket_file
from wirespan.loading import StartError, say
from wirespan.sources import command_line, without_variables

# Running requests may finish, but a developer who saved a file does not wait long for a slow one.
GRACE_S = 2.0
# How soon a child that ended by itself is noticed.
LOOK_MS = 500


def run_reloading(target: str, config: Config) -> None:
    """Serves `module:object` and restarts it when a file below `app_dir` changes, until SIGINT or SIGTERM.

    Raises:
        ConfigError: a tracer was given as an object, which cannot be handed to another process.
        StartError: the address cannot be used, or watchfiles is missing.
    """
    if not all(isinstance(tracer, str) for tracer in config.tracers):
        raise ConfigError("reload needs tracers by name: tracers=['module:object']")
    watchfiles = _watchfiles()
    stop = threading.Event()
    signals: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    with open_listener(config) as listener:
        listener.listen(config.backlog)
        child = _Child(target, config, listener.fileno())
        try:
            _watch(watchfiles, child, config, stop)
        finally:
            # Ctrl-C in a terminal reaches the child as well: asking once more would mean "at once".
            asked = signal.SIGINT in signals[:1] and sys.stdin.isatty()
            child.end(asked=asked)
            remove_socket_file(config)


class _Child:
    """The serving process; there is at most one at a time."""

    def __init__(self, target: str, config: Config, fd: int) -> None:
        patience_s = min(config.timeout_shutdown_s, GRACE_S)
        flags = command_line(config, fd=fd, uds=None, reload=False, timeout_shutdown_s=patience_s)
        self._command = [sys.executable, "-m", "wirespan", "serve", target, *flags]
        self._fd = fd
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        # What the parent decided is in the flags: the environment must not decide again.
        env = without_variables(os.environ)
        self._mourned = False
        return subprocess.Popen(self._command, pass_fds=(self._fd,), env=env)  # noqa: S603 - our own words

    def restart(self) -> None:
        self.end()
        self._process = self._start()

    def has_failed(self) -> bool:
        """Whether it ended by itself; said once."""
        failed = self._process.poll() is not None and not self._mourned
        self._mourned = self._mourned or failed
        return failed

    def end(self, *, asked: bool = False) -> None:
        """Ends the process: politely, then firmly. Each SIGTERM is one step of the server's own shutdown.

        Args:
            asked: the process has had its first signal already.
        """
        process = self._process
        for patience_s in (2 * GRACE_S, GRACE_S):
            if not asked:
                process.terminate()
            asked = False
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience_s)
                return
        process.kill()
        process.wait()


def _watchfiles() -> Any:
    try:
        return importlib.import_module("watchfiles")
    except ModuleNotFoundError:
        raise StartError("--reload needs watchfiles: pip install watchfiles") from None


def _watch(watchfiles: Any, child: _Child, config: Config, stop: threading.Event) -> None:
    folder = Path(config.app_dir).resolve()
    for changes in watchfiles.watch(
        folder,
        watch_filter=watchfiles.PythonFilter(),
        stop_event=stop,
        raise_interrupt=False,
        rust_timeout=LOOK_MS,
        yield_on_timeout=True,
    ):
        if not changes:
            if child.has_failed():
                say(f"the server has ended, waiting for a change in {folder}")
            continue
        names = sorted({str(Path(path).relative_to(folder)) for _, path in changes})
        say(f"{', '.join(names)} changed, restarting")
        child.restart()
