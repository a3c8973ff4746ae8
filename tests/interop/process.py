"""A backend in a process of its own, with the configuration that users are given."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

EXAMPLES = Path(__file__).parents[2] / "examples" / "backends"
DEADLINE_S = 60


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def example(name: str, folder: Path, changes: dict[str, str]) -> Path:
    """A copy of a file of examples/backends: only addresses and folders are others."""
    text = (EXAMPLES / name).read_text()
    for old, new in changes.items():
        assert old in text, f"{name} has no {old}"
        text = text.replace(old, new)
    path = folder / Path(name).name
    path.write_text(text)
    return path


def eventually(found: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Waits until something is true.

    Raises:
        AssertionError: if that takes too long, with `what`.
    """
    deadline = time.monotonic() + deadline_s
    while not found():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


class Process:
    """For `with`: listens when entered. It can be killed and started again on the same port."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._log = log

    def start(self) -> None:
        """Starts it and waits until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)
        eventually(self._listens, f"{self._command[0]} does not listen")

    def _listens(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """As the kernel does it when memory is short: no goodbye."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """It hangs: the kernel takes its connections, and nobody answers."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """As if nothing had been."""
        os.killpg(self._process.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
