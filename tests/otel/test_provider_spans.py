"""Spans by themselves: the interface of opentelemetry-api, limits, wrong values."""

import asyncio
import contextlib
import contextvars
import importlib
import re
import subprocess
import sys
import threading
from types import MappingProxyType
from typing import Any

import pytest
from opentelemetry import context, trace

import wirespan.opentelemetry
from otel.provided import by_name, parent_of, provided
from wirespan.errors import ConfigError
from wirespan.opentelemetry import TracerProvider
from wirespan.tracers import OpenTelemetry


def test_spans_and_tracers_are_those_of_the_api() -> None:
    spans, tracer = provided()
    span = tracer.start_span("one")
    assert isinstance(tracer, trace.Tracer)
    assert isinstance(span, trace.Span)
    assert (
        repr(span)
        == f"<Span {span.get_span_context().span_id:016x} of trace {span.get_span_context().trace_id:032x}>"
    )
    assert span.get_span_context() is span.get_span_context()
    assert span.get_span_context().is_valid
    assert span.is_recording()
    span.end()
    assert not span.is_recording()
    assert len(spans.finished_spans()) == 1


def test_a_span_of_its_own_trace() -> None:
    spans, tracer = provided()
    linked = trace.Link(tracer.start_span("other").get_span_context(), {"n": 1})
    invalid = trace.Link(trace.INVALID_SPAN_CONTEXT)
    span = tracer.start_span(
        "job", kind=trace.SpanKind.CONSUMER, attributes={"a": 1}, links=[linked, invalid], start_time=5
    )
    span.add_event("half", timestamp=6)
    span.add_link(trace.INVALID_SPAN_CONTEXT)
    span.end(7)
    shown = by_name(spans)["job"]
    assert (shown["start_unix_ns"], shown["end_unix_ns"], shown["kind"]) == (5, 7, "consumer")
    assert (shown["parent_span_id"], shown["attributes"], len(shown["links"])) == (None, {"a": 1}, 1)
    assert shown["events"] == [{"name": "half", "time_unix_ns": 6, "attributes": {}}]


@pytest.mark.parametrize("kind", list(trace.SpanKind))
def test_kinds(kind: trace.SpanKind) -> None:
    spans, tracer = provided()
    with tracer.start_as_current_span("one", kind=kind) as span:
        assert span.kind is kind  # type: ignore[attr-defined]
    assert by_name(spans)["one"]["kind"] == kind.name.lower()


def test_nested_blocks_and_contexts() -> None:
    spans, tracer = provided()
    assert trace.get_current_span() is trace.INVALID_SPAN
    with tracer.start_as_current_span("a") as outer:
        assert trace.get_current_span() is outer
        given = context.get_current()
        with tracer.start_as_current_span("b", end_on_exit=False) as inner:
            assert trace.get_current_span() is inner
        assert inner.is_recording()
        inner.end()
        with tracer.start_as_current_span("root", context=context.Context()):
            pass
        with trace.use_span(inner), tracer.start_as_current_span("under b"):
            pass
    tracer.start_span("c", given).end()
    assert trace.get_current_span() is trace.INVALID_SPAN
    shown = by_name(spans)
    assert {name: parent_of(shown, name) for name in shown} == {
        "a": None, "b": "a", "root": None, "under b": "b", "c": "a",
    }  # fmt: skip


def test_a_parent_of_somebody_else() -> None:
    spans, tracer = provided()
    state = trace.TraceState([("vendor", "1")])
    for number, flags in ((1, trace.TraceFlags.SAMPLED), (2, trace.TraceFlags.DEFAULT)):
        remote = trace.SpanContext(number, 9, True, trace.TraceFlags(flags), state)
        told = trace.set_span_in_context(trace.NonRecordingSpan(remote))
        tracer.start_span("job", told).end()
    tracer.start_span("root", trace.set_span_in_context(trace.INVALID_SPAN)).end()
    shown = by_name(spans)
    assert (shown["job"]["trace_id"], shown["job"]["parent_span_id"]) == (f"{1:032x}", f"{9:016x}")
    assert (shown["job"]["trace_state"], shown["job"]["flags"]) == ("vendor=1", 0x301)
    assert shown["root"]["parent_span_id"] is None


def test_exceptions_leave_their_mark() -> None:
    spans, tracer = provided()

    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail(name: str, error: BaseException, **options: Any) -> None:
        with pytest.raises(type(error)), tracer.start_as_current_span(name, **options):
            raise error

    fail("plain", ValueError("no"))
    fail("quiet", ValueError("no"), record_exception=False, set_status_on_exception=False)
    fail("cancelled", asyncio.CancelledError())
    fail("unprintable", UnprintableError())
    with pytest.raises(KeyError), tracer.start_span("own block"):
        raise KeyError("k")
    with contextlib.suppress(ValueError), tracer.start_as_current_span("ended") as span:
        span.end()
        raise ValueError("no")
    shown = by_name(spans)
    seen = {
        name: (span["status"], span["status_description"], len(span["events"]))
        for name, span in shown.items()
    }
    assert seen == {
        "plain": ("error", "ValueError: no", 1),
        "quiet": ("unset", "", 0),
        "cancelled": ("unset", "", 0),
        "unprintable": ("error", "UnprintableError: ", 1),
        "own block": ("error", "KeyError: 'k'", 1),
        "ended": ("unset", "", 0),
    }
    event = shown["unprintable"]["events"][0]["attributes"]
    assert event["exception.type"].endswith(
        "test_provider_spans.test_exceptions_leave_their_mark.<locals>.UnprintableError"
    )
    assert (event["exception.message"], event["exception.escaped"]) == ("", "False")
    assert "in fail" in event["exception.stacktrace"]


def test_statuses(caplog: pytest.LogCaptureFixture) -> None:
    spans, tracer = provided()
    ok, error, unset = trace.StatusCode.OK, trace.StatusCode.ERROR, trace.StatusCode.UNSET
    for name, given, expected in (
        ("final", [(ok, None), (error, "late")], ("ok", "")),
        ("kept", [(error, "first"), (unset, None)], ("error", "first")),
        ("last", [(error, "first"), (trace.Status(error, "second"), None)], ("error", "second")),
        ("none", [(trace.Status(), None)], ("unset", "")),
    ):
        span = tracer.start_span(name)
        for status, description in given:
            span.set_status(status, description)  # type: ignore[arg-type]
        span.end()
        shown = by_name(spans)[name]
        assert (shown["status"], shown["status_description"]) == expected
    assert caplog.text == ""
    tracer.start_span("odd").set_status(ok, "fine")
    tracer.start_span("odd").set_status(trace.Status(error, "own"), "other")
    assert caplog.text.count("is ignored: it goes with ERROR, once") == 2


def test_a_status_of_a_wrong_type_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is set where something failed already: a second error would hide the first."""
    spans, tracer = provided()
    with tracer.start_as_current_span("failed") as span:
        span.set_status(trace.StatusCode.ERROR, LookupError("gone"))  # type: ignore[arg-type]
        span.set_status("ERROR")  # type: ignore[arg-type]
    shown = by_name(spans)["failed"]
    assert (shown["status"], shown["status_description"]) == ("error", "")
    assert [record.message for record in caplog.records] == [
        "the description of a status is left out: it is no str",
        "set_status is ignored: it takes a Status or a StatusCode",
    ]


def test_attributes_of_every_type(caplog: pytest.LogCaptureFixture) -> None:
    spans, tracer = provided()
    fine: dict[str, Any] = {
        "text": "ä", "true": True, "int": -1, "float": 0.5, "list": ["a", "b"], "tuple": (1, 2), "empty": [],
        "range": range(2), "bytes": b"raw", "surrogate": "\ud800",
    }  # fmt: skip
    wrong: dict[Any, Any] = {
        "mixed": ["a", 1], "object": object(), "large": 2**63, "nested": [[1]], "dict": {}, b"name": 1, "": 1,
        "binary": b"\xff", "numbers": [True, 1],
    }  # fmt: skip
    with tracer.start_as_current_span("one", attributes=fine) as span:
        span.set_attributes(wrong | {"none": None})
        span.set_attribute("object", object())  # type: ignore[arg-type]

        span.add_event("e", MappingProxyType({"n": 1}))
    shown = by_name(spans)["one"]
    expected = fine | {"tuple": [1, 2], "range": [0, 1], "bytes": "raw", "surrogate": "\ufffd" * 3}
    assert shown["attributes"] == expected
    assert shown["events"][0]["attributes"] == {"n": 1}
    assert len(caplog.records) == len(wrong), "each name once"


def test_limits(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for name, value in {
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "2",
        "OTEL_SPAN_EVENT_COUNT_LIMIT": "1",
        "OTEL_SPAN_LINK_COUNT_LIMIT": "many",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    spans, tracer = provided()
    assert "OTEL_SPAN_LINK_COUNT_LIMIT: `many` is not a number" in caplog.text
    with tracer.start_as_current_span("one", attributes={"a": "long text", "b": 1, "c": 2}) as span:
        span.add_event("first")
        span.add_event("last", {"x": "long text", "y": 1})
    shown = by_name(spans)["one"]
    assert shown["attributes"] == {"a": "lon", "b": 1}
    assert [(event["name"], event["attributes"]) for event in shown["events"]] == [("last", {"x": "lon"})]


def test_the_end_is_the_end(caplog: pytest.LogCaptureFixture) -> None:
    spans, tracer = provided()
    span = tracer.start_span("one")
    span.end()
    span.set_attribute("a", 1)
    span.set_attributes({"b": 1})
    span.add_event("c")
    span.add_link(span.get_span_context())
    span.update_name("two")
    span.set_status(trace.StatusCode.OK)
    span.end()
    shown = by_name(spans)["one"]
    assert (shown["attributes"], shown["events"], shown["status"]) == ({}, [], "unset")
    assert caplog.text.count("on a span that has ended is ignored") == 7


def test_as_a_decorator() -> None:
    spans, tracer = provided()

    @tracer.start_as_current_span("plain")
    def plain(number: int) -> int:
        assert trace.get_current_span().is_recording()
        return number

    @tracer.start_as_current_span("waits")
    async def waits() -> str:
        await asyncio.sleep(0)
        assert trace.get_current_span().is_recording()
        return plain.__name__

    assert [plain(1), plain(2)] == [1, 2]
    assert asyncio.run(waits()) == "plain"
    assert [span["name"] for span in spans.finished_spans()] == ["plain", "plain", "waits"]


def test_a_block_is_entered_once_and_left_where_it_was_entered() -> None:
    spans, tracer = provided()
    block = tracer.start_as_current_span("one")
    with block, pytest.raises(RuntimeError, match="once for each"):
        block.__enter__()
    block.__exit__(None, None, None)  # nothing is open any more
    other = tracer.start_as_current_span("two")
    contextvars.copy_context().run(other.__enter__)
    other.__exit__(None, None, None)
    assert "two" in [span["name"] for span in spans.finished_spans()]


def test_from_many_threads() -> None:
    spans, tracer = provided()

    def work(parent: trace.Span) -> None:
        for _ in range(50):
            with trace.use_span(parent), tracer.start_as_current_span("child"):
                parent.add_event("e")

    with tracer.start_as_current_span("parent") as parent:
        threads = [threading.Thread(target=work, args=(parent,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finished = spans.finished_spans()
    assert len({span["span_id"] for span in finished}) == 201
    assert len(finished[-1]["events"]) == 128


def test_without_sampling_only_the_trace_goes_on() -> None:
    spans, tracer = provided(sampler="always_off")
    with tracer.start_as_current_span("one") as span, tracer.start_as_current_span("two") as inner:
        assert not span.is_recording()
        assert span.get_span_context().trace_id == inner.get_span_context().trace_id
        assert not inner.get_span_context().trace_flags.sampled
        assert inner.kind is trace.SpanKind.INTERNAL  # type: ignore[attr-defined]
    span.end()
    assert spans.finished_spans() == []


def test_a_provider_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "memory")
    provider = TracerProvider()
    provider.get_tracer("a", attributes={"n": 1}).start_span("one").end()
    assert provider.force_flush(1_000)
    assert len(provider.tracer.finished_spans()) == 1
    provider.shutdown()


def test_the_context_must_be_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "attach", lambda context: None)
    with pytest.raises(ConfigError, match="OTEL_PYTHON_CONTEXT"):
        TracerProvider(OpenTelemetry(exporter="memory"))


def test_names_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Other'"):
        wirespan.opentelemetry.Other  # noqa: B018


@pytest.mark.parametrize(
    ("missing", "error"),
    [
        ("opentelemetry", "ImportError: .*pip install wirespan.opentelemetry."),
        ("wirespan.trace", "ModuleNotFoundError: "),
    ],
)
def test_a_missing_package_is_named(missing: str, error: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nfrom wirespan.opentelemetry import TracerProvider"
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 1
    assert re.search(error, ended.stderr)


def test_a_module_of_our_own_that_is_missing_is_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.import_module("wirespan.opentelemetry.sdk")
    monkeypatch.delattr(wirespan.opentelemetry, "sdk")
    monkeypatch.setitem(sys.modules, "wirespan.opentelemetry.sdk", None)
    with pytest.raises(ModuleNotFoundError, match=r"wirespan\.opentelemetry\.sdk"):
        wirespan.opentelemetry.SdkTracer  # noqa: B018
