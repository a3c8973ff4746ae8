"""Type-checked with mypy --strict, never run: the public API as users write it."""

import contextvars
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import assert_type

import msgspec

import wirespan
from wirespan import App, RequestContext
from wirespan.errors import Abort, LimitExceeded
from wirespan.pairs import Pairs
from wirespan.testing import ManualClock, Recording, RecordingTracer, TestClient
from wirespan.trace import Event, HTTPStats, Level, RecordedEvent, Status, Tracer, define_event
from wirespan.tracers import AccessLog, OpenTelemetry

MISS = define_event("miss", Level.BASE)
assert_type(MISS, Event)
assert_type(Event.HTTP_START, Event)


class Mine:
    """No base class is needed."""

    def start(self, context: contextvars.Context, request: RequestContext) -> contextvars.Context:
        """Makes a new context."""
        return context.copy()

    def finish(self, context: contextvars.Context, request: RequestContext) -> None:
        """Looks at the record."""
        stats = request.trace_info.stats
        assert_type(stats, HTTPStats)
        assert_type(stats.get_event(MISS), RecordedEvent | None)
        assert_type(stats.elapsed_ns(Event.HTTP_START, Event.HTTP_FINISH), int | None)
        assert_type(stats.record(MISS, Status.WARN, "cold"), bool)


tracer: Tracer = Mine()
spans = OpenTelemetry(service_name="shop", trust=["10.0.0.0/8"], keep_slower_than_s=0.5)
assert_type(spans.flush(1.0), bool)
app = App(tracers=[spans, AccessLog(format="json", path="access.log"), Mine(), tracer], debug=True, threads=8)
v1 = app.group("/v1")


class Item(msgspec.Struct):
    """A JSON body."""

    name: str


@app.use
async def middleware(ctx: RequestContext) -> None:
    """Runs around every request."""
    await ctx.next()


@v1.post("/items/{id:int}", middleware=[middleware])
async def create(ctx: RequestContext) -> None:
    """Uses every way to read a body."""
    assert_type(await ctx.read_json(Item), Item)
    assert_type(await ctx.read_json(list[int]), list[int])
    assert_type(await ctx.body(), bytes)
    assert_type(await ctx.form(), Pairs)
    assert_type(ctx.headers.get("accept"), str | None)
    assert_type(ctx.query.get_all("a"), list[str])
    assert_type(wirespan.current(), RequestContext | None)
    ctx.set_cookie("a", "b", max_age=timedelta(days=1), same_site="lax", http_only=True)
    ctx.set_cookie("a", "b", samesite="lax")  # type: ignore[call-arg]
    ctx.json({"a": 1}, status=201)


@app.get("/blocking")
def blocking(ctx: RequestContext) -> None:
    """Runs in a thread."""
    assert_type(ctx.content, bytes)
    assert_type(ctx.decode_json(Item), Item)


@app.route("/stream", methods=["GET", "POST"])
async def stream(ctx: RequestContext) -> None:
    """Streams in and out."""

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in ctx.stream():
            assert_type(piece, bytes)
            yield piece

    ctx.stream(pieces(), content_type="text/plain")


@app.error_handler(LimitExceeded)
async def too_much(ctx: RequestContext, error: LimitExceeded) -> None:
    """Says so."""
    ctx.text(error.limit, error.status_hint)


@app.error_handler(404)
def missing(ctx: RequestContext, error: Abort) -> None:
    """Runs in a thread."""
    ctx.html("<h1>Not here</h1>", 404)


with TestClient(app, tracers=[RecordingTracer()], clock=ManualClock(), limit_body_bytes=10) as client:
    assert_type(client.get("/").status_code, int)
    assert_type(RecordingTracer().wait(2), list[Recording])
