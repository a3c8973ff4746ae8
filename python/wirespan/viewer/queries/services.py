"""The map of services: who is asked how much, and who asks whom."""

from typing import Any, Final

from wirespan.viewer.filters import Filters
from wirespan.viewer.queries.reading import Source
from wirespan.viewer.queries.routes import range_of

# What the callee measured is what is shown.
_CALLS: Final = (
    "SELECT caller, service, count(*), count(*) FILTER (failed), quantile_disc(duration_ns, [0.5, 0.95]) "
    "FROM calls JOIN routes USING (route_id) WHERE {where} GROUP BY ALL ORDER BY ALL"
)


def services(source: Source, filters: Filters, now_ns: int) -> dict[str, Any]:
    """Nodes and edges of the map, by name.

    Filters choose the requests that count: those of the callee. A caller that has no requests itself, a job
    or a browser, is a node as well.
    """
    span = range_of(source, filters, now_ns)
    filters = filters.between(span.since_ns, span.until_ns)
    where = filters.measured()
    rows = source.read(
        "SELECT service, count(*), count(*) FILTER (failed), "  # noqa: S608
        "quantile_disc(duration_ns, [0.5, 0.95, 0.99]) FROM measures JOIN routes USING (route_id) "
        f"WHERE {where.sql} GROUP BY ALL ORDER BY ALL",
        where.values,
    )
    calls = source.read(_CALLS.format(where=where.sql), where.values)
    nodes = [_node(*row, seconds=span.seconds) for row in rows]
    known = {row[0] for row in rows}
    silent = dict.fromkeys(row[0] for row in calls if row[0] not in known)
    nodes += [_node(name, 0, 0, [0, 0, 0], seconds=span.seconds) for name in silent]
    return {
        "since_us": span.since_ns // 1_000,
        "until_us": span.until_ns // 1_000,
        "nodes": nodes,
        "edges": [
            {
                "from": caller,
                "to": called,
                "calls": count,
                "rate": count / span.seconds,
                "errors": errors,
                "p50_ns": p50,
                "p95_ns": p95,
            }
            for caller, called, count, errors, (p50, p95) in calls
        ],
    }


def _node(name: str, count: int, errors: int, marks: list[int], *, seconds: float) -> dict[str, Any]:
    return {
        "service": name,
        "requests": count,
        "rate": count / seconds,
        "errors": errors,
        "p50_ns": marks[0],
        "p95_ns": marks[1],
        "p99_ns": marks[2],
    }
