"""The local OTLP receiver that servers export to. It counts spans, since dropped ones cost nothing."""

from __future__ import annotations

import json
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.process import free_port, pinned
from bench.servers import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Sink:
    """A running receiver on the load's core."""

    port: int

    def env(self) -> dict[str, str]:
        """What tells an OpenTelemetry SDK, in any language, to export here."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": "bench",
        }

    def spans(self) -> int:
        """Spans received since the start."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=5) as answer:
            return int(json.load(answer)["spans"])


@contextmanager
def running_sink(core: int) -> Iterator[Sink]:
    """A receiver for the time of the block."""
    port = free_port()
    command = [str(PEERS / "bin" / "sink"), "-port", str(port)]
    with pinned(command, {"GOMAXPROCS": "1"}, core, port):
        yield Sink(port)
