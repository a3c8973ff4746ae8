"""A tracer to copy: prints the events of each request with their distance from its first byte.

Run it: `python examples/timeline.py`, then `curl localhost:8000/hello`. With an application of yours: copy it
there and add `--tracer timeline:Timeline` to `wirespan serve`.
"""

import asyncio
import contextvars

from wirespan import App, RequestContext
from wirespan.trace import Level, Status, define_event

COLD_CACHE = define_event("cold_cache", Level.DETAILED)


class Timeline:
    """Prints when the exchange is over, so that it costs the request nothing."""

    def start(self, context: contextvars.Context, request: RequestContext) -> contextvars.Context:
        """Nothing is parsed yet. A tracer with a span would return a context that holds it."""
        return context

    def finish(self, context: contextvars.Context, request: RequestContext) -> None:
        """Everything is known, however the exchange ended."""
        stats = request.trace_info.stats
        print(request.method, stats.route or request.path, stats.status_code, stats.end_reason)
        events = stats.events()
        for event in events:
            offset_ms = (event.time_ns - events[0].time_ns) / 1e6
            note = "" if event.status is Status.INFO else f" {event.status.name}"
            print(f"  {offset_ms:10.3f} ms  {event.name}{note} {event.info}".rstrip())
        total_ns = stats.total_ns() or 1
        shares = (f"{state} {ns / total_ns:.0%}" for state, ns in stats.states().items() if ns)
        print(f"  {total_ns / 1e6:10.3f} ms  in all:", ", ".join(shares))


app = App(tracers=[Timeline()])


@app.get("/hello")
async def hello(ctx: RequestContext) -> None:
    ctx.trace_info.stats.record(COLD_CACHE, Status.WARN, "hello was never asked for")
    await asyncio.sleep(0.05)
    ctx.text("hello")


if __name__ == "__main__":
    app.run()
