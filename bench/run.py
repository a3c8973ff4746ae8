"""`python -m bench.run`: measures the servers side by side and prints the table. Method: bench/README.md."""

from __future__ import annotations

import argparse
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.errors import BenchError, NotInstalledError
from bench.load import Load
from bench.report import Outcome, as_json, as_markdown, as_table, update_readme
from bench.rounds import Plan, run_rounds
from bench.scenarios import SCENARIOS
from bench.servers import ROOT, Server, choose
from bench.sink import running_sink

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEEDED = {"wrk": "apt-get install wrk", "taskset": "apt-get install util-linux"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 all measured, 1 a server failed, 2 nothing could be measured."""
    options = _parser().parse_args(arguments)
    try:
        outcome = _run(options)
        _show(options, outcome)
    except BenchError as error:
        say(f"bench: {error}")
        return 2
    except KeyboardInterrupt:
        say("bench: interrupted")
        return 130
    return 1 if outcome.failed else 0


def say(line: str) -> None:
    """Progress and errors go to stderr: stdout is for the result."""
    sys.stderr.write(line + "\n")


def check_tools() -> None:
    """Raises NotInstalledError for the first program that is missing."""
    for tool, install in _NEEDED.items():
        if shutil.which(tool) is None:
            raise NotInstalledError(f"'{tool}' is missing: {install}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    add = parser.add_argument
    add("--only", metavar="NAMES", help="servers, comma-separated, * allowed: 'epoll,wirespan*'")
    add("--scenario", choices=list(SCENARIOS), default="hello")
    add("--rounds", type=int, default=7, help="rounds of each server (default 7)")
    add("--seconds", type=int, default=4, help="length of one measurement (default 4)")
    add("--connections", type=int, default=64, help="keep-alive connections (default 64)")
    add("--base", metavar="NAME", help="server the ratios refer to (default: uvicorn, else the first)")
    add("--server-core", type=int, help="core of the server (default: the last)")
    add("--load-core", type=int, help="core of wrk and the OTLP sink (default: the first)")
    add("--json", metavar="PATH", help="write all numbers there; '-' prints them instead of the table")
    add("--markdown", action="store_true", help="print Markdown instead of the table")
    add("--update-readme", action="store_true", help="put the Markdown between README.md's markers")
    return parser


def _run(options: argparse.Namespace) -> Outcome:
    check_tools()
    cores = machine.choose_cores(options.server_core, options.load_core)
    servers = choose(options.only, options.scenario)
    base = _base(options.base, servers)
    load = Load(cores.load, options.connections, options.seconds)
    plan = Plan(SCENARIOS[options.scenario], load, cores.server, options.rounds)
    exporting = any(server.exports for server in servers)
    with running_sink(cores.load) if exporting else nullcontext() as sink:
        samples, failed = run_rounds(plan, servers, sink, say)
    if not samples:
        raise BenchError("no server could be measured")
    return Outcome(plan, base, machine.describe(), samples, failed)


def _base(wanted: str | None, servers: Sequence[Server]) -> str:
    names = [server.name for server in servers]
    if wanted is None:
        return "uvicorn" if "uvicorn" in names else names[0]
    if wanted not in names:
        raise BenchError(f"--base {wanted} is not measured; there are: {', '.join(names)}")
    return wanted


def _show(options: argparse.Namespace, outcome: Outcome) -> None:
    if options.json and options.json != "-":
        Path(options.json).write_text(as_json(outcome) + "\n")
    if options.update_readme:
        update_readme(ROOT / "README.md", as_markdown(outcome))
    if options.json == "-":
        text = as_json(outcome)
    else:
        text = as_markdown(outcome) if options.markdown else as_table(outcome)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
