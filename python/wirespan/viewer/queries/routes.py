"""Routes: how often, how slow, how wrong, where the time went at each percentile, and since when.

How percentiles are found says `ranks.py`.

The states at a percentile are those of the requests around it: all whose durations lie between the
percentiles `BANDS` says, so that one odd request decides nothing. Their means are scaled to sum exactly to
the percentile. With few requests the band may hold one alone.
"""

from dataclasses import dataclass
from typing import Any, Final

from wirespan.viewer.filters import Filters
from wirespan.viewer.queries.ranks import PERCENTILES, Ranked, ranked
from wirespan.viewer.queries.reading import STATES, Source, scaled
from wirespan.viewer.verdict import Steps, judge

BANDS: Final = {"p50": (450, 550), "p95": (930, 970), "p99": (985, 995)}
"""Thousandths of the requests."""
STEPS: Final = 48
"""Time steps that the verdict compares."""
LEAST_NS: Final = 1_000_000_000
"""A rate over less than a second would be a guess."""


@dataclass(frozen=True, slots=True)
class Range:
    """A time range in unix nanoseconds: what was asked for, else what the data has."""

    since_ns: int
    until_ns: int

    @property
    def seconds(self) -> float:
        """Its length, never 0."""
        return max(self.until_ns - self.since_ns, LEAST_NS) / 1e9


def range_of(source: Source, filters: Filters, now_ns: int) -> Range:
    """The range of the filters. Where they leave it open it begins with the first request that fits.

    Without an end it ends now when it began somewhere, and behind the last request when nothing is said.
    """
    if filters.since_ns is not None:
        end = filters.until_ns if filters.until_ns is not None else max(now_ns, filters.since_ns)
        return Range(filters.since_ns, end)
    where = filters.measured()
    sql = f"SELECT min(start_ns), max(start_ns) FROM measures WHERE {where.sql}"  # noqa: S608
    first, last = source.read(sql, where.values)[0]
    if first is None:
        end = filters.until_ns if filters.until_ns is not None else now_ns
        return Range(max(end - LEAST_NS, 0), end)
    return Range(first, filters.until_ns if filters.until_ns is not None else last + 1)


def routes(source: Source, filters: Filters, now_ns: int) -> dict[str, Any]:
    """All routes that have requests, the most time-consuming first."""
    span = range_of(source, filters, now_ns)
    filters = filters.between(span.since_ns, span.until_ns)
    rows = _numbers(source, filters, span)
    steps = _steps(source, filters, span)
    for number, row in rows.items():
        row["verdict"] = judge(row["p99_ns"], (row["states"] or {}).get("p99"), steps[number])
    return {
        "since_us": span.since_ns // 1_000,
        "until_us": span.until_ns // 1_000,
        "routes": list(rows.values()),
    }


def compare(source: Source, filters: Filters, base: Range, now_ns: int) -> dict[str, Any]:
    """The same routes in two periods."""
    span = range_of(source, filters, now_ns)
    now = _numbers(source, filters.between(span.since_ns, span.until_ns), span)
    before = _numbers(source, filters.between(base.since_ns, base.until_ns), base)
    rows = []
    for number in [*now, *(number for number in before if number not in now)]:
        here, there = now.get(number), before.get(number)
        rows.append(
            {
                **{name: (here or there or {})[name] for name in _NAMES},
                "now": _period(here) or _NOTHING,
                "base": _period(there),
                "change": here and there and {name: _factor(here, there, name) for name in _CHANGES},
            }
        )
    return {
        "since_us": span.since_ns // 1_000,
        "until_us": span.until_ns // 1_000,
        "base_since_us": base.since_ns // 1_000,
        "base_until_us": base.until_ns // 1_000,
        "routes": rows,
    }


_CHANGES: Final = {"rate": "rate", "error_rate": "error_rate", **{name: f"{name}_ns" for name in PERCENTILES}}


_NOTHING: Final = {
    "count": 0,
    "rate": 0.0,
    "errors": 0,
    "error_rate": 0.0,
    **{f"{name}_ns": 0 for name in PERCENTILES},
    "states": None,
}


_NAMES: Final = ("service", "method", "route")
_ONLY_ROUTES: Final = frozenset({*_NAMES, "total_ns"})


def _period(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {k: v for k, v in row.items() if k not in _ONLY_ROUTES}


def _factor(here: dict[str, Any], there: dict[str, Any], name: str) -> float | None:
    before = there[_CHANGES[name]]
    return float(here[_CHANGES[name]] / before) if before else None


def _numbers(source: Source, filters: Filters, span: Range) -> dict[int, dict[str, Any]]:
    """Each route's row without its verdict, by its number."""
    marks = {mark for name, middle in PERCENTILES.items() for mark in (middle, *BANDS[name])}
    found = ranked(source, "route_id", filters.measured(), list(marks), filters.limit)
    names = {row[0]: row[1:] for row in source.read("SELECT route_id, service, method, route FROM routes")}
    rows = {
        number: {
            **dict(zip(_NAMES, names[number], strict=True)),
            "total_ns": one.total_ns,
            "count": one.count,
            "rate": one.count / span.seconds,
            "errors": one.errors,
            "error_rate": one.errors / one.count,
            **{f"{name}_ns": one.marks[share] for name, share in PERCENTILES.items()},
            "states": None,
        }
        for number, one in found.items()
    }
    for number, states in _states(source, filters, found).items():
        row = rows[number]
        row["states"] = {name: scaled(parts, row[f"{name}_ns"]) for name, parts in states.items()}
    return rows


_BOUNDS: Final = ", ".join(
    f"unnest(?::BIGINT[]) AS {end}{band}" for band in range(len(BANDS)) for end in ("low", "high")
)
_INSIDE: Final = " + ".join(
    f"CASE WHEN duration_ns BETWEEN low{band} AND high{band} THEN {1 << band} ELSE 0 END"
    for band in range(len(BANDS))
)
"""A bit for each band: they share requests where many took the same time."""
_SUMS: Final = ", ".join(f"sum({state}_ns)" for state in STATES)
_BANDED: Final = f"""
WITH bands AS (SELECT unnest(?::INTEGER[]) AS route_id, {_BOUNDS})
SELECT route_id, {_INSIDE} AS inside, {_SUMS} FROM measures JOIN bands USING (route_id)
WHERE inside > 0 AND run_ns IS NOT NULL AND {{where}} GROUP BY ALL
"""  # noqa: S608 - our own names


def _states(source: Source, filters: Filters, found: dict[int, Ranked]) -> dict[int, dict[str, Any]]:
    """For routes whose requests have states: their sums in the band of each percentile."""
    where = filters.measured()
    sql = _BANDED.format(where=where.sql)
    bounds = [[one.marks[mark] for one in found.values()] for band in BANDS.values() for mark in band]
    result: dict[int, dict[str, Any]] = {}
    for number, inside, *sums in source.read(sql, [list(found), *bounds, *where.values]):
        states = result.setdefault(number, {name: dict.fromkeys(STATES, 0.0) for name in BANDS})
        for band, parts in enumerate(states.values()):
            if inside >> band & 1:
                for state, value in zip(STATES, sums, strict=True):
                    parts[state] += float(value or 0)
    return result


def _steps(source: Source, filters: Filters, span: Range) -> dict[int, Steps]:
    """Each route's sums for each of the time steps that the verdict compares."""
    where = filters.measured()
    width = max((span.until_ns - span.since_ns) // STEPS, 1)
    sql = (
        f"SELECT route_id, (start_ns - {span.since_ns}) // {width} AS step, count(*), sum(duration_ns), "  # noqa: S608
        f"{_SUMS} FROM measures WHERE {where.sql} GROUP BY ALL ORDER BY step, route_id"
    )
    result: dict[int, Steps] = {}
    for number, step, count, total, *sums in source.read(sql, where.values):
        steps = result.setdefault(number, Steps(span.since_ns, width))
        steps.add(step, count, total, dict(zip(STATES, sums, strict=True)))
    return result
