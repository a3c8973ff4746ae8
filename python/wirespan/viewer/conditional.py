"""Replies that a client may have already: it sends back their ETag and is told 304.

`no-cache` lets a client keep a reply and makes it ask each time, so nobody is shown what was true before.

Source: RFC 9110 sections 8.8.3 (ETag) and 13.1.2 (If-None-Match), RFC 9111 section 5.2.2.4 (no-cache).
"""

import hashlib
from typing import Final

from wirespan.context import RequestContext

NO_CACHE: Final = "no-cache"


def etag_of(body: bytes) -> str:
    """A strong ETag: equal bodies have equal ones."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def reply(ctx: RequestContext, body: bytes, content_type: str, *, etag: str, cache: str = NO_CACHE) -> None:
    """Replies with the body, or with 304 to a client that has it."""
    ctx.set_header("cache-control", cache)
    ctx.set_header("etag", etag)
    if _has(ctx.header("if-none-match") or "", etag):
        ctx.empty(304)
    else:
        ctx.bytes(body, content_type=content_type)


def _has(known: str, etag: str) -> bool:
    """Whether a client names the ETag. Weak ones count: a proxy that compresses makes them so."""
    given = {one.strip().removeprefix("W/") for one in known.split(",")}
    return etag in given or "*" in given
