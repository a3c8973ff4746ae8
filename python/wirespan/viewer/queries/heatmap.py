"""The latency heat map: how many requests for each step of time and band of duration."""

from typing import Any, Final

from wirespan.viewer.filters import IS_ERROR, Filters
from wirespan.viewer.queries.reading import Source
from wirespan.viewer.queries.routes import range_of

STEPS: Final = 60
MAX_STEPS: Final = 500
_DECADES: Final = range(5, 11)
_MARKS: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
EDGES_NS: Final = (0, *(round(mark * 10**decade) for decade in _DECADES for mark in _MARKS), 10**11)
"""Where the bands begin: each holds `edge <= duration < next edge`, the last one everything above 100 s."""


def heatmap(source: Source, filters: Filters, steps: int, now_ns: int) -> dict[str, Any]:
    """Counts and errors of every cell that has requests.

    A cell's requests are those that `since`, `until`, `min_ms` and `max_ms` at its edges find.
    """
    span = range_of(source, filters, now_ns)
    # Whole microseconds, so that the edges can be written in a URL without loss.
    since_us = span.since_ns // 1_000
    width_us = max(-(-(span.until_ns - since_us * 1_000) // (steps * 1_000)), 1)
    where = filters.between(span.since_ns, span.until_ns).where()
    sql = (
        f"SELECT (start_ns - ?) // ? AS step, {_band(0, len(EDGES_NS))} AS band, count(*), "  # noqa: S608
        f"count(*) FILTER ({IS_ERROR}) FROM stored_spans WHERE {where.sql} GROUP BY ALL ORDER BY step, band"
    )
    rows = source.read(sql, [since_us * 1_000, width_us * 1_000, *where.values])
    return {
        "from_us": since_us,
        "step_us": width_us,
        "edges_ns": list(EDGES_NS),
        "cells": [list(row) for row in rows],
    }


def _band(low: int, high: int) -> str:
    """The number of a duration's band as an expression: a binary search, five comparisons for each row."""
    if high - low == 1:
        return str(low)
    middle = (low + high) // 2
    return (
        f"CASE WHEN duration_ns < {EDGES_NS[middle]} THEN {_band(low, middle)} ELSE {_band(middle, high)} END"
    )
