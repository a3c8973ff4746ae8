"""Metrics: what there is, and one as series of points.

A point of a histogram or summary is the mean of what was added to it. A sum that is cumulative and only grows
is shown as what was added between two points: that is what people look for, and a restart is no cliff.
"""

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from wirespan.viewer.queries.reading import Source

MAX_SERIES: Final = 50
MAX_POINTS: Final = 20_000

Point = tuple[int, float | None, int | None, float | None]


def metrics(source: Source) -> dict[str, Any]:
    """Every metric once, by service and name."""
    rows = source.read(
        "SELECT service, name, any_value(unit), kind, any_value(description) FROM metrics "
        "GROUP BY service, name, kind ORDER BY service, name, kind"
    )
    return {
        "metrics": [
            {"service": service, "name": name, "unit": unit, "kind": kind, "description": description}
            for service, name, unit, kind, description in rows
        ]
    }


def series(source: Source, name: str, service: str | None, since_ns: int, until_ns: int) -> dict[str, Any]:
    """The metric's series: one for each service and set of attributes, points in order of time."""
    rows = source.read(
        "SELECT service, attributes, kind = 'sum' AND monotonic AND temporality = 'cumulative', "
        "temporality = 'cumulative', time_ns, value, count, sum FROM metrics WHERE name = ? "
        "AND (? IS NULL OR service = ?) AND time_ns >= ? AND time_ns < ? "
        "ORDER BY service, attributes, time_ns LIMIT ?",
        [name, service, service, since_ns, until_ns, MAX_POINTS],
    )
    result = []
    for (owner, attributes), group in groupby(rows, key=lambda row: row[:2]):
        points = list(group)
        shown = _points([row[4:] for row in points], rising=bool(points[0][2]), total=bool(points[0][3]))
        result.append({"service": owner, "attributes": json.loads(attributes), "points": shown})
    return {"series": result[:MAX_SERIES]}


def _points(rows: Sequence[Point], *, rising: bool, total: bool) -> list[list[Any]]:
    result: list[list[Any]] = []
    last: Point | None = None
    for row in rows:
        value = row[1] if row[2] is None else _mean(row, last if total else None)
        if row[2] is None and rising:
            value = None if last is None else _added(row[1], last[1])
        if value is not None:
            result.append([row[0] // 1_000, value])
        last = row
    return result


def _added(now: float | None, before: float | None) -> float:
    """What was added; after a restart, what there is since then."""
    now, before = now or 0.0, before or 0.0
    return now - before if now >= before else now


def _mean(row: Point, last: Point | None) -> float | None:
    """The mean of what was added since the last point, or of everything in the point."""
    count, total = row[2] or 0, row[3]
    if total is None:
        return None
    if last is not None and last[2] is not None and count >= last[2]:
        count, total = count - last[2], total - (last[3] or 0.0)
    return total / count if count else None
