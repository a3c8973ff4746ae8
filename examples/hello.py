"""The smallest application. Run it: `python examples/hello.py`, then `curl localhost:8000/hello/you`."""

from wirespan import App, RequestContext

app = App()


@app.get("/hello/{name}")
async def hello(ctx: RequestContext) -> None:
    ctx.json({"hello": ctx.params["name"]})


if __name__ == "__main__":
    app.run()  # on a terminal it prints a line for each request
