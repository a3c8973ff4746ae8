"""The demo's FastAPI application: one route for each way in which a request can spend its time."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse

EXPORT_CHUNK = b"id,name,price\n" * 4_096
EXPORT_CHUNKS = 160  # 9 MB: more than the kernel's buffers hold, so that a slow reader is felt
BLOCKED_S = 0.18


def make_shop() -> FastAPI:
    """A shop with a fast page, a slow database, uploads, a handler that blocks the loop, and a bug."""
    shop = FastAPI(title="shop")
    for method, path, handler in (
        ("GET", "/products/{number}", product),
        ("GET", "/search", search),
        ("GET", "/stock/{number}", stock),
        ("POST", "/photos", add_photo),
        ("GET", "/report", report),
        ("GET", "/export", export),
        ("POST", "/checkout", checkout),
    ):
        shop.add_api_route(path, handler, methods=[method])
    return shop


async def product(number: int) -> dict[str, Any]:
    """A fast page; unknown numbers are a 404."""
    if number > 90:  # noqa: PLR2004 - the shop has ninety products
        raise HTTPException(404, "no such product")
    return {"number": number, "name": f"Product {number}", "price": 9.5}


async def search(text: str = "") -> list[str]:
    """A slow database: `await`."""
    await asyncio.sleep(random.uniform(0.04, 0.16))  # noqa: S311 - a delay, not a secret
    return [f"{text} {number}" for number in range(20)]


def stock(number: int) -> dict[str, int]:
    """A blocking driver in a `def` handler: FastAPI runs it in a thread, which its own loop awaits."""
    time.sleep(0.03)
    return {"number": number, "left": 7}


async def add_photo(request: Request) -> dict[str, int]:
    """An upload as fast as its client: `read`."""
    return {"bytes": len(await request.body())}


async def report() -> dict[str, str]:
    """The mistake of every async service: it blocks the loop, `run`, and all others wait, `queue`."""
    time.sleep(BLOCKED_S)  # noqa: ASYNC251 - this is what the demo shows
    return {"report": "done"}


async def export() -> StreamingResponse:
    """A download as fast as its client: `write`."""
    return StreamingResponse(_export_chunks(), media_type="text/csv")


async def _export_chunks() -> AsyncIterator[bytes]:
    for _ in range(EXPORT_CHUNKS):
        yield EXPORT_CHUNK


async def checkout() -> None:
    """A bug."""
    raise RuntimeError("the payment service said something that nobody expected")
