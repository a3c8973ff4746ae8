"""How requests went over time: for each step how many, how wrong, how slow."""

from typing import Any

from wirespan.viewer.filters import Filters
from wirespan.viewer.queries.heatmap import time_steps
from wirespan.viewer.queries.ranks import PERCENTILES, ranked
from wirespan.viewer.queries.reading import Source


def series(source: Source, filters: Filters, steps: int, now_ns: int) -> dict[str, Any]:
    """Counts, errors and percentiles of every step that has requests, all that fit the filters together.

    The steps are those of the heat map with the same filters.
    """
    time = time_steps(source, filters, steps, now_ns)
    where = filters.between(time.since_ns, time.until_ns).measured()
    found = ranked(source, time.number_sql, where, list(PERCENTILES.values()))
    return {
        "from_us": time.from_us,
        "step_us": time.step_us,
        "series": [
            [step, one.count, one.errors, *(one.marks[share] for share in PERCENTILES.values())]
            for step, one in sorted(found.items())
        ],
    }
