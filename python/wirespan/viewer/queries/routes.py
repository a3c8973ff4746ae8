"""Routes: how often, how slow, how wrong, where the time went at each percentile, and since when.

A percentile is the nearest rank: the smallest duration that at least that share of the requests did not
exceed. It is the duration of a request that was.

The states at a percentile are those of the requests around it: all whose durations lie between the
percentiles `BANDS` says, so that one odd request decides nothing. Their means are scaled to sum exactly to
the percentile. With few requests the band may hold one alone.
"""

from dataclasses import dataclass
from typing import Any, Final

from wirespan.viewer.filters import IS_ERROR, ROUTE, Filters
from wirespan.viewer.queries.reading import STATES, Source, scaled
from wirespan.viewer.verdict import Steps, judge

PERCENTILES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
BANDS: Final = {"p50": (0.45, 0.55), "p95": (0.93, 0.97), "p99": (0.985, 0.995)}
STEPS: Final = 48
"""Time steps that the verdict compares."""
LEAST_NS: Final = 1_000_000_000
"""A rate over less than a second would be a guess."""

Key = tuple[str, str | None, str | None]


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
    where = filters.where()
    sql = f"SELECT min(start_ns), max(start_ns) FROM stored_spans WHERE {where.sql}"  # noqa: S608
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
    for key, row in rows.items():
        row["verdict"] = judge(row["p99_ns"], (row["states"] or {}).get("p99"), steps[key])
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
    for key in [*now, *(key for key in before if key not in now)]:
        service, method, route = key
        here, there = now.get(key), before.get(key)
        rows.append(
            {
                "service": service,
                "method": method,
                "route": route,
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


_ONLY_ROUTES: Final = frozenset({"service", "method", "route", "total_ns"})


def _period(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {k: v for k, v in row.items() if k not in _ONLY_ROUTES}


def _factor(here: dict[str, Any], there: dict[str, Any], name: str) -> float | None:
    before = there[_CHANGES[name]]
    return float(here[_CHANGES[name]] / before) if before else None


def _numbers(source: Source, filters: Filters, span: Range) -> dict[Key, dict[str, Any]]:
    """Each route's row without its verdict."""
    where = filters.where()
    marks = [mark for name, middle in PERCENTILES.items() for mark in (middle, *BANDS[name])]
    sql = (
        f"SELECT service, method, {ROUTE}, count(*), count(*) FILTER ({IS_ERROR}), sum(duration_ns), "  # noqa: S608
        f"quantile_disc(duration_ns, {marks}) FROM stored_spans WHERE {where.sql} GROUP BY ALL"
    )
    rows: dict[Key, dict[str, Any]] = {}
    bands: dict[Key, list[int]] = {}
    found = source.read(sql, where.values)
    slowest = sorted(found, key=lambda row: -row[5])[: filters.limit]
    for service, method, route, count, errors, total, marked in slowest:
        key = (service, method, route)
        bands[key] = marked
        rows[key] = {
            "service": service,
            "method": method,
            "route": route,
            "total_ns": int(total),
            "count": count,
            "rate": count / span.seconds,
            "errors": errors,
            "error_rate": errors / count,
            **{f"{name}_ns": marked[3 * number] for number, name in enumerate(PERCENTILES)},
            "states": None,
        }
    for key, states in _states(source, filters, bands).items():
        rows[key]["states"] = {name: scaled(parts, rows[key][f"{name}_ns"]) for name, parts in states.items()}
    return rows


def _states(source: Source, filters: Filters, bands: dict[Key, list[int]]) -> dict[Key, dict[str, Any]]:
    """For routes whose requests have states: their sums in the band of each percentile."""
    if not bands:
        return {}
    where = filters.where()
    sums = ", ".join(
        f"sum({state}_ns) FILTER (duration_ns BETWEEN low_{name} AND high_{name})"
        for name in PERCENTILES
        for state in STATES
    )
    # Nine of ten requests are in no band: leaving them out first is three times faster.
    in_a_band = " OR ".join(f"duration_ns BETWEEN low_{name} AND high_{name}" for name in PERCENTILES)
    columns = ["band_service", "band_method", "band_route"]
    columns += [f"{side}_{name}" for name in PERCENTILES for side in ("low", "high")]
    values = [value for key, marked in bands.items() for value in (*key, *_edges(marked))]
    types = ["VARCHAR"] * 3 + ["BIGINT"] * 2 * len(PERCENTILES)
    line = f"({', '.join(f'CAST(? AS {kind})' for kind in types)})"
    sql = (
        f"SELECT service, method, {ROUTE}, {sums} FROM stored_spans "  # noqa: S608
        f"JOIN (VALUES {', '.join([line] * len(bands))}) bands({', '.join(columns)}) "
        "ON service = band_service AND method IS NOT DISTINCT FROM band_method "
        f"AND {ROUTE} IS NOT DISTINCT FROM band_route "
        f"AND ({in_a_band}) WHERE {where.sql} AND run_ns IS NOT NULL GROUP BY ALL"
    )
    width = len(STATES)
    result = {}
    for row in source.read(sql, [*values, *where.values]):
        parts = {
            name: dict(
                zip(STATES, (float(v or 0) for v in row[3 + n * width : 3 + (n + 1) * width]), strict=True)
            )
            for n, name in enumerate(PERCENTILES)
        }
        result[row[:3]] = parts
    return result


def _edges(marked: list[int]) -> list[int]:
    """Of each percentile's three marks the two around it."""
    return [marked[3 * number + side] for number in range(len(PERCENTILES)) for side in (1, 2)]


def _steps(source: Source, filters: Filters, span: Range) -> dict[Key, Steps]:
    """Each route's sums for each of the time steps that the verdict compares."""
    where = filters.where()
    width = max((span.until_ns - span.since_ns) // STEPS, 1)
    sums = ", ".join(f"sum({state}_ns)" for state in STATES)
    sql = (
        f"SELECT service, method, {ROUTE}, (start_ns - ?) // ? AS step, count(*), sum(duration_ns), {sums} "  # noqa: S608
        f"FROM stored_spans WHERE {where.sql} GROUP BY ALL"
    )
    result: dict[Key, Steps] = {}
    for row in sorted(
        source.read(sql, [span.since_ns, width, *where.values]), key=lambda row: (row[3], str(row[:3]))
    ):
        steps = result.setdefault(row[:3], Steps(span.since_ns, width))
        steps.add(row[3], row[4], row[5], dict(zip(STATES, row[6:], strict=True)))
    return result
