"""How requests went over time: for each step how many, how wrong, how slow."""

from typing import Any, Final

from wirespan.viewer.filters import IS_ERROR, Filters
from wirespan.viewer.queries.heatmap import time_steps
from wirespan.viewer.queries.reading import Source

SHARES: Final = (0.5, 0.95, 0.99)


def series(source: Source, filters: Filters, steps: int, now_ns: int) -> dict[str, Any]:
    """Counts, errors and percentiles of every step that has requests, all that fit the filters together.

    The steps are those of the heat map with the same filters.
    """
    time = time_steps(source, filters, steps, now_ns)
    where = filters.between(time.since_ns, time.until_ns).where()
    rows = source.read(
        f"SELECT {time.number_sql} AS step, count(*), count(*) FILTER ({IS_ERROR}), "  # noqa: S608
        f"quantile_disc(duration_ns, {list(SHARES)}) FROM stored_spans WHERE {where.sql} "
        "GROUP BY step ORDER BY step",
        where.values,
    )
    return {
        "from_us": time.from_us,
        "step_us": time.step_us,
        "series": [[step, count, errors, *marks] for step, count, errors, marks in rows],
    }
