"""The map of services: its numbers. `test_calls.py` has what happens to calls on their way."""

import pytest

from viewer.expected import SINCE, UNTIL, rank, shape, traffic
from viewer.running import Running
from viewer.sender import CLIENT, MS, T0, Span, inner
from wirespan.viewer import answers
from wirespan.viewer.queries.ranks import PERCENTILES


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
