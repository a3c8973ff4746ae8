"""Applications that many tests use."""

import asyncio

from wirespan import App, RequestContext


def gated() -> tuple[App, asyncio.Event]:
    """`/report/{number}` answers when the event is set, which must happen in the server's loop."""
    app, opened = App(), asyncio.Event()

    @app.get("/report/{number}")
    async def report(ctx: RequestContext) -> None:
        await opened.wait()
        ctx.text("done")

    return app, opened
