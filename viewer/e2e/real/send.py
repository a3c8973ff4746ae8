"""Sends a viewer what its browser tests look at, with OpenTelemetry's SDK, and prints what it sent.

The spans have made-up times, so that the tests can compute each number on the page from the printed list:

- 100 calls of `gateway` to `orders`, of 1 to 100 ms; every twentieth fails; states as wirespan reports them;
- a failed order, with a stack trace, a link, a log record, and children of which one overlaps another;
- a trace of 10,000 spans;
- a metric with two values, and one with one.

Usage: send.py ADDRESS
"""

import json
import sys
import time
from typing import Any

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, set_span_in_context

MS = 1_000_000
CALLS = 100
GROUPS = 101
GROUP = 98  # 1 + 101 + 101 * 98 = 10,000
sent: list[dict[str, Any]] = []


class Recorder(SpanProcessor):
    """Keeps what was sent, as the tests compute with it."""

    def on_end(self, span: ReadableSpan) -> None:
        """Called by the SDK for each span."""
        assert span.context
        assert span.start_time
        assert span.end_time
        sent.append(
            {
                "trace_id": f"{span.context.trace_id:032x}",
                "span_id": f"{span.context.span_id:016x}",
                "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
                "service": span.resource.attributes["service.name"],
                "name": span.name,
                "start_ns": span.start_time,
                "end_ns": span.end_time,
                "error": span.status.status_code is StatusCode.ERROR,
                "attributes": dict(span.attributes or {}),
            }
        )


def provider(service: str, address: str) -> TracerProvider:
    """The SDK of one service."""
    made = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    made.add_span_processor(Recorder())
    exporter = OTLPSpanExporter(f"{address}/v1/traces")
    made.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=20_000, schedule_delay_millis=100))
    return made


def call(gateway: TracerProvider, orders: TracerProvider, number: int, start_ns: int) -> None:
    """A request of the gateway, its call, and the callee's request of `number` ms."""
    failed = number % 20 == 0
    length = number * MS
    door = gateway.get_tracer("shop").start_span(
        "GET /cart",
        kind=SpanKind.SERVER,
        start_time=start_ns,
        attributes={"http.request.method": "GET", "http.route": "/cart", "http.response.status_code": 200},
    )
    client = gateway.get_tracer("http").start_span(
        "POST", set_span_in_context(door), kind=SpanKind.CLIENT, start_time=start_ns + MS
    )
    served = orders.get_tracer("wirespan").start_span(
        "POST /orders/{id}",
        set_span_in_context(client),
        kind=SpanKind.SERVER,
        start_time=start_ns + MS,
        attributes={
            "http.request.method": "POST",
            "http.route": "/orders/{id}",
            "url.path": f"/orders/{number}",
            "http.response.status_code": 500 if failed else 200,
            "wirespan.end_reason": "completed",
            "wirespan.state.queue_ns": 0,
            "wirespan.state.read_ns": 0,
            "wirespan.state.schedule_ns": 0,
            "wirespan.state.run_ns": length // 4,
            "wirespan.state.await_ns": length - length // 4,
            "wirespan.state.write_ns": 0,
        },
    )
    if failed:
        served.set_status(StatusCode.ERROR)
    served.end(start_ns + MS + length)
    client.end(start_ns + MS + length)
    door.end(start_ns + 2 * MS + length)


def failure(orders: TracerProvider, logs: LoggerProvider, start_ns: int, linked: Span) -> None:
    """A request that fails with an exception while its two children overlap."""
    tracer = orders.get_tracer("shop")
    root = tracer.start_span(
        "PUT /pay",
        kind=SpanKind.SERVER,
        start_time=start_ns,
        links=[Link(linked.get_span_context(), {"reason": "retry"})],
        attributes={"http.request.method": "PUT", "http.route": "/pay", "http.response.status_code": 500},
    )
    inside = set_span_in_context(root)
    for name, begin, end in (("SELECT card", 10, 60), ("POST bank", 40, 90)):
        child = tracer.start_span(name, inside, kind=SpanKind.CLIENT, start_time=start_ns + begin * MS)
        child.end(start_ns + end * MS)
    logs.get_logger("shop").emit(
        timestamp=start_ns + 95 * MS,
        context=inside,
        severity_text="ERROR",
        body="the bank said no",
        attributes={},
    )
    try:
        raise RuntimeError("no money left")
    except RuntimeError as error:
        root.record_exception(error, timestamp=start_ns + 99 * MS)
        root.set_status(StatusCode.ERROR, str(error))
    root.end(start_ns + 100 * MS)


def large(orders: TracerProvider, start_ns: int) -> Span:
    """A trace of 10,000 spans: a job of groups of steps of 1 ms each."""
    tracer = orders.get_tracer("job")
    root = tracer.start_span("nightly job", start_time=start_ns)
    at = start_ns
    for group in range(GROUPS):
        box = tracer.start_span(f"group {group}", set_span_in_context(root), start_time=at)
        for step in range(GROUP):
            tracer.start_span(f"step {step}", set_span_in_context(box), start_time=at).end(at + MS)
            at += MS
        box.end(at)
    root.end(at)
    return root


def main(address: str) -> None:
    """Sends everything, and returns when the viewer has it."""
    gateway, orders = provider("gateway", address), provider("orders", address)
    logs = LoggerProvider(Resource.create({"service.name": "orders"}), shutdown_on_exit=False)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{address}/v1/logs")))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{address}/v1/metrics"), 60_000)
    meters = MeterProvider([reader], Resource.create({"service.name": "orders"}), shutdown_on_exit=False)
    meter = meters.get_meter("shop")
    waiting = meter.create_gauge("orders.waiting", "1", "Orders that wait")
    waiting.set(3)
    meters.force_flush()
    waiting.set(5)
    meter.create_counter("orders.placed", "1", "Orders that were placed").add(CALLS)
    now = time.time_ns()
    for number in range(1, CALLS + 1):
        call(gateway, orders, number, now - 60_000 * MS + number * 100 * MS)
    failure(orders, logs, now - 40_000 * MS, large(orders, now - 30_000 * MS))
    for one in (gateway, orders, logs, meters):
        one.shutdown()
    json.dump(sent, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
