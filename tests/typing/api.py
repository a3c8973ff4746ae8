"""Type-checked, not run: what users write must be what the types allow."""

import contextvars
from typing import assert_type

from wirespan import App, RequestContext, current
from wirespan.trace import Event, HTTPStats, Level, Status, Tracer, define_event
from wirespan.tracers import AccessLog

CACHE_MISS = define_event("cache_miss", Level.DETAILED)
assert_type(CACHE_MISS, Event)


class Timeline:
    """Has the two methods and no base class."""

    def start(self, context: contextvars.Context, request: RequestContext) -> contextvars.Context:
        return context

    def finish(self, context: contextvars.Context, request: RequestContext) -> None:
        stats = request.trace_info.stats
        assert_type(stats, HTTPStats)
        assert_type(stats.elapsed_ns(Event.HTTP_START, Event.HTTP_FINISH), int | None)
        stats.record(CACHE_MISS, Status.WARN, "cold")


tracer: Tracer = Timeline()
app = App(tracers=[AccessLog(), tracer])
api = app.group("/v1")


@app.use
async def timing(ctx: RequestContext) -> None:
    await ctx.next()


@app.get("/hello/{name}")
async def hello(ctx: RequestContext) -> None:
    ctx.json({"hello": ctx.params["name"]}, status=201)


@api.post("/items")
def items(ctx: RequestContext) -> None:
    assert_type(ctx.decode_json(dict[str, int]), dict[str, int])
    ctx.text("ok")


assert_type(current(), RequestContext | None)
