"""Metrics and their series. See `answers`."""

from typing import Any

from wirespan.viewer.answers.base import Answer


class Metric(Answer):
    """A metric that is stored."""

    service: str
    name: str
    unit: str
    kind: str
    description: str


class Metrics(Answer):
    """All metrics by service and name."""

    metrics: list[Metric]


class Series(Answer):
    """Points are `[unix microseconds, value]`."""

    service: str
    attributes: dict[str, Any]
    points: list[tuple[int, float]]


class MetricSeries(Answer):
    """A metric's series."""

    series: list[Series]
