"""A tracer that adds up where each route's time went: what a user's own Python tracer looks like."""

import contextvars
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from rich.table import Table
from rich.text import Text

from wirespan.context import RequestContext
from wirespan.looks import LOOKS

# What the other columns of the summary need.
OTHERS_WIDTH = 74
BAR_WIDTHS = (6, 24)
WHOLE_MS = 100  # from here on a tenth says nothing
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
    """Adds up the six states for each route, over all servers that it is registered with.

    Attributes:
        totals: by method and route.
        gone: requests whose client did not wait for the end.
        failed: requests whose handler raised.
    """

    def __init__(self) -> None:
        self.totals: dict[str, Total] = defaultdict(Total)
        self.gone = 0
        self.failed = 0

    def start(self, context: contextvars.Context, request: RequestContext) -> contextvars.Context:
        """Nothing to prepare: everything is on the record when the exchange ends."""
        return context

    def finish(self, context: contextvars.Context, request: RequestContext) -> None:
        """Adds one exchange."""
        stats = request.stats
        total = self.totals[f"{request.method} {stats.route or '(no route)'}"]
        total.requests += 1
        total.states.update(stats.states())
        if stats.end_reason == "client_disconnected":
            self.gone += 1
        elif stats.error is not None:
            self.failed += 1


def summary_table(tally: Tally, width: int = 80, *, color: bool = True) -> Table:
    """Routes, the slowest first, with the state that took most of the time and what that means.

    Args:
        tally: what was measured.
        width: columns of the terminal.
        color: else the states are letters, as in the access log.
    """
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("route", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("mean", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("where the time went", no_wrap=True)
    bar_width = min(max(width - OTHERS_WIDTH, BAR_WIDTHS[0]), BAR_WIDTHS[1])
    for route, total in sorted(tally.totals.items(), key=lambda row: -row[1].mean_ms()):
        state, spent = total.states.most_common(1)[0]
        share = 100 * spent // max(total.total_ns, 1)
        verdict = Text.assemble((f"{state} {share}%", LOOKS[state].color), f" {LOOKS[state].meaning}")
        mean = total.mean_ms()
        table.add_row(
            route,
            str(total.requests),
            f"{mean:.{0 if mean >= WHOLE_MS else 1}f} ms",
            _bar(total, bar_width, color=color),
            verdict,
        )
    return table


def _bar(total: Total, width: int, *, color: bool) -> Text:
    """The six states as one bar; a state with any time at all has at least its rounded share."""
    bar = Text()
    drawn = 0
    passed = 0
    for state, look in LOOKS.items():
        passed += total.states[state]
        until = round(width * passed / max(total.total_ns, 1))
        bar.append(("█" if color else look.letter) * (until - drawn), style=look.color)
        drawn = until
    return bar


def lesson(tally: Tally) -> Text:
    """What to see: the fast page is slow on average, and the page itself is not the reason."""
    total = tally.totals.get(FAST_ROUTE, Total())
    return Text.assemble(
        "The product page needs ",
        (f"{total.mean_ms('run'):.1f} ms of Python", LOOKS["run"].color),
        f" and took {total.mean_ms():.1f} ms on average: it waited ",
        (f"{total.mean_ms('queue'):.1f} ms in the kernel", LOOKS["queue"].color),
        ", because /report blocks the event loop. A trace that begins in a middleware cannot show that.\n"
        f"In {tally.gone} requests the client left before the end, in {tally.failed} the handler raised: "
        "each has its line, too.",
    )
