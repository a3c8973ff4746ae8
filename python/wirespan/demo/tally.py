"""A tracer that adds up where each route's time went: what a user's own Python tracer looks like."""

import contextvars
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from rich.table import Table
from rich.text import Text

from wirespan.context import RequestContext

# The order of the six states is the order of a request's life; the colours are those of the pretty access
# log.
COLORS = {
    "queue": "red",
    "read": "blue",
    "schedule": "yellow",
    "run": "green",
    "await": "cyan",
    "write": "magenta",
}
MEANINGS = {
    "queue": "waited for an event loop that something else blocked",
    "read": "waited for a client that sends slowly",
    "schedule": "waited for its turn, or for a free thread",
    "run": "Python was busy, and everybody else waited",
    "await": "waited for a database or another service",
    "write": "waited for a client that reads slowly",
}
BAR_WIDTH = 24


@dataclass
class Total:
    """What was measured on one route."""

    requests: int = 0
    slowest_ns: int = 0
    states: Counter[str] = field(default_factory=Counter)

    @property
    def total_ns(self) -> int:
        """All requests together."""
        return sum(self.states.values())


class Tally:
    """Adds up the six states for each route, over all servers that it is registered with."""

    def __init__(self) -> None:
        self.totals: dict[str, Total] = defaultdict(Total)

    def start(self, context: contextvars.Context, request: RequestContext) -> contextvars.Context:
        """Nothing to prepare: everything is on the record when the exchange ends."""
        return context

    def finish(self, context: contextvars.Context, request: RequestContext) -> None:
        """Adds one exchange."""
        stats = request.stats
        total = self.totals[f"{request.method} {stats.route or '(no route)'}"]
        total.requests += 1
        total.slowest_ns = max(total.slowest_ns, stats.total_ns())
        total.states.update(stats.states())


def summary_table(tally: Tally) -> Table:
    """Routes, the slowest first, with the state that took most of the time and what that means."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("route", no_wrap=True)
    table.add_column("requests", justify="right")
    table.add_column("mean", justify="right", no_wrap=True)
    table.add_column("where the time went", no_wrap=True)
    table.add_column("mostly")
    rows = sorted(tally.totals.items(), key=lambda row: -row[1].total_ns / row[1].requests)
    for route, total in rows:
        state, spent = total.states.most_common(1)[0]
        share = 100 * spent // max(total.total_ns, 1)
        mostly = Text.assemble((f"{state} {share}%", COLORS[state]), (f"  {MEANINGS[state]}", "dim"))
        mean_ms = total.total_ns / total.requests / 1e6
        table.add_row(route, str(total.requests), f"{mean_ms:.1f} ms", _bar(total), mostly)
    return table


def _bar(total: Total) -> Text:
    """The six states as one bar; a state with any time at all has at least its rounded share."""
    bar = Text()
    drawn = 0
    passed = 0
    for state, color in COLORS.items():
        passed += total.states[state]
        until = round(BAR_WIDTH * passed / max(total.total_ns, 1))
        bar.append("█" * (until - drawn), style=color)
        drawn = until
    return bar
