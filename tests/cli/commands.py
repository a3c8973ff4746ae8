"""The command `wirespan` in a process of its own, and what it says."""

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from harness import DEADLINE_S


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    command = [sys.executable, "-m", "wirespan", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, cwd=cwd, check=False)


class Serving:
    """`wirespan serve` for a `with` block: ready when entered, ended when left if it still runs.

    It is asked to end, not killed: a killed process takes its coverage with it."""

    def __init__(
        self, *words: str, cwd: Path, pass_fds: tuple[int, ...] = (), terminal: int | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wirespan", "serve", *words],
            stdout=subprocess.PIPE if terminal is None else terminal,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            pass_fds=pass_fds,
            stdin=terminal,
            start_new_session=terminal is not None,  # a terminal of its own has a group of its own
        )

    def __enter__(self) -> Self:
        self.url = self.wait_for(r" on (\S+)$")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.process.terminate()
            self.process.communicate(timeout=DEADLINE_S)
        finally:
            self.process.kill()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def wait_for(self, pattern: str) -> str:
        """The first group of the next line on stderr that matches."""
        assert self.process.stderr is not None
        seen = []
        for line in self.process.stderr:
            seen.append(line)
            if match := re.search(pattern, line.rstrip()):
                return match[1] if match.groups() else match[0]
        raise AssertionError(f"the server ended with {self.process.wait()} and said: {''.join(seen)}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Waits for the end: exit code, the rest of stdout and of stderr."""
        out, err = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, out, err


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)


def get(port: int, path: str = "/") -> bytes:
    """The body of a reply."""
    with connect(port) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return read_all(client).partition(b"\r\n\r\n")[2]


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65_536), b""))
