"""An application with a handler that waits until it is let go."""

import asyncio

from wirespan import App, RequestContext

app = App()
released = asyncio.Event()


@app.get("/wait/{name}")
async def wait(ctx: RequestContext) -> None:
    """Waits for `/release`."""
    await released.wait()
    ctx.text("done")


@app.get("/release")
async def release(ctx: RequestContext) -> None:
    """Lets all go that wait."""
    released.set()
    ctx.text("released")
