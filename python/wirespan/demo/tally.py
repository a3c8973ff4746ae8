"""A tracer that adds up where each route's time went: what a user's own Python tracer looks like."""

import contextvars
from collections import Counter, defaultdict
from collections.abc import Mapping
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
# Without colours each state has the letter of the plain access log.
LETTERS = dict(zip(COLORS, "qrs#.w", strict=True))
BLOCKS = dict.fromkeys(COLORS, "█")
MEANINGS = {
    "queue": "the loop was blocked",
    "read": "the client sent slowly",
    "schedule": "its turn or a thread",
    "run": "Python was busy",
    "await": "a database or service",
    "write": "the client read slowly",
}
BAR_WIDTH = 16
FAST_ROUTE = "GET /products/{number}"


@dataclass
class Total:
    """What was measured on one route."""

    requests: int = 0
    states: Counter[str] = field(default_factory=Counter)

    @property
    def total_ns(self) -> int:
        """All requests together."""
        return sum(self.states.values())

    def mean_ms(self, state: str | None = None) -> float:
        """Milliseconds of one request, in all states or in one."""
        spent = self.total_ns if state is None else self.states[state]
        return spent / max(self.requests, 1) / 1e6


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
        total.states.update(stats.states())


def summary_table(tally: Tally, marks: Mapping[str, str] = BLOCKS) -> Table:
    """Routes, the slowest first, with the state that took most of the time and what that means.

    Args:
        tally: what was measured.
        marks: the character of each state in a bar: `BLOCKS`, or `LETTERS` where there are no colours.
    """
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("route", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True, min_width=5)
    table.add_column("mean", justify="right", no_wrap=True, min_width=9)
    table.add_column("where it went", no_wrap=True, min_width=BAR_WIDTH)
    table.add_column("mostly", no_wrap=True)
    rows = sorted(tally.totals.items(), key=lambda row: -row[1].mean_ms())
    for route, total in rows:
        state, spent = total.states.most_common(1)[0]
        share = 100 * spent // max(total.total_ns, 1)
        mostly = Text.assemble((f"{state} {share}%", COLORS[state]), (f"  {MEANINGS[state]}", "dim"))
        table.add_row(route, str(total.requests), f"{total.mean_ms():.1f} ms", _bar(total, marks), mostly)
    return table


def _bar(total: Total, marks: Mapping[str, str]) -> Text:
    """The six states as one bar; a state with any time at all has at least its rounded share."""
    bar = Text()
    drawn = 0
    passed = 0
    for state, color in COLORS.items():
        passed += total.states[state]
        until = round(BAR_WIDTH * passed / max(total.total_ns, 1))
        bar.append(marks[state] * (until - drawn), style=color)
        drawn = until
    return bar


def lesson(tally: Tally) -> Text:
    """What to see: the fast page is slow on average, and the page itself is not the reason."""
    total = tally.totals.get(FAST_ROUTE, Total())
    return Text.assemble(
        "The product page needs ",
        (f"{total.mean_ms('run'):.1f} ms of Python", COLORS["run"]),
        f" and took {total.mean_ms():.1f} ms on average: it waited ",
        (f"{total.mean_ms('queue'):.1f} ms in the kernel", COLORS["queue"]),
        ", because /report blocks the event loop. A trace that begins in a middleware cannot show that.",
    )
