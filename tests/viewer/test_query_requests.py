"""The list of requests: what is in it, in order, page by page."""

from typing import Any

import pytest

from viewer.expected import shape, traffic
from viewer.running import Running
from viewer.sender import STATES, Span
from wirespan.viewer import answers
from wirespan.viewer.queries import requests


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
