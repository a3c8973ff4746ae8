"""Showing the numbers: a table for the terminal, Markdown for the README, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.servers import SERVERS
from bench.summary import BUDGET_SCENARIO, Row, Verdict, judge, summarize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.rounds import Plan, Sample

README_BEGIN = "<!-- bench:begin -->"
README_END = "<!-- bench:end -->"
_LOUD = 0.03  # share of the server's core taken by others, above which a warning is printed
_SATURATED = 0.95  # share of its core in use, below which the server waited for the load
_TITLES = {server.name: server.title for server in SERVERS}


@dataclass(frozen=True)
class Outcome:
    """A whole run: what was planned, what came out."""

    plan: Plan
    base: str
    machine: Mapping[str, str]
    samples: Sequence[Sample]
    failed: Mapping[str, str]

    def rows(self) -> list[Row]:
        """Medians by server."""
        return summarize(self.samples, self.base)

    def verdicts(self) -> list[Verdict]:
        """Budgets of which both sides ran. They are set for one scenario only."""
        return judge(self.samples) if self.plan.scenario.name == BUDGET_SCENARIO else []


def as_table(outcome: Outcome) -> str:
    """Columns for a terminal, then budgets and warnings."""
    header, *cells = _cells(outcome)
    widths = [max(len(line[column]) for line in (header, *cells)) for column in range(len(header))]
    lines = [_aligned(line, widths) for line in (header, *cells)]
    lines += ["", *_budget_lines(outcome.verdicts()), *_warnings(outcome)]
    return "\n".join(lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = line
    cells = [
        name.ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)),
    ]
    return "  ".join(cells)


def _cells(outcome: Outcome) -> list[tuple[str, ...]]:
    header = (
        "server",
        "requests/s",
        f"x {outcome.base}",
        "CPU us/request",
        "x by CPU",
        "p50 ms",
        "p99 ms",
        "records/request",
    )
    return [header, *(_row_cells(row) for row in outcome.rows())]


def _row_cells(row: Row) -> tuple[str, ...]:
    return (
        _TITLES[row.server],
        f"{row.requests_per_s:,.0f}",
        _ratio(row.ratio),
        f"{row.cpu_us_per_request:.1f}",
        _ratio(row.cpu_ratio),
        f"{row.p50_us / 1000:.2f}",
        f"{row.p99_us / 1000:.2f}",
        _ratio(row.records_per_request),
    )


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _budget_lines(verdicts: Sequence[Verdict]) -> list[str]:
    return [f"{'met   ' if verdict.is_met else 'MISSED'}  {_sentence(verdict)}" for verdict in verdicts]


def _sentence(verdict: Verdict) -> str:
    budget = verdict.budget
    return (
        f"{budget.server} is {verdict.ratio:.2f} x {budget.base}, {verdict.cpu_ratio:.2f} by CPU"
        f" (budget: {budget.minimum:.2f} or more)"
    )


def _warnings(outcome: Outcome) -> list[str]:
    rows = outcome.rows()
    loud = [row.server for row in rows if row.noise > _LOUD]
    slack = [row.server for row in rows if row.busy + row.noise < _SATURATED]
    warnings = [f"failed: {server}: {reason}" for server, reason in outcome.failed.items()]
    if loud:
        warnings.append(
            f"noisy machine: others used over {_LOUD:.0%} of the server's core for {', '.join(loud)}"
        )
    if slack:
        warnings.append(f"the load was the limit, not the server: {', '.join(slack)} (see CPU us/request)")
    return warnings


def as_markdown(outcome: Outcome) -> str:
    """The README's table with the conditions it was measured under."""
    header, *cells = _cells(outcome)
    rule = ("---", *("---:" for _ in header[1:]))
    table = [f"| {' | '.join(line)} |" for line in (header, rule, *cells)]
    missed = [_sentence(verdict) for verdict in outcome.verdicts() if not verdict.is_met]
    budgets = ["", "Budgets missed: " + "; ".join(missed) + "."] if missed else []
    return "\n".join([*table, "", _conditions(outcome), *budgets])


def _conditions(outcome: Outcome) -> str:
    plan, facts = outcome.plan, outcome.machine
    rounds = max((row.rounds for row in outcome.rows()), default=0)
    return (
        f"Scenario `{plan.scenario.name}`; medians of {rounds} interleaved rounds of {plan.load.seconds:g} s,"
        f" {plan.load.connections} connections; server on one core, wrk on another; ratios paired by round."
        f" {facts['processor']}, Linux {facts['kernel']}, Python {facts['python']}."
    )


def as_json(outcome: Outcome) -> str:
    """Everything, each sample included."""
    plan = outcome.plan
    return json.dumps(
        {
            "machine": dict(outcome.machine),
            "scenario": plan.scenario.name,
            "connections": plan.load.connections,
            "seconds": plan.load.seconds,
            "base": outcome.base,
            "servers": [asdict(row) for row in outcome.rows()],
            "budgets": [{**asdict(verdict), "met": verdict.is_met} for verdict in outcome.verdicts()],
            "failed": dict(outcome.failed),
            "samples": [asdict(sample) for sample in outcome.samples],
        },
        indent=2,
    )


def update_readme(path: Path, markdown: str) -> None:
    """Replaces what is between the two markers.

    Raises:
        BenchError: The markers are missing or in the wrong order.
    """
    text = path.read_text()
    before, begin, rest = text.partition(README_BEGIN)
    _old, end, after = rest.partition(README_END)
    if not begin or not end:
        raise BenchError(f"{path} needs a line '{README_BEGIN}' and after it a line '{README_END}'")
    path.write_text(f"{before}{begin}\n{markdown}\n{end}{after}")
