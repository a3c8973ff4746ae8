"""No test here sees the environment's own `OTEL_*` variables, but the endpoint that is nobody's."""

import os
import socket
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        if name == "OTEL_EXPORTER_OTLP_ENDPOINT":
            continue  # every test without one would send to the default receiver
        monkeypatch.delenv(name)


@pytest.fixture
def away() -> Iterator[str]:
    """A receiver that is away: its port is bound, so no other program is given it, and nobody listens."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"
