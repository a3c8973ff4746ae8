"""Starting a program pinned to one core, waiting until it serves, and ending it with all its children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from bench.errors import BenchError, NotInstalledError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 15.0  # a drain, and the last export of an SDK
_LOG_TAIL_LINES = 3


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def pinned(command: Sequence[str], env: Mapping[str, str], core: int | str, port: int) -> Iterator[int]:
    """Runs the command on one core while the block runs. Gives its process id once the port answers.

    Several cores are written as taskset has them: `0-1`.

    Raises:
        NotInstalledError: The program does not exist.
        BenchError: It did not listen in time, or it ended and the block failed: with the end of its output.
    """
    if not os.access(command[0], os.X_OK):
        raise NotInstalledError(f"{command[0]} is missing: run bench/setup.sh (wirespan itself: make demo)")
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that the whole group can be ended
        )
        try:
            if not _wait_for_port(process, port):
                raise BenchError(f"did not start: {_tail(log)}")
            yield process.pid
        except BenchError as error:
            if process.poll() is None:
                raise
            raise BenchError(f"{error} (it ended with {process.returncode}: {_tail(log)})") from error
        finally:
            _end(process)


def _wait_for_port(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-_LOG_TAIL_LINES:]) or "no output"


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the parent, as a service manager does; SIGKILL to what is left of its group."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)
    with suppress(ProcessLookupError):  # all of them ended on their own
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
