"""OTLP requests for the viewer's tests, made of the official messages."""

import os
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from wirespan import _core

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


def attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def span(name: str = "GET /users/{id}", **fields: object) -> Span:
    """A SERVER span of a trace of its own that took a millisecond."""
    start = time.time_ns()
    made = Span(
        trace_id=os.urandom(16),
        span_id=os.urandom(8),
        name=name,
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=start,
        end_time_unix_nano=start + 1_000_000,
    )
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def request(*spans: Span, service: str = "shop") -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    group.resource.attributes.append(attribute("service.name", service))
    group.scope_spans.add().spans.extend(spans)
    return made


def body(count: int = 1, service: str = "shop") -> bytes:
    encoded: bytes = request(*(span() for _ in range(count)), service=service).SerializeToString()
    return encoded


def batch(count: int = 1, service: str = "shop") -> _core.Batch:
    return _core.decode("traces", "protobuf", body(count, service))
