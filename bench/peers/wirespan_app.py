"""The benchmark's answers as a native wirespan application."""

from __future__ import annotations

from wirespan import App, RequestContext

app = App()


@app.get("/")
async def hello(ctx: RequestContext) -> None:
    """GET / ."""
    ctx.text("Hello, World!")


@app.get("/users/{id}")
async def user(ctx: RequestContext) -> None:
    """GET /users/{id} ."""
    ctx.json({"id": ctx.params["id"]})


@app.post("/upload")
async def upload(ctx: RequestContext) -> None:
    """POST /upload ."""
    ctx.text(str(len(await ctx.body())))
