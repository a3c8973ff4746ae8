"""The native application with a span of its own in the handler, made by the native provider."""

from __future__ import annotations

from opentelemetry import trace
from wirespan_otel import spans

from wirespan import App, RequestContext
from wirespan.opentelemetry import TracerProvider

trace.set_tracer_provider(TracerProvider(spans))
_tracer = trace.get_tracer("bench")
app = App()


@app.get("/")
async def hello(ctx: RequestContext) -> None:
    """GET / ."""
    with _tracer.start_as_current_span("handle"):
        ctx.text("Hello, World!")
