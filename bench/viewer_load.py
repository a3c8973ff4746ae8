"""Senders for `bench.viewer`: realistic requests, prepared once, sent over connections that stay open."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

_MARK = b"\xfe\xed\xfa\xce\xca\xfe\xbe\xef"  # half of each trace id; requests replace it: no span comes twice

_ROUTES = [f"/api/v1/{noun}/{{id}}" for noun in ("users", "orders", "items", "carts", "payments", "reviews")]


@dataclass(frozen=True)
class Shape:
    """How requests look.

    Attributes:
        spans: in each request; the SDKs' batch is 512.
        children: of each SERVER span, which has 18 attributes; a child has 7.
        as_json: OTLP's JSON instead of protobuf.
        with_gzip: compressed, by the sender and anew for each request.
    """

    spans: int = 512
    children: int = 2
    as_json: bool = False
    with_gzip: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What requests say of themselves."""
        content_type = "application/json" if self.as_json else "application/x-protobuf"
        return {"content-type": content_type} | ({"content-encoding": "gzip"} if self.with_gzip else {})

    @property
    def mark(self) -> bytes:
        """What requests replace in a body."""
        return _MARK.hex().encode() if self.as_json else _MARK

    def finish(self, parts: list[bytes]) -> bytes:
        """A body whose spans came never before."""
        fresh = random.randbytes(len(_MARK))
        body = (fresh.hex().encode() if self.as_json else fresh).join(parts)
        return gzip.compress(body, 1) if self.with_gzip else body


def make_body(shape: Shape, seed: int) -> bytes:
    """One request of wirespan's exporter: SERVER spans with their states, and their children."""
    rng = random.Random(seed)
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for key, value in (
        ("service.name", "shop"),
        ("service.version", "1.4.2"),
        ("host.name", "web-1"),
        ("telemetry.sdk.language", "python"),
        ("process.pid", 4711),
    ):
        group.resource.attributes.append(_attribute(key, value))
    scope = group.scope_spans.add()
    scope.scope.name, scope.scope.version = "wirespan", "0.1.0"
    at_ns = time.time_ns()
    for index in range(0, shape.spans, 1 + shape.children):
        trace_id = rng.randbytes(8) + _MARK
        server = _server_span(scope, rng, trace_id, at_ns + index * 20_000)
        for _ in range(min(shape.children, shape.spans - index - 1)):
            _client_span(scope, rng, server)
    return _to_json(request) if shape.as_json else request.SerializeToString()


def _to_json(request: ExportTraceServiceRequest) -> bytes:
    """OTLP's JSON is protobuf's with two exceptions: ids in hex, enumerations as numbers."""

    def with_hex(pair: dict[str, Any]) -> dict[str, Any]:
        for key in {"traceId", "spanId", "parentSpanId"} & pair.keys():
            pair[key] = base64.b64decode(pair[key]).hex()
        return pair

    plain = MessageToDict(request, use_integers_for_enums=True)
    return json.dumps(json.loads(json.dumps(plain), object_hook=with_hex), separators=(",", ":")).encode()


def _attribute(key: str, value: str | int) -> KeyValue:
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _server_span(scope: ScopeSpans, rng: random.Random, trace_id: bytes, start_ns: int) -> Span:
    route = rng.choice(_ROUTES)
    path = route.replace("{id}", str(rng.randrange(100_000)))
    states = {
        name: rng.randrange(5_000_000) for name in ("queue", "read", "schedule", "run", "await", "write")
    }
    span = scope.spans.add(trace_id=trace_id, span_id=rng.randbytes(8), name=f"GET {route}", kind=2)
    span.start_time_unix_nano, span.end_time_unix_nano = start_ns, start_ns + sum(states.values())
    span.flags = 0x101
    facts: dict[str, str | int] = {
        "http.request.method": "GET",
        "http.route": route,
        "url.path": path,
        "url.scheme": "http",
        "http.response.status_code": rng.choice((200, 200, 200, 404, 500)),
        "network.protocol.version": "1.1",
        "server.address": "shop.example",
        "server.port": 8080,
        "client.address": f"10.0.{rng.randrange(256)}.{rng.randrange(256)}",
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "wirespan.end_reason": "completed",
        "wirespan.state.timeline": ",".join(f"{name}={ns}" for name, ns in states.items()),
    }
    facts |= {f"wirespan.state.{name}_ns": ns for name, ns in states.items()}
    span.attributes.extend(_attribute(key, value) for key, value in facts.items())
    return span


def _client_span(scope: ScopeSpans, rng: random.Random, parent: Span) -> None:
    span = scope.spans.add(trace_id=parent.trace_id, span_id=rng.randbytes(8), parent_span_id=parent.span_id)
    span.name, span.kind = "SELECT shop.orders", 3
    span.start_time_unix_nano = parent.start_time_unix_nano + rng.randrange(1_000_000)
    span.end_time_unix_nano = span.start_time_unix_nano + rng.randrange(1_000_000)
    for key, value in (
        ("db.system.name", "postgresql"),
        ("db.namespace", "shop"),
        ("db.operation.name", "SELECT"),
        ("db.collection.name", "orders"),
        ("db.query.text", "SELECT id, state, total FROM orders WHERE user_id = $1 ORDER BY id DESC LIMIT 20"),
        ("server.address", "db.example"),
        ("server.port", 5432),
    ):
        span.attributes.append(_attribute(key, value))


def send(port: int, shape: Shape, bodies: list[bytes], senders: int, stop: threading.Event) -> int:
    """Sends until told to stop, each sender on a connection of its own, one request after another.

    Returns:
        Requests that were acknowledged.

    Raises:
        RuntimeError: One was refused.
    """
    acknowledged = [0] * senders
    failures: list[str] = []

    def run(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        parts = [body.split(shape.mark) for body in bodies]
        while not stop.is_set() and not failures:
            count = acknowledged[number]
            body = shape.finish(parts[count % len(parts)])
            connection.request("POST", "/v1/traces", body, shape.headers)
            reply = connection.getresponse()
            reply.read()
            if reply.status != 200:
                failures.append(f"status {reply.status}")
            acknowledged[number] += 1
        connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])
    return sum(acknowledged)
