"""The latency heat map: how many requests for each step of time and band of duration."""

from dataclasses import dataclass
from typing import Any, Final

from wirespan.viewer.filters import Filters
from wirespan.viewer.queries.reading import Source
from wirespan.viewer.queries.routes import range_of

STEPS: Final = 60
MAX_STEPS: Final = 500
_DECADES: Final = range(5, 11)
_MARKS: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
EDGES_NS: Final = (0, *(round(mark * 10**decade) for decade in _DECADES for mark in _MARKS), 10**11)
"""Where the bands begin: each holds `edge <= duration < next edge`, the last one everything from 100 s on."""
LEAST_TOP_NS: Final = 2 * 10**11
"""Where the last band ends, if nothing took longer."""


@dataclass(frozen=True, slots=True)
class TimeSteps:
    """A time range in steps of equal length. They begin at whole microseconds: what a URL can say.

    Attributes:
        since_ns: where the range begins, unix nanoseconds.
        until_ns: where it ends.
        from_us: where step 0 begins, unix microseconds.
        step_us: how long one is.
    """

    since_ns: int
    until_ns: int
    from_us: int
    step_us: int

    @property
    def number_sql(self) -> str:
        """The number of a request's step as an expression."""
        return f"(start_ns - {self.from_us * 1_000}) // {self.step_us * 1_000}"


def time_steps(source: Source, filters: Filters, steps: int, now_ns: int) -> TimeSteps:
    """The range of the filters in at most so many steps."""
    span = range_of(source, filters, now_ns)
    from_us = span.since_ns // 1_000
    step_us = max(-(-(span.until_ns - from_us * 1_000) // (steps * 1_000)), 1)
    return TimeSteps(span.since_ns, span.until_ns, from_us, step_us)


def heatmap(source: Source, filters: Filters, steps: int, now_ns: int) -> dict[str, Any]:
    """Counts and errors of every cell that has requests.

    A cell's requests are those that `since`, `until`, `min_ms` and `max_ms` at its edges find.
    """
    time = time_steps(source, filters, steps, now_ns)
    where = filters.between(time.since_ns, time.until_ns).measured()
    sql = (
        f"SELECT {time.number_sql} AS step, {_band(0, len(EDGES_NS))} AS band, count(*), "  # noqa: S608
        f"count(*) FILTER (failed), max(duration_ns) FROM measures "
        f"WHERE {where.sql} GROUP BY ALL ORDER BY step, band"
    )
    rows = source.read(sql, where.values)
    return {
        "from_us": time.from_us,
        "step_us": time.step_us,
        "edges_ns": [*EDGES_NS, max([LEAST_TOP_NS, *(row[4] + 1 for row in rows)])],
        "cells": [list(row[:4]) for row in rows],
    }


def _band(low: int, high: int) -> str:
    """The number of a duration's band as an expression: a binary search, five comparisons for each row."""
    if high - low == 1:
        return str(low)
    middle = (low + high) // 2
    return (
        f"CASE WHEN duration_ns < {EDGES_NS[middle]} THEN {_band(low, middle)} ELSE {_band(middle, high)} END"
    )
