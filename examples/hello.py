"""The smallest application. Run it: `python examples/hello.py`, then `curl localhost:8000/hello/you`."""

from wirespan import App, RequestContext
from wirespan.tracers import AccessLog

app = App(tracers=[AccessLog(format="pretty", fd=1, color=True)])


@app.get("/hello/{name}")
async def hello(ctx: RequestContext) -> None:
    ctx.json({"hello": ctx.params["name"]})


if __name__ == "__main__":
    app.run()
