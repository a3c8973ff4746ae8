"""`python -m bench.bursts BASE SERVER ...`: what one costs beside another, more finely than `bench.run`.

All servers are alive at once on the same core and get bursts of load in turn, there and back (A, B, B, A), so
that two bursts that are compared are seconds apart. A lucky memory layout lasts as long as a process: all are
started anew a few times.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.errors import BenchError
from bench.load import Load, run_load
from bench.process import free_port, pinned
from bench.rounds import Plan, Sample, measure, progress
from bench.run import check_tools, say
from bench.scenarios import SCENARIOS, verify
from bench.servers import Server, choose
from bench.sink import Sink, running_sink
from bench.summary import paired_ratios, rate, rate_by_cpu

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BURST_S = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 all measured, 2 not."""
    options = _parser().parse_args(arguments)
    try:
        check_tools()
        servers = [choose(name, options.scenario)[0] for name in options.servers]
        samples = _run(options, servers)
    except BenchError as error:
        say(f"bench: {error}")
        return 2
    for server in servers:
        sys.stdout.write(_line(samples, server.name, servers[0].name) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.bursts", description=__doc__)
    add = parser.add_argument
    add("servers", nargs="+", metavar="SERVER", help="the first one is what the others are compared with")
    add("--scenario", choices=list(SCENARIOS), default="hello")
    add("--starts", type=int, default=3, help="how often all are started anew (default 3)")
    add("--bursts", type=int, default=8, help="bursts of a second for each server and start (default 8)")
    add("--connections", type=int, default=64, help="keep-alive connections (default 64)")
    return parser


def _run(options: argparse.Namespace, servers: Sequence[Server]) -> list[Sample]:
    cores = machine.choose_cores(None, None)
    load = Load(cores.load, options.connections, _BURST_S)
    plan = Plan(SCENARIOS[options.scenario], load, cores.server, options.bursts)
    samples: list[Sample] = []
    with running_sink(cores.load) as sink:
        for start in range(options.starts):
            samples += _one_start(plan, servers, sink, start * options.bursts)
    return samples


def _one_start(plan: Plan, servers: Sequence[Server], sink: Sink, first: int) -> list[Sample]:
    samples: list[Sample] = []
    with ExitStack() as alive:
        logs = Path(alive.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        running = [(server, *_start(plan, server, sink, logs, alive)) for server in servers]
        for number in range(first, first + plan.rounds):
            for server, pid, port in running if number % 2 == 0 else reversed(running):
                sample, _ = measure(plan, server, number, pid, port)
                samples.append(sample)
                say(progress(sample))
    return samples


def _start(plan: Plan, server: Server, sink: Sink, logs: Path, alive: ExitStack) -> tuple[int, int]:
    """Process and port of a server that is warm."""
    port = free_port()
    command = server.command_line(port, str(logs / f"{server.name}.log"))
    env = {**server.env, **(sink.env() if server.exports else {})}
    pid = alive.enter_context(pinned(command, env, plan.server_core, port))
    verify(plan.scenario, port)
    run_load(replace(plan.load, seconds=_BURST_S), plan.scenario, port)
    return pid, port


def _line(samples: Sequence[Sample], server: str, base: str) -> str:
    own = [sample for sample in samples if sample.server == server]
    rates = statistics.median(sample.requests_per_s for sample in own)
    cpu = statistics.median(sample.cpu_us_per_request for sample in own)
    text = f"{server:22} {rates:9,.0f} requests/s  {cpu:7.2f} us CPU"
    if server == base:
        return text

    def spread(value: Callable[[Sample], float]) -> str:
        low, middle, high = statistics.quantiles(paired_ratios(samples, (server, base), value), n=4)
        return f"{middle:.3f} ({low:.2f} to {high:.2f})"

    return f"{text}  {spread(rate)} x {base}, {spread(rate_by_cpu)} by CPU"


if __name__ == "__main__":
    sys.exit(main())
