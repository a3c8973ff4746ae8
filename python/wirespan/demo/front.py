"""The demo's native service: it answers from two calls to the shop, made at the same time."""

import asyncio

from wirespan.app import App
from wirespan.context import RequestContext
from wirespan.demo.clients import request


def make_front(shop_port: int) -> App:
    """A service in front of the shop.

    Args:
        shop_port: where the shop listens, on 127.0.0.1.
    """
    front = App()

    @front.get("/page/{number:int}")
    async def page(ctx: RequestContext) -> None:
        number = ctx.params["number"]
        parent = _traceparent(ctx)
        product, related = await asyncio.gather(
            request(shop_port, "GET", f"/products/{number}", parent),
            request(shop_port, "GET", f"/search?text=like+{number}", parent),
        )
        ctx.json({"product": product.status, "related": related.status})

    @front.get("/health")
    async def health(ctx: RequestContext) -> None:
        ctx.text("ok")

    return front


def _traceparent(ctx: RequestContext) -> str:
    """What makes the calls part of this request's trace (W3C Trace Context); nothing where it has none."""
    trace = ctx.trace_context
    if trace is None:
        return ""
    trace_id, span_id, sampled = trace
    return f"00-{trace_id}-{span_id}-0{int(sampled)}"
