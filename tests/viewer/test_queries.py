"""Every number of the API is the number that the test computes from the spans it sent."""

import itertools
import json
import math
import random
from collections import Counter, defaultdict
from typing import Any

import msgspec
import pytest

from viewer.running import Running
from viewer.sender import CLIENT, CONSUMER, MS, STATES, T0, Span, inner, log, metrics, pairs
from wirespan.viewer import answers
from wirespan.viewer.queries import requests
from wirespan.viewer.queries.heatmap import EDGES_NS, LEAST_TOP_NS
from wirespan.viewer.queries.ranks import PERCENTILES
from wirespan.viewer.queries.reading import scaled, word
from wirespan.viewer.queries.routes import BANDS
from wirespan.viewer.queries.trace import timeline

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


def test_heatmap_and_the_list_behind_each_cell(viewer: Running) -> None:
    spans = traffic()
    viewer.send(spans)
    found = viewer.get("/api/heatmap", since=SINCE, until=UNTIL, steps=7, service="shop")
    shape(answers.Heatmap, found)
    assert found["edges_ns"][:-1] == list(EDGES_NS) == sorted(EDGES_NS)
    assert found["edges_ns"][-1] == LEAST_TOP_NS
    cells: Counter[tuple[int, int]] = Counter()
    errors: Counter[tuple[int, int]] = Counter()
    for span in spans:
        if span.service == "shop":
            step = (span.start // 1_000 - found["from_us"]) // found["step_us"]
            band = max(at for at, edge in enumerate(EDGES_NS) if edge <= span.duration)
            cells[step, band] += 1
            errors[step, band] += span.is_error
    assert {(step, band): (n, bad) for step, band, n, bad in found["cells"]} == {
        cell: (n, errors[cell]) for cell, n in cells.items()
    }
    assert max(step for step, *_ in found["cells"]) <= 6
    for _, band, count, _ in found["cells"][:5]:
        low, high = EDGES_NS[band] / 1e6, EDGES_NS[band + 1] / 1e6
        listed = viewer.get(
            "/api/requests", since=SINCE, until=UNTIL, service="shop", min_ms=low, max_ms=high, limit=1000
        )["requests"]
        assert len(listed) == sum(n for (_, other), n in cells.items() if other == band) >= count


def test_the_last_band_of_the_heatmap_ends_behind_the_slowest(viewer: Running) -> None:
    viewer.send([Span(duration=500 * SECOND)])
    found = viewer.get("/api/heatmap")
    assert found["edges_ns"][-1] == 500 * SECOND + 1
    assert found["cells"] == [[0, len(EDGES_NS) - 1, 1, 0]]


def test_services(viewer: Running) -> None:
    spans = [
        *traffic(),
        inner(trace=9_999, span=9_999, service="cron", kind=CLIENT, parent=1_234_567, start=T0),
        Span(trace=9_999, parent=9_999, service="shop", start=T0, duration=3 * MS),
    ]
    viewer.send(spans)
    found = viewer.get("/api/services", since=SINCE, until=UNTIL)
    shape(answers.Services, found)
    nodes = {node["service"]: node for node in found["nodes"]}
    for service in ("front", "shop", "job"):
        group = [span for span in spans if span.service == service and span.is_request]
        assert nodes[service]["requests"] == len(group)
        assert nodes[service]["errors"] == sum(span.is_error for span in group)
        assert nodes[service]["rate"] == pytest.approx(len(group) / 600)
        for name, share in PERCENTILES.items():
            assert nodes[service][f"{name}_ns"] == rank([span.duration for span in group], share)
    assert nodes["cron"] == {
        "service": "cron",
        "requests": 0,
        "rate": 0,
        "errors": 0,
        "p50_ns": 0,
        "p95_ns": 0,
        "p99_ns": 0,
    }
    calls = [span for span in spans if span.service == "shop" and span.trace != 9_999]
    edges = {(edge["from"], edge["to"]): edge for edge in found["edges"]}
    assert set(edges) == {("front", "shop"), ("cron", "shop")}
    edge = edges["front", "shop"]
    assert (edge["calls"], edge["errors"]) == (len(calls), sum(span.is_error for span in calls))
    assert edge["p95_ns"] == rank([span.duration for span in calls], 950)


def test_requests_are_listed_newest_first_page_by_page(viewer: Running) -> None:
    spans = [span for span in traffic(count=30) if span.is_request]
    viewer.send(spans)
    seen: list[dict[str, Any]] = []
    before: int | None = None
    while True:
        page = viewer.get("/api/requests", limit=7, **({} if before is None else {"before": before}))
        shape(answers.Requests, page)
        seen += page["requests"]
        before = page["next"]
        if before is None:
            break
    assert [request["span_id"] for request in seen] == [span.span_id for span in reversed(spans)]
    last = spans[-2]  # the last of the shop
    found = next(request for request in seen if request["span_id"] == last.span_id)
    assert found == {
        "seq": found["seq"], "trace_id": last.trace_id, "span_id": last.span_id,
        "start_us": last.start // 1_000,
        "duration_ns": last.duration, "service": "shop", "name": last.name, "kind": "server",
        "method": last.method, "route": last.route, "path": last.path, "status": 200, "error": last.failed,
        "error_type": None, "end_reason": None, "states": dict(zip(STATES, last.states or (), strict=True)),
    }  # fmt: skip
    assert len(viewer.get("/api/requests", after=found["seq"])["requests"]) == 1


@pytest.mark.parametrize("growth", [8, 1e12])
def test_a_search_goes_on_where_it_stopped(
    viewer: Running, monkeypatch: pytest.MonkeyPatch, growth: float
) -> None:
    """Parts are small here, and grow or do not: what is found is the same, in the same order."""
    monkeypatch.setattr(requests, "FIRST_PART", 4)
    monkeypatch.setattr(requests, "GROWTH", growth)
    spans = [span for span in traffic(count=30) if span.is_request]
    viewer.send(spans)
    seen: list[str] = []
    query: dict[str, Any] = {"text": "i", "limit": 3}
    while query.get("before", 1) is not None:
        page = viewer.get("/api/requests", **query)
        seen += [request["span_id"] for request in page["requests"]]
        query["before"] = page["next"]
    expected = [span.span_id for span in reversed(spans) if "i" in f"{span.name}{span.path}"]
    assert len(expected) > query["limit"]
    assert seen == expected


def test_a_request_that_was_sent_twice_is_listed_once(viewer: Running) -> None:
    span = Span()
    viewer.send([span])
    viewer.send([span])
    assert len(viewer.get("/api/requests")["requests"]) == 1


def test_a_trace_has_everything_that_was_sent(viewer: Running) -> None:
    states = (MS, 0, 0, 2 * MS, 5 * MS, 2 * MS)
    root = Span(
        duration=10 * MS, states=states, end_reason="completed", resource={"host.name": "a"}, failed=True,
        message="bad", timeline=f"queue={MS},run={MS},await={5 * MS},run={MS},write={2 * MS}",
        events=[(T0 + 3 * MS, "exception", {"exception.type": "ValueError"})], links=[(5, 6)],
        attributes={"list": [1, "two"], "deep": {"a": 1.5, "b": True}},
    )  # fmt: skip
    child = Span(
        trace=root.trace, parent=root.span, service="db", start=T0 + 60 * SECOND, duration=4 * MS,
        resource={"host.name": "b"}, events=[(T0 + 60 * SECOND + MS, "note", {})],
    )  # fmt: skip
    viewer.send([child, root])
    viewer.post("/v1/logs", log(child, T0 + 60 * SECOND + 2 * MS, "slow query", severity=17, rows=3))
    found = viewer.get(f"/api/traces/{root.trace_id}")
    shape(answers.Trace, found)
    first, second = found["spans"]
    assert (found["start_us"], found["duration_ns"]) == (T0 // 1_000, 10 * MS)
    assert first["attributes"] | root.all_attributes() == first["attributes"]
    assert first["attributes"]["deep"] == {"a": 1.5, "b": True}
    assert first["states"] == dict(zip(STATES, states, strict=True))
    assert sum(piece["duration_ns"] for piece in first["timeline"]) == first["duration_ns"]
    assert first["timeline"][1] == {"state": "run", "duration_ns": MS}
    assert first["events"] == [
        {"offset_ns": 3 * MS, "name": "exception", "attributes": {"exception.type": "ValueError"}}
    ]
    assert first["links"] == [
        {"trace_id": f"{5:032x}", "span_id": f"{6:016x}", "attributes": {"why": "batch"}}
    ]
    assert (first["error"], first["status"], first["status_message"]) == (True, "error", "bad")
    assert first["http"] == {"method": "GET", "route": "/items/{id}", "path": "/items/1", "status": 200}
    assert first["self_ns"] == 6 * MS
    assert (second["parent_id"], second["depth"], second["service"]) == (root.span_id, 1, "db")
    # The other host's clock is a minute ahead: in the middle of its parent, and its events and logs with it.
    assert (second["offset_ns"], second["skew_ns"]) == (3 * MS, 3 * MS - 60 * SECOND)
    assert second["events"][0]["offset_ns"] == 4 * MS
    (line,) = found["logs"]
    assert (line["span_id"], line["offset_ns"], line["body"]) == (child.span_id, 5 * MS, "slow query")
    assert (line["severity_text"], line["attributes"]) == ("ERROR", {"rows": 3})
    skews = {service["name"]: service["skew_ns"] for service in found["services"]}
    assert skews == {"shop": 0, "db": 3 * MS - 60 * SECOND}
    assert found["services"][first["resource"]]["resource"]["host.name"] == "a"
    assert [(part["span_id"], part["duration_ns"] // MS) for part in found["critical_path"]] == [
        (root.span_id, 3), (child.span_id, 4), (root.span_id, 3),
    ]  # fmt: skip
    assert [problem["kind"] for problem in found["problems"]] == ["clock_skew"]


def test_a_log_of_the_trace_without_a_span(viewer: Running) -> None:
    root = Span()
    lost = Span(trace=root.trace, span=0xDEAD)
    viewer.send([root])
    viewer.post("/v1/logs", log(lost, T0 + MS, "late"))
    (line,) = viewer.get(f"/api/traces/{root.trace_id}")["logs"]
    assert (line["span_id"], line["offset_ns"]) == (lost.span_id, MS)


def test_two_processes_of_one_host_share_a_clock(viewer: Running) -> None:
    root = Span(duration=10 * MS, resource={"host.id": "h"})
    child = Span(trace=root.trace, parent=root.span, service="b", start=T0 - MS, resource={"host.id": "h"})
    viewer.send([root, child])
    found = viewer.get(f"/api/traces/{root.trace_id}")
    assert [service["skew_ns"] for service in found["services"]] == [0, 0]


def test_traces_are_found_by_the_beginning_of_their_id(viewer: Running) -> None:
    one, other = Span(trace=0xABC1 << 112), Span(trace=0xABC2 << 112 | 5)
    viewer.send([one, other])
    assert viewer.get("/api/traces/abc1")["trace_id"] == one.trace_id
    assert viewer.get(f"/api/traces/{other.trace_id[:31]}")["trace_id"] == other.trace_id
    assert viewer.get(f"/api/traces/{one.trace_id.upper()}")["trace_id"] == one.trace_id
    assert viewer.refused("/api/traces/abc")[1].endswith("several traces begin with abc: give more digits")
    assert viewer.refused("/api/traces/xyz")[0] == 400
    assert viewer.refused("/api/traces/" + "a" * 33)[0] == 400
    assert viewer.refused("/api/traces/ffff") == (
        404,
        "there is no trace ffff: not received yet, or pruned",
        None,
    )
    assert viewer.refused(f"/api/traces/{'f' * 32}")[0] == 404


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        ("queue=1,run=2", [("queue", 1), ("run", 2)]),
        ("queue=1,...", [("queue", 1), (None, 9)]),
        ("queue=99,...", [("queue", 99), (None, 0)]),
        ("sleep=1", None),
        ("queue=-1", None),
        ("queue", None),
    ],
)
def test_timelines(text: str | None, expected: list[Any] | None) -> None:
    found = timeline(text, 10)
    assert (
        None if found is None else [(piece["state"], piece["duration_ns"]) for piece in found]
    ) == expected


def test_attributes(viewer: Running) -> None:
    plans = ["gold"] * 3 + ["free"] * 5 + ["none"]
    viewer.send([Span(attributes={"plan": plan, "a/b": 1}, resource={"host.name": "h"}) for plan in plans])
    found = viewer.get("/api/attributes", key="plan")
    shape(answers.Values, found)
    assert found["values"] == ["free", "gold", "none"]
    assert viewer.get("/api/attributes", key="a/b")["values"] == ["1"]
    assert viewer.get("/api/attributes", key="host.name")["values"] == ["h"]
    assert viewer.get("/api/attributes", key="nope")["values"] == []
    found = viewer.get("/api/attributes")
    shape(answers.Keys, found)
    assert {"plan", "a/b", "host.name", "http.route"} <= set(found["keys"])
    assert viewer.get("/api/attributes", prefix="pl")["keys"] == ["plan"]


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


def test_status(viewer: Running) -> None:
    viewer.send([Span(), inner(parent=1, start=T0 + MS)])
    send_metrics(viewer)
    found = viewer.get("/api/status")
    shape(answers.Status, found)
    assert (found["spans"], found["requests"], found["logs"], found["metric_points"]) == (2, 1, 0, 12)
    assert (found["oldest_us"], found["newest_us"]) == (T0 // 1_000, (T0 + MS) // 1_000)
    assert found["token_required"] is False
    assert found["rate"] == 0


def test_shares_sum_exactly() -> None:
    assert scaled({"a": 1, "b": 1, "c": 1}, 100) == {"a": 34, "b": 33, "c": 33}
    assert scaled({"a": 0}, 5) == {"a": 0}


def test_numbers_that_the_protocol_may_add_have_no_word() -> None:
    assert (word(("a", "b"), 1), word(("a", "b"), 7)) == ("b", "7")


def test_an_answer_with_another_field_is_no_answer() -> None:
    """The check of this file can fail."""
    with pytest.raises(msgspec.ValidationError):
        shape(answers.Keys, json.loads('{"keys": [], "more": 1}'))
