"""No test here sees the environment's own `OTEL_*` variables, but the endpoint that is nobody's."""

import os

import pytest


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        if name == "OTEL_EXPORTER_OTLP_ENDPOINT":
            continue  # every test without one would send to the default receiver
        monkeypatch.delenv(name)
