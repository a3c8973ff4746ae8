"""Spans with what an application added, as a receiver gets them."""

from typing import Any, Literal

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from opentelemetry import trace

from otel.receiver import Receiver
from wirespan import App, RequestContext
from wirespan.opentelemetry import TracerProvider
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry

Protocol = Literal["http/protobuf", "http/json"]
# What no two requests have in common: times, ids, the connection.
OWN = ("_ns", "peer.port", "request_number")


def exported(protocol: Protocol) -> dict[str, Any]:
    """The spans of two requests, by the path of each: only the second one adds something."""
    with Receiver() as receiver:
        spans = OpenTelemetry(endpoint=receiver.url, protocol=protocol, metrics=False, events=True)
        provider = TracerProvider(spans)
        app, done = App(), RecordingTracer()

        @app.get("/{name}")
        async def handle(ctx: RequestContext) -> None:
            if ctx.params["name"] == "added":
                span = trace.get_current_span()
                span.set_attributes({"shop.item": 7, "http.route": "/ours"})
                span.add_event("cache miss", {"shop.tries": 2})
                provider.get_tracer("shop").start_span("child").end()
            ctx.text("hello")

        with TestClient(app, tracers=[done, spans]) as client:
            for path in ("/usual", "/added"):
                client.get(path)
            done.wait(2)
        assert spans.close(10)
    received = [
        span
        for request in receiver.requests
        for scope in request.resource_spans[0].scope_spans
        for span in scope.spans
    ]
    return {path_of(span) or span.name: span for span in received}


def path_of(span: Any) -> str:
    return "".join(pair.value.string_value for pair in span.attributes if pair.key == "url.path")


def attributes_of(span: Any) -> dict[str, Any]:
    names = [pair.key for pair in span.attributes]
    assert len(names) == len(set(names)), "no attribute is there twice"
    return {pair.key: json_format.MessageToDict(pair.value) for pair in span.attributes}


def shared(span: Any) -> dict[str, Any]:
    """The attributes that another request for the same would have, too."""
    return {name: value for name, value in attributes_of(span).items() if not name.endswith(OWN)}


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_additions_come_on_top_of_what_the_server_says(protocol: Protocol) -> None:
    spans = exported(protocol)
    usual, added, child = shared(spans["/usual"]), shared(spans["/added"]), spans["child"]
    additions = {"shop.item": {"intValue": "7"}, "http.route": {"stringValue": "/ours"}}
    assert added == usual | {"url.path": {"stringValue": "/added"}} | additions | {
        name: added[name] for name in ("wirespan.recv_size",)
    }
    events = [event.name for event in spans["/added"].events]
    assert [name for name in events if name != "cache miss"] == [e.name for e in spans["/usual"].events]
    assert "cache miss" in events
    assert child.parent_span_id == spans["/added"].span_id
    assert child.trace_id == spans["/added"].trace_id


def test_both_encodings_say_the_same() -> None:
    binary, text = exported("http/protobuf"), exported("http/json")
    assert binary.keys() == text.keys()
    for path, span in binary.items():
        other = text[path]
        for name in ("name", "kind", "status"):
            assert getattr(span, name) == getattr(other, name)
        kinds = {pair.key: pair.value.WhichOneof("value") for pair in span.attributes}
        assert kinds == {pair.key: pair.value.WhichOneof("value") for pair in other.attributes}
        steady = {key: value for key, value in shared(span).items() if key != "server.port"}
        assert steady == {key: value for key, value in shared(other).items() if key != "server.port"}
        assert [event.name for event in span.events] == [event.name for event in other.events]


def test_limits_are_those_of_both_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "5")
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "1")
    spans = exported("http/protobuf")
    usual, added = spans["/usual"], spans["/added"]
    assert (len(usual.attributes), len(added.attributes)) == (5, 5)
    assert added.dropped_attributes_count > usual.dropped_attributes_count
    assert (len(added.events), added.dropped_events_count) == (1, usual.dropped_events_count + 1)


def test_children_beyond_the_bound_are_told() -> None:
    spans = OpenTelemetry(exporter="memory", keep_ratio=1.0)
    tracer = TracerProvider(spans).get_tracer("shop")
    app, done = App(), RecordingTracer()

    @app.get("/")
    async def many(ctx: RequestContext) -> None:
        for _ in range(1_003):
            tracer.start_span("one of many").end()
        ctx.text("done")

    with TestClient(app, tracers=[done, spans]) as client:
        client.get("/")
        done.wait()
    assert spans.status()["lost_children"] == 3
    assert len(spans.finished_spans()) == 1_001
