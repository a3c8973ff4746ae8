"""Metrics and their series."""

import itertools
from typing import Any

from viewer.expected import (
    SINCE,
    UNTIL,
    send_metrics,
    shape,
)
from viewer.running import Running
from viewer.sender import T0
from wirespan.viewer import answers


def test_metrics(viewer: Running) -> None:
    send_metrics(viewer)
    found = viewer.get("/api/metrics")
    shape(answers.Metrics, found)
    assert [(one["name"], one["kind"]) for one in found["metrics"]] == [
        ("delta", "histogram"), ("latency", "histogram"), ("queue.size", "gauge"), ("requests", "sum"),
    ]  # fmt: skip

    def points(name: str, **more: Any) -> list[list[float]]:
        found = viewer.get("/api/metrics/series", name=name, until=UNTIL, **more)
        shape(answers.MetricSeries, found)
        return [list(itertools.chain.from_iterable(one["points"])) for one in found["series"]]

    at = [T0 // 1_000 + number * 1_000_000 for number in range(3)]
    assert points("queue.size") == [[at[0], 3, at[1], 5, at[2], 4]]
    assert points("requests") == [[at[1], 15, at[2], 7]], "what was added, and after a restart what there is"
    assert points("latency") == [[at[0], 2.0, at[1], 3.0]], (
        "the mean of what was added; nothing was at the end"
    )
    assert points("delta") == [[at[2], 2.0]]
    assert points("queue.size", since=SINCE + 1_500) == [[at[2], 4]]
    assert points("queue.size", service="nope") == points("nope") == []
    assert viewer.get("/api/metrics/series", name="queue.size")["series"][0]["attributes"] == {"pool": "a"}
