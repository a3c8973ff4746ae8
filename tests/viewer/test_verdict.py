"""Verdicts: what they say, when they name a change, and that noise has none."""

import datetime
import random

import pytest

from wirespan.viewer.verdict import Steps, find_change, judge

MS = 1_000_000
MINUTE = 60 * 10**9
START = int(datetime.datetime(2024, 5, 6, 13, 0).timestamp()) * 10**9


def steps(values: dict[str, list[float]], *, count: int = 20, width: int = 5 * MINUTE) -> Steps:
    """Milliseconds of each state in each step; the duration is their sum."""
    result = Steps(START, width)
    for number, row in enumerate(zip(*values.values(), strict=True)):
        states = {name: value * count * MS for name, value in zip(values, row, strict=True)}
        result.add(number, count, sum(states.values()), states)
    return result


def test_the_sentence_of_the_design() -> None:
    before, after = 13, 11
    found = judge(
        840 * MS,
        {"queue": 185 * MS, "read": 0, "schedule": 9 * MS, "run": 50 * MS, "await": 596 * MS, "write": 0},
        steps({"queue": [20.0] * before + [180.0] * after, "await": [600.0] * 24}),
    )
    assert found["text"] == "p99 is 840 ms: await 71%, queue 22%; queue grew 9x since 14:05"
    assert [part["state"] for part in found["parts"]] == ["await", "queue"]
    assert found["parts"][0] == {"state": "await", "share": 596 / 840, "ns": 596 * MS}
    assert found["change"]["state"] == "queue"
    assert found["change"]["factor"] == pytest.approx(9, rel=0.01)
    assert found["change"]["since_us"] == (START + 13 * 5 * MINUTE) // 1_000


def test_what_fell_is_said_too() -> None:
    found = judge(10 * MS, None, steps({"queue": [50.0] * 10 + [5.0] * 10}))
    assert found["text"].startswith("p99 is 10 ms; queue fell 10x since 13:50")
    assert found["change"]["factor"] == pytest.approx(0.1, rel=0.01)


def test_without_states_it_is_the_duration() -> None:
    plain = Steps(START, MINUTE)
    for number in range(20):
        plain.add(number, 20, 20 * MS * (10 if number < 10 else 25), {"queue": None})
    found = judge(25 * MS, None, plain)
    assert found["text"] == "p99 is 25 ms; it grew 2.5x since 13:10"
    assert found["parts"] == []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"queue": [5.0] * 20}, "constant"),
        ({"queue": [5.0] * 17 + [90.0] * 3}, "too few steps after it"),
        ({"queue": [5.0] * 10 + [9.0] * 10}, "less than twice"),
        ({"queue": [0.01] * 10 + [0.9] * 10, "await": [100.0] * 20}, "nothing beside the duration"),
        ({"queue": [5.0, 50.0] * 10}, "up and down"),
        ({"queue": [5.0]}, "one step"),
    ],
)
def test_no_change(values: dict[str, list[float]], why: str) -> None:
    assert find_change(steps(values)) is None, why


def test_few_requests_are_no_change() -> None:
    assert find_change(steps({"queue": [5.0] * 10 + [50.0] * 10}, count=2)) is None


def test_of_several_the_largest_is_named() -> None:
    found = find_change(steps({"queue": [10.0] * 10 + [30.0] * 10, "await": [100.0] * 8 + [400.0] * 12}))
    assert found is not None
    assert (found.state, found.since_ns) == ("await", START + 8 * 5 * MINUTE)


def test_noise_is_hardly_ever_a_change() -> None:
    """Durations with a long tail, 400 routes on which nothing happens: at most one in a hundred."""
    source = random.Random(7)
    alarms = 0
    for _ in range(400):
        noise = Steps(START, MINUTE)
        for number in range(48):
            count = source.randint(1, 40)
            spent = sum(source.lognormvariate(3, 1) for _ in range(count)) * MS
            noise.add(number, count, spent * 1.2, {"await": spent, "queue": spent * 0.2})
        alarms += find_change(noise) is not None
    assert alarms <= 4


def test_real_changes_are_found_in_the_same_noise() -> None:
    source = random.Random(8)
    found = 0
    for _ in range(100):
        noise = Steps(START, MINUTE)
        for number in range(48):
            count = source.randint(5, 40)
            spent = sum(source.lognormvariate(3, 1) for _ in range(count)) * MS * (1 if number < 30 else 4)
            noise.add(number, count, spent, {"await": spent})
        change = find_change(noise)
        found += change is not None and abs(change.since_ns - START - 30 * MINUTE) <= MINUTE
    assert found >= 95


def test_the_time_has_a_date_or_seconds_where_they_are_needed() -> None:
    values = {"queue": [5.0] * 10 + [50.0] * 10}
    assert "since 2024-05-07" in judge(MS, None, steps(values, width=3 * 60 * MINUTE))["text"]
    assert judge(MS, None, steps(values, width=10**9))["text"].endswith("since 13:00:10")


def test_a_duration_of_nothing() -> None:
    assert judge(0, {"queue": 0}, steps({"queue": [0.0]}))["text"] == "p99 is 0 ns"
