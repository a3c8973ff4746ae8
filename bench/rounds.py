"""One round of one server, and the interleaving of rounds.

Each round starts the server anew, checks its answers, warms it up and measures once. Rounds go A, B, C,
A, B, C: what changes on the machine over minutes (clock, neighbours, other jobs) hits all servers alike, and
they are compared round by round (bench/summary.py).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.errors import BenchError
from bench.load import Load, Measured, run_load
from bench.process import free_port, pinned
from bench.scenarios import Scenario, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.servers import Server
    from bench.sink import Sink

_WARM_UP_S = 1.0


@dataclass(frozen=True)
class Sample:
    """What one round of one server gave."""

    server: str
    round: int
    requests_per_s: float
    cpu_us_per_request: float  # user + system time of the server's process tree
    p50_us: int
    p99_us: int
    busy: float  # the server's share of its core, 0 to 1: below ~0.95 the load was the limit
    noise: float  # share of the server's core that went to others, 0 to 1
    records_per_request: float | None  # spans in the sink or lines in the log; None if neither is written


@dataclass(frozen=True)
class Plan:
    """What a run measures."""

    scenario: Scenario
    load: Load
    server_core: int
    rounds: int


def run_rounds(
    plan: Plan, servers: Sequence[Server], sink: Sink | None, report: Callable[[str], None]
) -> tuple[list[Sample], dict[str, str]]:
    """Runs all rounds, interleaved.

    Returns:
        The samples, and for each server that failed the reason: it is left out of the rounds that follow.
    """
    samples: list[Sample] = []
    failed: dict[str, str] = {}
    for number in range(1, plan.rounds + 1):
        for server in servers:
            if server.name in failed:
                continue
            try:
                sample = run_round(plan, server, sink, number)
            except (BenchError, OSError) as error:
                failed[server.name] = str(error)
                report(f"round {number}  {server.name:22} FAILED: {error}")
            else:
                samples.append(sample)
                report(progress(sample))
    return samples, failed


def progress(sample: Sample) -> str:
    """One line for a sample."""
    return (
        f"round {sample.round}  {sample.server:22} {sample.requests_per_s:9,.0f} requests/s"
        f"  {sample.cpu_us_per_request:7.2f} us CPU  busy {sample.busy:4.0%}  noise {sample.noise:3.0%}"
    )


def run_round(plan: Plan, server: Server, sink: Sink | None, number: int) -> Sample:
    """Starts, checks, warms up, measures and stops one server.

    Raises:
        BenchError: It does not start, answers wrongly, or gave errors under load.
    """
    port = free_port()
    exporting = sink if server.exports else None
    spans_before = exporting.spans() if exporting else 0
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        log = Path(scratch, "access.log")
        command = server.command_line(port, str(log))
        env = {**server.env, **(exporting.env() if exporting else {})}
        with pinned(command, env, plan.server_core, port) as pid:
            verify(plan.scenario, port)
            warm_up = run_load(replace(plan.load, seconds=_WARM_UP_S), plan.scenario, port)
            sample, measured = measure(plan, server, number, pid, port)
        # Only now, after its last flush, is all there that will be.
        records = _count_lines(log)
    if exporting:
        records = exporting.spans() - spans_before
    if records is None:
        return sample
    return replace(sample, records_per_request=records / (warm_up.requests + measured.requests))


def _count_lines(log: Path) -> int | None:
    if not log.exists():
        return None
    with log.open("rb") as lines:
        return sum(1 for _ in lines)


def measure(plan: Plan, server: Server, number: int, pid: int, port: int) -> tuple[Sample, Measured]:
    """Loads a server that runs.

    Raises:
        BenchError: It gave errors under load.
    """
    cpu_before, busy_before = machine.cpu_seconds(pid), machine.busy_seconds(plan.server_core)
    measured = run_load(plan.load, plan.scenario, port)
    cpu = machine.cpu_seconds(pid) - cpu_before
    others = machine.busy_seconds(plan.server_core) - busy_before - cpu
    if measured.requests == 0 or measured.errors:
        raise BenchError(f"{measured.errors} errors in {measured.requests} requests under load")
    sample = Sample(
        server=server.name,
        round=number,
        requests_per_s=measured.requests_per_s,
        cpu_us_per_request=cpu / measured.requests * 1e6,
        p50_us=measured.p50_us,
        p99_us=measured.p99_us,
        busy=cpu / measured.seconds,
        noise=max(0.0, others / measured.seconds),
        records_per_request=None,
    )
    return sample, measured
