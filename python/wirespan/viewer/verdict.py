"""Why a route is slow, in one sentence: which states its p99 is made of, and which of them changed, and when.

`p99 is 840 ms: await 71%, queue 22%; queue grew 9x since 14:05`

*Parts* are the states at the percentile that have at least `LEAST_SHARE` of it.

*The change* is looked for among the steps of the time range. The value of a step is the mean time that its
requests spent in the state. Every point with at least `LEAST_STEPS` steps and `LEAST_REQUESTS` requests on
each side is tried, and the one that splits the logarithms of the values best (least squares) is taken. It
counts only when all of this holds, because noise always has some best split:

- of all pairs of a step before and a step after it, `LEAST_ORDERED` are ordered the same way (the
  Mann-Whitney statistic divided by its largest value; 0.5 is noise);
- the means of the requests on both sides differ by at least `LEAST_FACTOR`;
- the difference is at least `LEAST_PART` of the route's mean duration on the larger side: a state that grew
  from 1 µs to 9 µs in a request of 800 ms explains nothing.

Of several states the one that changed by most nanoseconds is named. Requests whose sender does not know
states have their duration looked at in the same way.
"""

import datetime
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wirespan.viewer.waterfall import shown

LEAST_SHARE: Final = 0.1
LEAST_STEPS: Final = 4
LEAST_REQUESTS: Final = 30
LEAST_ORDERED: Final = 0.9
LEAST_FACTOR: Final = 2.0
LEAST_PART: Final = 0.1
FLOOR_NS: Final = 1_000.0
"""Added before a logarithm is taken: below a microsecond is noise."""
DAY_S: Final = 86_400
WHOLE: Final = 10
"""From here on a factor needs no decimal."""


@dataclass(slots=True)
class Step:
    """The requests of one step of time: how many, and the sums of their nanoseconds."""

    number: int
    count: int
    total_ns: float
    states: dict[str, float] | None


@dataclass(slots=True)
class Steps:
    """A route over time. Steps without requests are not there.

    Attributes:
        since_ns: where step 0 begins, unix nanoseconds.
        width_ns: how long one is.
    """

    since_ns: int
    width_ns: int
    rows: list[Step] = field(default_factory=list)

    def add(self, number: int, count: int, total_ns: float, states: Mapping[str, float | None]) -> None:
        """Adds a step, in order of time.

        Args:
            number: how many are before it.
            count: its requests.
            total_ns: their durations together.
            states: their time in each state together; None where no request knows it.
        """
        known = {state: float(value) for state, value in states.items() if value is not None}
        self.rows.append(Step(number, count, float(total_ns), known or None))


@dataclass(frozen=True, slots=True)
class Change:
    """When something changed.

    Attributes:
        state: which of the six; None is the duration.
        factor: how many times larger its mean is since then.
        since_ns: the beginning of the first step that is different, unix nanoseconds.
        by_ns: by how much the mean changed.
    """

    state: str | None
    factor: float
    since_ns: int
    by_ns: float


def judge(total_ns: int, states: Mapping[str, int] | None, steps: Steps) -> dict[str, Any]:
    """The verdict on a route's p99.

    Args:
        total_ns: the p99.
        states: what it is made of; None where that is not known.
        steps: the route over time.
    """
    parts = [
        {"state": state, "share": spent / total_ns, "ns": spent}
        for state, spent in sorted((states or {}).items(), key=lambda item: -item[1])
        if total_ns and spent / total_ns >= LEAST_SHARE
    ]
    change = find_change(steps)
    return {
        "text": _text(total_ns, parts, change, steps),
        "percentile": "p99",
        "total_ns": total_ns,
        "parts": parts,
        "change": change
        and {
            "state": change.state,
            "factor": round(change.factor, 3),
            "since_us": change.since_ns // 1_000,
        },
    }


def find_change(steps: Steps) -> Change | None:
    """The change that explains most, None where nothing changed that can be told from noise."""
    known = [step for step in steps.rows if step.states is not None]
    if known:
        names = list(known[0].states or {})
        series = {name: [(step, (step.states or {}).get(name, 0.0)) for step in known] for name in names}
        found = [_change(steps, name, values) for name, values in series.items()]
    else:
        found = [_change(steps, None, [(step, step.total_ns) for step in steps.rows])]
    return max((change for change in found if change is not None), key=lambda one: one.by_ns, default=None)


def _change(steps: Steps, state: str | None, sums: list[tuple[Step, float]]) -> Change | None:
    values = [spent / step.count for step, spent in sums]
    at = _best_split([math.log(value + FLOOR_NS) for value in values], [step.count for step, _ in sums])
    if at is None or not _is_ordered(values[:at], values[at:]):
        return None
    before, after = _mean(sums[:at]), _mean(sums[at:])
    factor = (after + FLOOR_NS) / (before + FLOOR_NS)
    larger = sums[at:] if after > before else sums[:at]
    duration = sum(step.total_ns for step, _ in larger) / sum(step.count for step, _ in larger)
    by_ns = abs(after - before)
    if max(factor, 1 / factor) < LEAST_FACTOR or by_ns < LEAST_PART * duration:
        return None
    return Change(state, factor, steps.since_ns + sums[at][0].number * steps.width_ns, by_ns)


def _mean(sums: list[tuple[Step, float]]) -> float:
    return sum(spent for _, spent in sums) / sum(step.count for step, _ in sums)


def _best_split(values: list[float], counts: list[int]) -> int | None:
    """Where to cut so that both sides vary least around their means; None where no cut is allowed."""
    total, whole = sum(values), len(values)
    best: tuple[float, int] | None = None
    left = 0.0
    for at in range(1, whole):
        left += values[at - 1]
        if min(at, whole - at) < LEAST_STEPS or min(sum(counts[:at]), sum(counts[at:])) < LEAST_REQUESTS:
            continue
        # The larger the sum of squares between the sides, the smaller the one within them.
        between = left**2 / at + (total - left) ** 2 / (whole - at)
        if best is None or between > best[0]:
            best = (between, at)
    return None if best is None else best[1]


def _is_ordered(before: list[float], after: list[float]) -> bool:
    larger = sum(b < a for b in before for a in after) / (len(before) * len(after))
    return max(larger, 1 - larger) >= LEAST_ORDERED


def _text(total_ns: int, parts: list[dict[str, Any]], change: Change | None, steps: Steps) -> str:
    return f"p99 is {shown(total_ns)}" + "".join(_clauses(parts, change, steps))


def _clauses(parts: list[dict[str, Any]], change: Change | None, steps: Steps) -> Iterator[str]:
    if parts:
        yield ": " + ", ".join(f"{part['state']} {100 * part['share']:.0f}%" for part in parts)
    if change is not None:
        what = change.state or "it"
        grew = change.factor > 1
        factor = change.factor if grew else 1 / change.factor
        times = f"{factor:.0f}x" if factor >= WHOLE else f"{factor:.1f}".removesuffix(".0") + "x"
        yield f"; {what} {'grew' if grew else 'fell'} {times} since {_clock(change.since_ns, steps)}"


def _clock(moment_ns: int, steps: Steps) -> str:
    """The time of day on this machine, with the date where the steps span more than a day."""
    moment = datetime.datetime.fromtimestamp(moment_ns / 1e9, datetime.UTC).astimezone()
    long = steps.rows[-1].number * steps.width_ns >= DAY_S * 10**9
    seconds = steps.width_ns < 30 * 10**9
    return moment.strftime("%Y-%m-%d %H:%M" if long else "%H:%M:%S" if seconds else "%H:%M")
