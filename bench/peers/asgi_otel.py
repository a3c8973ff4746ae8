"""The ASGI application behind the stock OpenTelemetry middleware, as its manual says.

Every request is sampled (the SDK's default) and exported over OTLP/HTTP to OTEL_EXPORTER_OTLP_ENDPOINT by
the batch processor with its default queue. What is queued at the end is flushed in the lifespan's shutdown.
"""

from __future__ import annotations

import asgi_app
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

_provider = TracerProvider()
_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(_provider)


async def handle(scope: asgi_app.Message, receive: asgi_app.Receive, send: asgi_app.Send) -> None:
    """The application; its end is the end of the exporter."""
    await asgi_app.app(scope, receive, send)
    if scope["type"] == "lifespan":
        _provider.shutdown()


app = OpenTelemetryMiddleware(handle)
