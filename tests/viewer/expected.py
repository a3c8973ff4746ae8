"""Traffic, and the numbers that answers must have, computed from its spans."""

import random
from collections import defaultdict
from typing import Any

import msgspec
import pytest

from viewer.running import Running
from viewer.sender import CONSUMER, MS, STATES, T0, Span, inner, metrics, pairs
from wirespan.viewer.queries.ranks import PERCENTILES
from wirespan.viewer.queries.routes import BANDS

SECOND = 1_000 * MS
SINCE, UNTIL = T0 // MS, T0 // MS + 600_000


def traffic(seed: int = 1, count: int = 400) -> list[Span]:
    """Ten minutes of two services, with states at one of them."""
    source = random.Random(seed)
    spans = []
    for _ in range(count):
        states = tuple(source.randint(0, 9) * MS // 7 for _ in STATES)
        start = T0 + source.randrange(600 * SECOND)
        route = source.choice(["/a", "/b"])
        call = Span(
            start=start,
            duration=max(source.randrange(80 * MS), 1),
            service="front",
            route=route,
            status=source.choice([200, 200, 200, 404, 500]),
        )
        spans.append(call)
        spans.append(
            Span(
                trace=call.trace,
                parent=call.span,
                start=start,
                duration=sum(states),
                service="shop",
                route=route,
                method=source.choice(["GET", "POST"]),
                failed=source.random() < 0.1,
                states=states,
            )
        )
    spans.append(inner(service="job", name="nightly", kind=CONSUMER, start=T0 + SECOND, duration=7 * MS))
    return spans


def shape(kind: Any, found: Any) -> None:
    """The answer is what the OpenAPI document says, and nothing more."""
    msgspec.convert(found, kind, strict=True)


def rank(durations: list[int], thousandths: int) -> int:
    return sorted(durations)[-(-thousandths * len(durations) // 1_000) - 1]


def key_of(span: Span) -> tuple[str, str | None, str | None]:
    return span.service, span.method, span.route if span.method else span.name


def by_route(spans: list[Span]) -> dict[Any, list[Span]]:
    groups = defaultdict(list)
    for span in spans:
        if span.is_request:
            groups[key_of(span)].append(span)
    return groups


def check_numbers(row: dict[str, Any], spans: list[Span], seconds: float) -> None:
    durations = [span.duration for span in spans]
    assert row["count"] == len(spans)
    assert row["rate"] == pytest.approx(len(spans) / seconds)
    assert row["errors"] == sum(span.is_error for span in spans)
    assert row["error_rate"] == row["errors"] / len(spans)
    for name, share in PERCENTILES.items():
        assert row[f"{name}_ns"] == rank(durations, share)


def check_states(row: dict[str, Any], spans: list[Span]) -> None:
    durations = [span.duration for span in spans]
    for name in PERCENTILES:
        low, high = (rank(durations, share) for share in BANDS[name])
        around = [span.states or () for span in spans if low <= span.duration <= high]
        sums = [sum(states[at] for states in around) for at in range(len(STATES))]
        found = row["states"][name]
        assert sum(found.values()) == row[f"{name}_ns"]
        for state, total in zip(STATES, sums, strict=True):
            assert found[state] == pytest.approx(total / sum(sums) * row[f"{name}_ns"], abs=1)


def send_metrics(viewer: Running) -> None:
    request, place = metrics()
    gauge = place.add(name="queue.size", unit="1", description="waiting")
    rising = place.add(name="requests", unit="1")
    rising.sum.is_monotonic, rising.sum.aggregation_temporality = True, 2
    histogram = place.add(name="latency", unit="s")
    histogram.histogram.aggregation_temporality = 2
    for number, (size, total, count, spent) in enumerate(
        [(3, 10, 2, 4.0), (5, 25, 4, 10.0), (4, 7, 4, 10.0)]
    ):
        at = T0 + number * SECOND
        gauge.gauge.data_points.add(time_unix_nano=at, as_int=size, attributes=pairs({"pool": "a"}))
        rising.sum.data_points.add(time_unix_nano=at, as_double=total)
        histogram.histogram.data_points.add(
            time_unix_nano=at, count=count, sum=spent, explicit_bounds=[1.0], bucket_counts=[1, count - 1]
        )
    delta = place.add(name="delta")
    delta.histogram.aggregation_temporality = 1
    delta.histogram.data_points.add(time_unix_nano=T0, count=0, sum=0.0)
    delta.histogram.data_points.add(time_unix_nano=T0 + SECOND, count=4)
    delta.histogram.data_points.add(time_unix_nano=T0 + 2 * SECOND, count=4, sum=8.0)
    viewer.post("/v1/metrics", request.SerializeToString())
