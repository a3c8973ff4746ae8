"""An OpenTelemetry Collector in a process of its own, which passes on what it gets."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

SOURCE = Path(__file__).parent / "collector"
DEADLINE_S = 30


def build(program: Path) -> Path:
    """Builds the Collector; the Go tool knows when there is nothing to do.

    Raises:
        RuntimeError: if Go is missing or the build fails, with what it said.
    """
    go = shutil.which("go")
    if go is None:
        raise RuntimeError("the Go tool is missing: install Go 1.25 or later (go.dev/doc/install)")
    command = [go, "build", "-o", str(program), "."]
    built = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    if built.returncode:
        raise RuntimeError(f"the Collector does not build:\n{built.stderr}")
    return program


class Collector:
    """For `with`. It can be killed and started again on the same port.

    Nothing waits inside: it answers its sender when the one behind it has answered, so an acknowledged
    span has passed through.
    """

    def __init__(self, program: Path, folder: Path, target: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [str(program), "--config", f"file:{folder / 'collector.yaml'}"]
        self._log = folder / "collector.log"
        (folder / "collector.yaml").write_text(json.dumps(self._configuration(target)))  # JSON is YAML

    def _configuration(self, target: str) -> dict[str, object]:
        behind = {"endpoint": target, "compression": "none", "sending_queue": {"enabled": False}}
        pipeline = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
        return {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.port}"}}}},
            "exporters": {"otlp_http": behind},
            "service": {
                "pipelines": {"traces": pipeline, "metrics": pipeline},
                "telemetry": {"metrics": {"level": "none"}},
            },
        }

    def start(self) -> None:
        """Starts it and waits until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + DEADLINE_S
        while not self._listens():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, "the Collector does not listen"
            time.sleep(0.02)

    def _listens(self) -> bool:
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
