"""An application whose requests stay until they are let go: `wirespan serve slow:app --view`."""

import asyncio

from wirespan import App, RequestContext

app = App()
free = asyncio.Event()


@app.get("/slow/{name}")
async def slow(ctx: RequestContext) -> None:
    """Waits for `/free`."""
    await free.wait()
    ctx.text("at last")


@app.get("/free")
async def let_go(ctx: RequestContext) -> None:
    """Lets all go."""
    free.set()
    ctx.text("free")
