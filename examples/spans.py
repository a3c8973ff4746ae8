"""Spans of your own inside the request's.

Run it: `python examples/spans.py`, then `curl localhost:8000/items/7`. It needs
`pip install wirespan[opentelemetry]`, and prints spans as lines of JSON.
"""

from opentelemetry import trace

from wirespan import App, RequestContext
from wirespan.opentelemetry import TracerProvider
from wirespan.tracers import OpenTelemetry

spans = OpenTelemetry(service_name="shop", exporter="console")
trace.set_tracer_provider(TracerProvider(spans))
tracer = trace.get_tracer("shop")
app = App(tracers=[spans])


@tracer.start_as_current_span("price")
async def price(item: int) -> int:
    trace.get_current_span().set_attribute("shop.item", item)
    return 100 * item


@app.get("/items/{id:int}")
async def item(ctx: RequestContext) -> None:
    trace.get_current_span().set_attribute("shop.plan", "free")  # on the request's own span
    ctx.json({"price": await price(ctx.params["id"])})


if __name__ == "__main__":
    app.run()
