"""The OTLP/HTTP receiver: `/v1/traces`, `/v1/metrics` and `/v1/logs`.

Follows https://opentelemetry.io/docs/specs/otlp/#otlphttp: protobuf or JSON, gzip or plain; the answer is in
the sender's encoding. 400 for what can never be taken, 413 for too much, 415 for other types, 503 with
`Retry-After` where trying again helps. Single bad records are counted in a partial success.

A sender that gets no answer in time sends the same bytes again. They are recognized while they are among the
last requests, also while the first ones are still being written, and stored once.
"""

import asyncio
from collections import OrderedDict
from typing import Final, NoReturn

from wirespan import RequestContext, _core
from wirespan.errors import Abort
from wirespan.group import Group
from wirespan.viewer.errors import StoreError
from wirespan.viewer.schema import TABLE_OF_SIGNAL
from wirespan.viewer.store import Store

_CONTENT_TYPES: Final = {"application/x-protobuf": "protobuf", "application/json": "json"}
_TYPE_OF_ENCODING: Final = {encoding: name for name, encoding in _CONTENT_TYPES.items()}

LIMIT_BYTES: Final = 64 * 1024**2
"""Bytes of a body after gzip. The Collector takes 20 MiB; SDKs send far less."""

_INLINE_BYTES: Final = 64 * 1024
"""Smaller bodies are decoded at once, in under a millisecond; others in a thread: the loop goes on."""

_REMEMBERED: Final = 1024
"""Requests that are recognized when they come again. SDKs try again within seconds."""

# google.rpc.Code
_INVALID_ARGUMENT: Final = 3
_RESOURCE_EXHAUSTED: Final = 8
_UNAVAILABLE: Final = 14


def add_receiver(group: Group, store: Store) -> None:
    """Adds the three routes to an application or group."""
    for signal in TABLE_OF_SIGNAL:
        group.post(f"/v1/{signal}")(Receiver(signal, store).receive)


class Receiver:
    """One of the three routes.

    Args:
        signal: "traces", "metrics" or "logs".
        store: Where the records go.
    """

    def __init__(self, signal: str, store: Store) -> None:
        self._signal = signal
        self._store = store
        self._recent: OrderedDict[int, asyncio.Task[bytes]] = OrderedDict()

    async def receive(self, ctx: RequestContext) -> None:
        """Takes one request."""
        encoding = _CONTENT_TYPES.get(_media_type(ctx))
        if encoding is None:
            given = ctx.header("content-type") or "none"
            ctx.abort(415, f"content-type must be one of {', '.join(_CONTENT_TYPES)}, not {given[:100]}")
        coding = (ctx.header("content-encoding") or "identity").strip().lower()
        if coding not in {"gzip", "identity"}:
            ctx.set_header("accept-encoding", "gzip")  # RFC 9110 section 12.5.3
            _refuse(ctx, encoding, 415, f"content-encoding {coding[:40]!r}: only gzip is taken")
        try:
            reply = await self._take_once(encoding, await ctx.body(), coding == "gzip")
        except _core.CoreError as error:
            _refuse(ctx, encoding, error.status or 400, str(error))
        except StoreError as error:
            ctx.set_header("retry-after", str(error.retry_after_s))
            _refuse(ctx, encoding, 503, str(error))
        ctx.bytes(reply, 200, _TYPE_OF_ENCODING[encoding])

    async def _take_once(self, encoding: str, body: bytes, gzip: bool) -> bytes:
        # Python's hash of bytes is keyed by the process: nobody outside can make two bodies collide.
        key = hash((self._store.clears, encoding, gzip, body))
        task = self._recent.get(key)
        if task is None:
            # A task of its own: it goes on when the sender is gone, and the same bytes find it.
            task = self._recent[key] = asyncio.create_task(self._take(encoding, body, gzip))
            task.add_done_callback(lambda done: self._forget_failed(key, done))
            if len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        return await asyncio.shield(task)

    def _forget_failed(self, key: int, task: "asyncio.Task[bytes]") -> None:
        if task.cancelled() or task.exception() is not None:
            self._recent.pop(key, None)

    async def _take(self, encoding: str, body: bytes, gzip: bool) -> bytes:
        if len(body) <= _INLINE_BYTES:
            batch = self._decode(encoding, body, gzip)
        else:
            batch = await asyncio.to_thread(self._decode, encoding, body, gzip)
        await self._store.add(batch)
        return batch.reply()

    def _decode(self, encoding: str, body: bytes, gzip: bool) -> _core.Batch:
        return _core.decode(self._signal, encoding, body, gzip=gzip, limit_bytes=LIMIT_BYTES)


def _media_type(ctx: RequestContext) -> str:
    return (ctx.header("content-type") or "").partition(";")[0].strip().lower()


def _refuse(ctx: RequestContext, encoding: str, status: int, message: str) -> NoReturn:
    """Ends the request with a `google.rpc.Status`."""
    code = {413: _RESOURCE_EXHAUSTED, 503: _UNAVAILABLE}.get(status, _INVALID_ARGUMENT)
    ctx.bytes(_core.failure_reply(encoding, code, message), status, _TYPE_OF_ENCODING[encoding])
    raise Abort(status)
