"""As `asgi_otel`, with a span of its own in the handler, made by the official SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asgi_otel
from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

if TYPE_CHECKING:
    import asgi_app

_tracer = trace.get_tracer("bench")


async def _app(scope: asgi_app.Message, receive: asgi_app.Receive, send: asgi_app.Send) -> None:
    if scope["type"] == "lifespan":
        await asgi_otel.handle(scope, receive, send)
        return
    with _tracer.start_as_current_span("handle"):
        await asgi_otel.handle(scope, receive, send)


app = OpenTelemetryMiddleware(_app)
