"""Spans of the official OpenTelemetry SDK with known times: what the page shows is compared with them.

Prints what was sent as JSON. Usage: `sdk_sender.py URL`.
"""

import json
import sys
import time
from typing import cast

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, Tracer, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, set_span_in_context

MS = 1_000_000
NOW = time.time_ns() // MS * MS
LARGE = 10_000


def main(url: str) -> None:
    """Sends all and says what."""
    gateway, store = (tracer_of(url, name) for name in ("gateway", "store"))
    sent = {"trace": one_trace(gateway, store), "large": large_trace(store), "durations_ms": many(store)}
    for provider in PROVIDERS:
        provider.shutdown()
    sys.stdout.write(json.dumps(sent))


PROVIDERS: list[TracerProvider] = []


def tracer_of(url: str, service: str) -> Tracer:
    """A tracer as programs have it."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{url}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=2 * LARGE))
    PROVIDERS.append(provider)
    return provider.get_tracer("sender", "1.0")  # type: ignore[return-value] # of the SDK, not of the API


def span(tracer: Tracer, name: str, kind: SpanKind, begin_ms: int, parent: Span | None = None) -> Span:
    """A span that began so long after the trace."""
    context = set_span_in_context(parent) if parent else None
    started = tracer.start_span(
        name, context=context, kind=kind, start_time=NOW - 60_000 * MS + begin_ms * MS
    )
    return cast("Span", started)


def end(each: Span, at_ms: int) -> None:
    """Ends it so long after the trace began."""
    each.end(NOW - 60_000 * MS + at_ms * MS)


def one_trace(gateway: Tracer, store: Tracer) -> dict[str, object]:
    """400 ms: a gateway calls a store, whose database fails."""
    root = span(gateway, "GET /cart", SpanKind.SERVER, 0)
    root.set_attributes(
        {"http.request.method": "GET", "http.route": "/cart", "http.response.status_code": 502}
    )
    call = span(gateway, "GET", SpanKind.CLIENT, 50, root)
    served = span(store, "GET /prices/{id}", SpanKind.SERVER, 60, call)
    served.set_attributes(
        {"http.request.method": "GET", "http.route": "/prices/{id}", "http.response.status_code": 500}
    )
    query = span(store, "SELECT prices", SpanKind.CLIENT, 100, served)
    query.add_link(root.get_span_context())
    query.set_attribute("db.query.text", "SELECT price FROM prices WHERE id = ?")
    try:
        raise TimeoutError("the database did not answer")
    except TimeoutError as error:
        query.record_exception(error)
    for each, at_ms in ((query, 300), (served, 320), (call, 340), (root, 400)):
        end(each, at_ms)
    return {"id": f"{root.get_span_context().trace_id:032x}", "spans": 4, "ms": 400}


def large_trace(store: Tracer) -> dict[str, object]:
    """Ten thousand spans under one."""
    root = span(store, "import", SpanKind.INTERNAL, 0)
    for number in range(LARGE - 1):
        row = span(store, f"row {number}", SpanKind.INTERNAL, number, root)
        end(row, number + 1)
    end(root, LARGE)
    return {"id": f"{root.get_span_context().trace_id:032x}", "spans": LARGE}


def many(store: Tracer) -> list[int]:
    """Requests of one route, from 10 ms to 1 s; every tenth fails. They link to each other."""
    durations = [10 * number for number in range(1, 101)]
    before = None
    for number, duration in enumerate(durations):
        links = [Link(before.get_span_context())] if before else None
        each = store.start_span(
            "GET /list", kind=SpanKind.SERVER, links=links, start_time=NOW - 30_000 * MS + number * 100 * MS
        )
        each.set_attributes({"http.request.method": "GET", "http.route": "/list"})
        each.set_attribute("http.response.status_code", 500 if number % 10 == 0 else 200)
        each.end(NOW - 30_000 * MS + (number * 100 + duration) * MS)
        before = each
    return durations


if __name__ == "__main__":
    main(sys.argv[1])
