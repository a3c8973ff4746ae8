"""The load: one wrk process, one thread, pinned to a core of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.scenarios import Scenario

_SCRIPT = Path(__file__).with_name("wrk_report.lua")
_MARK = "wrk_json "


@dataclass(frozen=True)
class Load:
    """How hard and how long: a closed loop, each connection sends when its answer has come."""

    core: int
    connections: int
    seconds: float


@dataclass(frozen=True)
class Measured:
    """What wrk saw from outside."""

    requests: int
    seconds: float
    p50_us: int
    p99_us: int
    max_us: int
    errors: int  # status over 399, refused or broken connections, time-outs

    @property
    def requests_per_s(self) -> float:
        """Completed requests over the time that wrk really ran."""
        return self.requests / self.seconds


def run_load(load: Load, scenario: Scenario, port: int) -> Measured:
    """Runs wrk to its end.

    Raises:
        BenchError: wrk failed or hung.
    """
    with tempfile.NamedTemporaryFile() as body:
        body.write(scenario.body)
        body.flush()
        command = _command(load, scenario, port)
        if scenario.body:
            command += ["--", body.name]
        return parse(_run(command, timeout_s=load.seconds + 30))


def _command(load: Load, scenario: Scenario, port: int) -> list[str]:
    # wrk takes whole seconds only.
    duration = f"{max(1, round(load.seconds))}s"
    return [
        *("taskset", "-c", str(load.core)),
        *("wrk", "-t1", f"-c{load.connections}", f"-d{duration}", "--timeout", "10s", "-s", str(_SCRIPT)),
        f"http://127.0.0.1:{port}{scenario.path}",
    ]


def _run(command: list[str], timeout_s: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"wrk did not end within {timeout_s:.0f} s") from error
    if done.returncode != 0:
        raise BenchError(f"wrk failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def parse(output: str) -> Measured:
    """Reads the line that wrk_report.lua printed.

    Raises:
        BenchError: There is none.
    """
    for line in output.splitlines():
        if line.startswith(_MARK):
            found = json.loads(line.removeprefix(_MARK))
            return Measured(
                requests=found["requests"],
                seconds=found["duration_us"] / 1e6,
                p50_us=found["p50_us"],
                p99_us=found["p99_us"],
                max_us=found["max_us"],
                errors=found["failed"] + found["refused"] + found["timed_out"],
            )
    raise BenchError(f"wrk printed no numbers: {output.strip()[-300:]}")
