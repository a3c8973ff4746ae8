"""Routes: every number is the one that the test computes from the spans it sent."""

import math
from collections import defaultdict
from typing import Any

import pytest

from viewer.expected import SECOND, SINCE, UNTIL, by_route, check_numbers, check_states, rank, shape, traffic
from viewer.running import Running
from viewer.sender import MS, T0, Span
from wirespan.viewer import answers
from wirespan.viewer.queries.ranks import PERCENTILES
from wirespan.viewer.queries.reading import scaled


def test_routes(viewer: Running) -> None:
    spans = traffic()
    viewer.send(spans)
    found = viewer.get("/api/routes", since=SINCE, until=UNTIL)
    shape(answers.Routes, found)
    groups = by_route(spans)
    assert {(row["service"], row["method"], row["route"]) for row in found["routes"]} == set(groups)
    totals = [
        sum(span.duration for span in groups[row["service"], row["method"], row["route"]])
        for row in found["routes"]
    ]
    assert totals == sorted(totals, reverse=True)
    for row in found["routes"]:
        group = groups[row["service"], row["method"], row["route"]]
        check_numbers(row, group, 600)
        assert row["total_ns"] == sum(span.duration for span in group)
        assert row["verdict"]["total_ns"] == row["p99_ns"]
        if row["service"] == "shop":
            check_states(row, group)
        else:
            assert row["states"] is None


def test_routes_without_a_range_have_that_of_the_data(viewer: Running) -> None:
    spans = traffic(count=20)
    viewer.send(spans)
    starts = [span.start for span in spans if span.is_request]
    found = viewer.get("/api/routes")
    assert (found["since_us"], found["until_us"]) == (min(starts) // 1_000, (max(starts) + 1) // 1_000)
    seconds = (max(starts) + 1 - min(starts)) / 1e9
    assert found["routes"][0]["rate"] == pytest.approx(found["routes"][0]["count"] / seconds)
    assert viewer.get("/api/routes", until=UNTIL)["until_us"] == UNTIL * 1_000
    assert viewer.get("/api/routes", since=SINCE)["since_us"] == SINCE * 1_000


@pytest.mark.parametrize("query", [{}, {"until": UNTIL}, {"since": "-15m"}])
def test_an_empty_store_has_empty_answers(viewer: Running, query: dict[str, Any]) -> None:
    for path, key in (
        ("/api/routes", "routes"),
        ("/api/routes/series", "series"),
        ("/api/heatmap", "cells"),
        ("/api/services", "nodes"),
        ("/api/requests", "requests"),
    ):
        assert viewer.get(path, **query)[key] == []


def test_states_that_nobody_in_the_band_knows_are_nothing(viewer: Running) -> None:
    known = [Span(duration=10 * MS, states=(10 * MS, 0, 0, 0, 0, 0)) for _ in range(20)]
    viewer.send([*known, Span(duration=90 * MS)])
    (row,) = viewer.get("/api/routes")["routes"]
    assert row["states"]["p50"]["queue"] == 10 * MS
    assert set(row["states"]["p99"].values()) == {0}


def test_compare(viewer: Running) -> None:
    spans = [*traffic(), Span(route="/new", start=T0 + 400 * SECOND), Span(route="/old", start=T0 + SECOND)]
    viewer.send(spans)
    middle = SINCE + 300_000
    found = viewer.get("/api/routes/compare", since=middle, until=UNTIL, base_since=SINCE, base_until=middle)
    shape(answers.Comparison, found)
    now, base = (
        by_route([span for span in spans if (span.start >= middle * MS) is late]) for late in (True, False)
    )
    for row in found["routes"]:
        key = (row["service"], row["method"], row["route"])
        for period, groups in ((row["now"], now), (row["base"], base)):
            if key in groups:
                check_numbers(period, groups[key], 300)
            else:
                assert period is None or period["count"] == 0
        if row["now"]["count"] and row["base"]:
            assert row["change"]["p95"] == pytest.approx(row["now"]["p95_ns"] / row["base"]["p95_ns"])
        else:
            assert row["change"] is None
    assert {row["route"] for row in found["routes"] if row["base"] is None} == {"/new"}


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"attr": "http.response.status_code=404"}, lambda span: span.status == 404),
        ({"status": ["404", "error"]}, lambda span: span.status == 404 or span.is_error),
        ({"service": "shop", "method": "post"}, lambda span: (span.service, span.method) == ("shop", "POST")),
        ({"route": "nightly"}, lambda span: span.name == "nightly"),
        ({"method": ""}, lambda span: span.method is None),
        ({"text": "/items", "service": "front", "min_ms": 20}, lambda span: (
            span.service == "front" and span.duration >= 20 * MS
        )),
    ],
)  # fmt: skip
def test_statistics_of_what_filters_find(viewer: Running, query: dict[str, Any], fits: Any) -> None:
    """The table that statistics read knows only a part of each request."""
    spans = traffic()
    viewer.send(spans)
    expected = [span for span in spans if span.is_request and fits(span)]
    groups = by_route(expected)
    found = viewer.get("/api/routes", since=SINCE, until=UNTIL, **query)["routes"]
    assert {(row["service"], row["method"], row["route"]) for row in found} == set(groups) != set()
    for row in found:
        check_numbers(row, groups[row["service"], row["method"], row["route"]], 600)
    cells = viewer.get("/api/heatmap", since=SINCE, until=UNTIL, **query)["cells"]
    assert sum(cell[2] for cell in cells) == len(expected)


def test_series_of_a_route(viewer: Running) -> None:
    spans = traffic()
    viewer.send(spans)
    found = viewer.get("/api/routes/series", since=SINCE, until=UNTIL, steps=11, service="shop", route="/a")
    shape(answers.RouteSeries, found)
    assert (found["from_us"], found["step_us"]) == (T0 // 1_000, math.ceil(600_000_000 / 11))
    groups: dict[int, list[Span]] = defaultdict(list)
    for span in spans:
        if (span.service, span.route) == ("shop", "/a"):
            groups[(span.start // 1_000 - found["from_us"]) // found["step_us"]].append(span)
    assert found["series"] == [
        [
            step,
            len(group),
            sum(span.is_error for span in group),
            *(rank([span.duration for span in group], share) for share in PERCENTILES.values()),
        ]
        for step, group in sorted(groups.items())
    ]
    assert len(viewer.get("/api/routes/series")["series"]) > 11, "60 steps if nothing is said"


def test_shares_sum_exactly() -> None:
    assert scaled({"a": 1, "b": 1, "c": 1}, 100) == {"a": 34, "b": 33, "c": 33}
    assert scaled({"a": 0}, 5) == {"a": 0}
