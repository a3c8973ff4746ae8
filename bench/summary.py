"""Medians, paired ratios and budgets: numbers made of samples, nothing is printed here."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.rounds import Sample


@dataclass(frozen=True)
class Row:
    """One server's medians over its rounds."""

    server: str
    rounds: int
    requests_per_s: float
    ratio: float | None  # of requests/s to the base, paired; None when they share no round
    cpu_us_per_request: float
    cpu_ratio: float | None  # of requests per CPU second to the base, paired
    p50_us: float
    p99_us: float
    busy: float
    noise: float
    records_per_request: float | None


@dataclass(frozen=True)
class Budget:
    """What must hold: `server` is at least `minimum` times as fast as `base` (requests/s)."""

    server: str
    base: str
    minimum: float


@dataclass(frozen=True)
class Verdict:
    """A budget beside what was measured."""

    budget: Budget
    ratio: float  # of requests/s
    cpu_ratio: float  # of requests per CPU second: differs from `ratio` where a server was not saturated

    @property
    def is_met(self) -> bool:
        """By the lower of the two: a base that waited for the load must not flatter us."""
        return min(self.ratio, self.cpu_ratio) >= self.budget.minimum


# What a core's time may be spent on; each line is a promise of the project.
BUDGET_SCENARIO = "hello"
BUDGETS = (
    Budget("wirespan", "epoll", 0.70),
    Budget("wirespan", "socketify", 1.3),
    Budget("wirespan", "granian-rsgi", 2.0),
    Budget("wirespan-log", "wirespan", 0.90),
    Budget("wirespan-tracer", "wirespan", 0.85),
    Budget("wirespan-otlp", "wirespan", 0.85),
    Budget("wirespan-asgi", "uvicorn", 1.5),
    Budget("wirespan-asgi", "granian-asgi", 2.0),
    Budget("wirespan-asgi-log", "wirespan-asgi", 0.90),
    Budget("wirespan-asgi-tracer", "wirespan-asgi", 0.85),
    Budget("wirespan-asgi-otlp", "wirespan-asgi", 0.85),
    Budget("wirespan-asgi-otlp", "uvicorn-otel", 10.0),
)


def summarize(samples: Sequence[Sample], base: str) -> list[Row]:
    """One row for each server, in the order of their first samples."""
    return [_row(samples, server, base) for server in dict.fromkeys(sample.server for sample in samples)]


def _row(samples: Sequence[Sample], server: str, base: str) -> Row:
    own = [sample for sample in samples if sample.server == server]

    def median(value: Callable[[Sample], float]) -> float:
        return statistics.median(value(sample) for sample in own)

    spans = [sample.records_per_request for sample in own if sample.records_per_request is not None]
    return Row(
        server=server,
        rounds=len(own),
        requests_per_s=median(lambda sample: sample.requests_per_s),
        ratio=paired_ratio(samples, (server, base), rate),
        cpu_ratio=paired_ratio(samples, (server, base), rate_by_cpu),
        cpu_us_per_request=median(lambda sample: sample.cpu_us_per_request),
        p50_us=median(lambda sample: sample.p50_us),
        p99_us=median(lambda sample: sample.p99_us),
        busy=median(lambda sample: sample.busy),
        noise=median(lambda sample: sample.noise),
        records_per_request=statistics.median(spans) if spans else None,
    )


def rate(sample: Sample) -> float:
    """Requests per second."""
    return sample.requests_per_s


def rate_by_cpu(sample: Sample) -> float:
    """What one core could do if the load and everybody else got out of the way."""
    return 1e6 / sample.cpu_us_per_request if sample.cpu_us_per_request else 0.0


def paired_ratio(
    samples: Sequence[Sample], pair: tuple[str, str], value: Callable[[Sample], float]
) -> float | None:
    """Median of `paired_ratios`. None when no round has both.

    A ratio of two medians would compare a quiet minute of one with a noisy one of the other.
    """
    ratios = paired_ratios(samples, pair, value)
    return statistics.median(ratios) if ratios else None


def paired_ratios(
    samples: Sequence[Sample], pair: tuple[str, str], value: Callable[[Sample], float]
) -> list[float]:
    """First over second of the pair, for each round that has both."""
    server, base = pair
    rates = {(sample.server, sample.round): value(sample) for sample in samples}
    return [
        own / rates[base, number]
        for (name, number), own in rates.items()
        if name == server and rates.get((base, number))
    ]


def judge(samples: Sequence[Sample]) -> list[Verdict]:
    """The budgets of which both sides were measured."""
    return [verdict for verdict in (_verdict(samples, budget) for budget in BUDGETS) if verdict is not None]


def _verdict(samples: Sequence[Sample], budget: Budget) -> Verdict | None:
    pair = (budget.server, budget.base)
    ratio = paired_ratio(samples, pair, rate)
    cpu_ratio = paired_ratio(samples, pair, rate_by_cpu)
    return None if ratio is None or cpu_ratio is None else Verdict(budget, ratio, cpu_ratio)
