"""Spans as a test writes them down, and as OTLP carries them."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
MS = 1_000_000
T0 = 1_700_000_000_000_000_000
STATES = ("queue", "read", "schedule", "run", "await", "write")
_ids = itertools.count(1)


@dataclass
class Span:
    """One span; what is not said is as in a plain request."""

    trace: int = 0
    span: int = field(default_factory=lambda: next(_ids))
    parent: int | None = None
    start: int = T0
    duration: int = MS
    service: str = "shop"
    name: str = "GET /items/{id}"
    kind: int = SERVER
    method: str | None = "GET"
    route: str | None = "/items/{id}"
    path: str | None = "/items/1"
    status: int | None = 200
    failed: bool = False
    message: str = ""
    end_reason: str | None = None
    states: tuple[int, ...] | None = None
    timeline: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[tuple[int, str, Mapping[str, Any]]] = ()
    links: Sequence[tuple[int, int]] = ()

    def __post_init__(self) -> None:
        self.trace = self.trace or self.span

    @property
    def trace_id(self) -> str:
        return f"{self.trace:032x}"

    @property
    def span_id(self) -> str:
        return f"{self.span:016x}"

    @property
    def is_request(self) -> bool:
        return self.kind in {SERVER, CONSUMER} or self.parent is None

    @property
    def is_error(self) -> bool:
        return self.failed or (self.status or 0) >= 500

    def all_attributes(self) -> dict[str, Any]:
        """Those that a wirespan server sends, and the test's own."""
        known = {
            "http.request.method": self.method,
            "http.route": self.route,
            "url.path": self.path,
            "http.response.status_code": self.status,
            "wirespan.end_reason": self.end_reason,
            "wirespan.state.timeline": self.timeline,
            **dict(zip((f"wirespan.state.{name}_ns" for name in STATES), self.states or (), strict=False)),
        }
        return {key: value for key, value in known.items() if value is not None} | dict(self.attributes)


def inner(**facts: Any) -> Span:
    """A span that is no HTTP request."""
    plain: dict[str, Any] = {
        "kind": INTERNAL,
        "name": "work",
        "method": None,
        "route": None,
        "path": None,
        "status": None,
    }
    return Span(**(plain | facts))


def value(item: Any) -> AnyValue:
    match item:
        case bool():
            return AnyValue(bool_value=item)
        case int():
            return AnyValue(int_value=item)
        case float():
            return AnyValue(double_value=item)
        case list():
            return AnyValue(array_value=ArrayValue(values=[value(one) for one in item]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=pairs(item)))
        case _:
            return AnyValue(string_value=item)


def pairs(items: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(item)) for key, item in items.items()]


def traces(spans: Iterable[Span]) -> bytes:
    """An export request in protobuf, one resource for each span."""
    request = ExportTraceServiceRequest()
    for one in spans:
        group = request.resource_spans.add()
        group.resource.attributes.extend(pairs({"service.name": one.service, **one.resource}))
        scope = group.scope_spans.add()
        scope.scope.name, scope.scope.version = "test", "1"
        span = scope.spans.add(
            trace_id=one.trace.to_bytes(16, "big"),
            span_id=one.span.to_bytes(8, "big"),
            parent_span_id=b"" if one.parent is None else one.parent.to_bytes(8, "big"),
            name=one.name,
            kind=one.kind,
            start_time_unix_nano=one.start,
            end_time_unix_nano=one.start + one.duration,
            attributes=pairs(one.all_attributes()),
        )
        span.status.code = 2 if one.failed else 0
        span.status.message = one.message
        for at, name, attributes in one.events:
            span.events.add(time_unix_nano=at, name=name, attributes=pairs(attributes))
        for trace, linked in one.links:
            span.links.add(
                trace_id=trace.to_bytes(16, "big"),
                span_id=linked.to_bytes(8, "big"),
                attributes=pairs({"why": "batch"}),
            )
    return bytes(request.SerializeToString())


def log(span: Span, at: int, body: str, *, severity: int = 9, **attributes: Any) -> bytes:
    """An export request of one log record beside a span."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(pairs({"service.name": span.service, **span.resource}))
    group.scope_logs.add().log_records.add(
        time_unix_nano=at,
        severity_number=severity,
        severity_text="ERROR" if severity >= 17 else "INFO",
        body=value(body),
        trace_id=span.trace.to_bytes(16, "big"),
        span_id=span.span.to_bytes(8, "big"),
        attributes=pairs(attributes),
    )
    return bytes(request.SerializeToString())


def metrics(service: str = "shop") -> tuple[ExportMetricsServiceRequest, Any]:
    """An empty export request, and the place for its metrics."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(pairs({"service.name": service}))
    return request, group.scope_metrics.add().metrics
