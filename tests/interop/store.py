"""The server whose spans go to real backends: child spans, an error, a slow request and a blocked loop."""

import asyncio
import sys
import time

from opentelemetry import trace

from wirespan import App, RequestContext
from wirespan.opentelemetry import TracerProvider

BLOCKED_S = 0.4

trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("store", "1.2")
app = App()


@app.get("/items/{id:int}")
async def item(ctx: RequestContext) -> None:
    """An item, looked up in two steps."""
    with tracer.start_as_current_span("look up", attributes={"store.item": ctx.params["id"]}) as span:
        span.add_event("cache miss", {"store.key": "café"})
        with tracer.start_as_current_span("query", kind=trace.SpanKind.CLIENT):
            await asyncio.sleep(0)
    ctx.text("one")


@app.get("/report")
async def report(ctx: RequestContext) -> None:
    """Blocks the loop, and says when it begins to."""
    print("the loop is blocked", file=sys.stderr, flush=True)
    time.sleep(BLOCKED_S)  # noqa: ASYNC251 - what is measured
    ctx.text("done")


@app.get("/slow")
async def slow(ctx: RequestContext) -> None:
    """Takes longer than the half second that the Collector's example calls slow."""
    await asyncio.sleep(0.6)
    ctx.text("done")


@app.get("/broken")
async def broken(ctx: RequestContext) -> None:
    """Fails."""
    raise LookupError("no such shelf")
