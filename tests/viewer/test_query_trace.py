"""One trace: everything that was sent of it."""

from typing import Any

import pytest

from viewer.expected import SECOND, shape
from viewer.running import Running
from viewer.sender import MS, STATES, T0, Span, log
from wirespan.viewer import answers
from wirespan.viewer.queries.reading import word
from wirespan.viewer.queries.trace import timeline


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


def test_numbers_that_the_protocol_may_add_have_no_word() -> None:
    assert (word(("a", "b"), 1), word(("a", "b"), 7)) == ("b", "7")
