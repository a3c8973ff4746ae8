"""One trace. See `answers`."""

from typing import Any, Literal

from wirespan.viewer.answers.base import Answer, State, States


class TraceService(Answer):
    """A process that took part. `skew_ns` is the largest correction of its clock."""

    name: str
    skew_ns: int
    resource: dict[str, Any]


class TimelinePiece(Answer):
    """A stretch in one state; null for the rest of a timeline that its sender has cut."""

    state: State | None
    duration_ns: int


class Http(Answer):
    """The HTTP side of a span."""

    method: str | None
    route: str | None
    path: str | None
    status: int | None


class SpanEvent(Answer):
    """Something that happened during a span."""

    offset_ns: int
    name: str
    attributes: dict[str, Any]


class Link(Answer):
    """A span elsewhere that this one has to do with."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any]


class Span(Answer):
    """One span in its place. `offset_ns` counts from the trace's start, after the correction `skew_ns`."""

    span_id: str
    parent_id: str | None
    depth: int
    service: str
    name: str
    kind: str
    status: str
    status_message: str | None
    error: bool
    error_type: str | None
    offset_ns: int
    skew_ns: int
    duration_ns: int
    self_ns: int
    states: States | None
    timeline: list[TimelinePiece] | None
    http: Http | None
    end_reason: str | None
    attributes: dict[str, Any]
    resource: int
    scope: str | None
    events: list[SpanEvent]
    links: list[Link]
    trace_state: str | None
    flags: int | None
    dropped: str | None


class Log(Answer):
    """A log record of the trace."""

    span_id: str | None
    offset_ns: int
    severity: int
    severity_text: str | None
    body: str
    service: str
    attributes: dict[str, Any]


class PathSegment(Answer):
    """A piece of the critical path: the trace would be shorter if this were."""

    span_id: str
    offset_ns: int
    duration_ns: int


class TraceProblem(Answer):
    """Something that does not add up, in words; with its stretch of time for `gap` and `outlives_parent`."""

    span_id: str
    kind: Literal["missing_parent", "cycle", "clock_skew", "gap", "outlives_parent"]
    message: str
    offset_ns: int | None
    duration_ns: int | None


class Trace(Answer):
    """One trace. Spans are in tree order: parents first, siblings by time.

    `logs` are the first 1,000 by time; `logs_truncated` when there are more.
    """

    trace_id: str
    start_us: int
    duration_ns: int
    services: list[TraceService]
    spans: list[Span]
    logs: list[Log]
    logs_truncated: bool
    critical_path: list[PathSegment]
    problems: list[TraceProblem]
