"""Backends as programs, built from their Go modules."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULES = Path(__file__).parent / "programs"
BUILT = Path(sys.prefix) / "interop"  # beside what else was built, so that the next run has nothing to do
PACKAGES = {
    "collector": ".",
    "jaeger": "github.com/jaegertracing/jaeger/cmd/jaeger",
    "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
    "sender": ".",
    "tempo": "github.com/grafana/tempo/cmd/tempo",
}
TAGS = "remove_all_sd"  # Prometheus without the clouds that it could look for targets in


def build(name: str) -> Path:
    """Builds a program and skips the test where that cannot be done; Go knows when there is nothing to do.

    Raises:
        RuntimeError: if the build fails, with what it said.
    """
    go = shutil.which("go")
    if go is None:
        pytest.skip("the Go tool is missing: install Go 1.26 or later (go.dev/doc/install)")
    command = [go, "build", "-buildvcs=false", "-tags", TAGS, "-o", str(BUILT / name), PACKAGES[name]]
    built = subprocess.run(command, cwd=MODULES / name, capture_output=True, text=True, check=False)
    if built.returncode:
        raise RuntimeError(f"{name} does not build:\n{built.stderr}")
    return BUILT / name
