"""What the viewer holds, and the attributes it knows."""

import json

import msgspec
import pytest

from viewer.expected import send_metrics, shape
from viewer.running import Running
from viewer.sender import MS, T0, Span, inner
from wirespan.viewer import answers


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


def test_status(viewer: Running) -> None:
    viewer.send([Span(), inner(parent=1, start=T0 + MS)])
    send_metrics(viewer)
    found = viewer.get("/api/status")
    shape(answers.Status, found)
    assert (found["spans"], found["requests"], found["logs"], found["metric_points"]) == (2, 1, 0, 12)
    assert (found["oldest_us"], found["newest_us"]) == (T0 // 1_000, (T0 + MS) // 1_000)
    assert found["token_required"] is False
    assert found["rate"] == 0


def test_an_answer_with_another_field_is_no_answer() -> None:
    """The check of this file can fail."""
    with pytest.raises(msgspec.ValidationError):
        shape(answers.Keys, json.loads('{"keys": [], "more": 1}'))
