"""Routes: numbers, verdicts, comparisons, and over time. See `answers`."""

from typing import Literal

from wirespan.viewer.answers.base import Answer, State, States


class StatesAt(Answer):
    """The states at three percentiles: means over the requests around each, scaled to sum to it.

    All are 0 where nobody around it knows its states.
    """

    p50: States
    p95: States
    p99: States


class VerdictPart(Answer):
    """A state that the p99 is made of; `share` is between 0 and 1."""

    state: State
    share: float
    ns: int


class VerdictChange(Answer):
    """What changed: a state, or the duration (null), is `factor` times larger since then."""

    state: State | None
    factor: float
    since_us: int


class Verdict(Answer):
    """Why the route is slow, in words and in numbers."""

    text: str
    percentile: Literal["p99"]
    total_ns: int
    parts: list[VerdictPart]
    change: VerdictChange | None


class Period(Answer):
    """The numbers of a route in a time range. Percentiles are nearest ranks, `rate` is per second."""

    count: int
    rate: float
    errors: int
    error_rate: float
    p50_ns: int
    p95_ns: int
    p99_ns: int
    states: StatesAt | None


class Route(Period):
    """A route with its verdict. `total_ns` is what its requests took together."""

    service: str
    method: str | None
    route: str | None
    total_ns: int
    verdict: Verdict


class Routes(Answer):
    """Routes, those that took most time together first."""

    since_us: int
    until_us: int
    routes: list[Route]


class Changes(Answer):
    """Now divided by base; null where base is 0."""

    rate: float | None
    error_rate: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class Compared(Answer):
    """A route in two periods. Without requests now it counts 0; without requests then it has no base."""

    service: str
    method: str | None
    route: str | None
    now: Period
    base: Period | None
    change: Changes | None


class Comparison(Answer):
    """Two periods side by side."""

    since_us: int
    until_us: int
    base_since_us: int
    base_until_us: int
    routes: list[Compared]


class RouteSeries(Answer):
    """Requests over time: `[step, count, errors, p50_ns, p95_ns, p99_ns]` for steps that have any."""

    from_us: int
    step_us: int
    series: list[tuple[int, int, int, int, int, int]]
