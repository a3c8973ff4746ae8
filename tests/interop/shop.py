"""The server under test, in a process of its own: each request is a span, spans wait on disk."""

import os

from wirespan import App, RequestContext
from wirespan.tracers import OpenTelemetry

spans = OpenTelemetry(
    service_name="shop", endpoint=os.environ["RECEIVER_URL"], spool_dir=os.environ["SPOOL_DIR"]
)
app = App(tracers=[spans])


@app.get("/items/{id}")
async def item(ctx: RequestContext) -> None:
    """One item, at once."""
    ctx.text("one")


@app.get("/status")
async def status(ctx: RequestContext) -> None:
    """The exporter's counts."""
    ctx.json(dict(spans.status()))
