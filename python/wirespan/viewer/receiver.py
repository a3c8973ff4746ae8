"""The OTLP/HTTP receiver: `/v1/traces`, `/v1/metrics` and `/v1/logs`.

Follows https://opentelemetry.io/docs/specs/otlp/#otlphttp: protobuf or JSON, gzip or plain; the answer is in the
sender's encoding. 400 for what can never be taken, 413 for too much, 415 for other types, 503 with `Retry-After`
where trying again helps. Single bad records are counted in a partial success.
"""

import asyncio
from typing import Final, NoReturn

from wirespan import RequestContext, _core
from wirespan.errors import Abort, LimitExceeded
from wirespan.group import Group
from wirespan.viewer.errors import StoreError
from wirespan.viewer.store import Store

_CONTENT_TYPES: Final = {"application/x-protobuf": "protobuf", "application/json": "json"}
_TYPE_OF_ENCODING: Final = {encoding: name for name, encoding in _CONTENT_TYPES.items()}

_LIMIT_BYTES: Final = 64 * 1024**2
"""Bytes of a body after gzip. The Collector takes 20 MiB; wirespan's own exporter sends at most 4."""

_INLINE_BYTES: Final = 64 * 1024
"""Smaller bodies are decoded at once, in under a millisecond; others in a thread, so that the loop goes on."""

# google.rpc.Code
_INVALID_ARGUMENT: Final = 3
_RESOURCE_EXHAUSTED: Final = 8
_UNAVAILABLE: Final = 14

_RETRY_AFTER_S: Final = "1"


def add_receiver(group: Group, store: Store) -> None:
    """Adds the three routes to an application or group."""
    for signal in ("traces", "metrics", "logs"):
        group.post(f"/v1/{signal}")(_Receiver(signal, store).receive)


class _Receiver:
    def __init__(self, signal: str, store: Store) -> None:
        self._signal = signal
        self._store = store

    async def receive(self, ctx: RequestContext) -> None:
        """Takes one request."""
        encoding = _CONTENT_TYPES.get(_media_type(ctx))
        if encoding is None:
            ctx.abort(415, f"content-type must be one of {', '.join(_CONTENT_TYPES)}")
        coding = (ctx.header("content-encoding") or "identity").strip().lower()
        if coding not in {"gzip", "identity"}:
            ctx.set_header("accept-encoding", "gzip")  # RFC 9110 section 12.5.3
            _refuse(ctx, encoding, 415, f"content-encoding {coding[:40]!r}: only gzip is taken")
        try:
            batch = await self._decode(encoding, await ctx.body(), coding == "gzip")
            await self._store.add(batch)
        except LimitExceeded as error:
            _refuse(ctx, encoding, error.status, str(error))
        except _core.CoreError as error:
            _refuse(ctx, encoding, error.status or 400, str(error))
        except StoreError as error:
            ctx.set_header("retry-after", _RETRY_AFTER_S)
            _refuse(ctx, encoding, 503, str(error))
        ctx.bytes(batch.reply(), 200, _TYPE_OF_ENCODING[encoding])

    async def _decode(self, encoding: str, body: bytes, gzip: bool) -> _core.Batch:
        if len(body) <= _INLINE_BYTES:
            return self._decode_now(encoding, body, gzip)
        return await asyncio.to_thread(self._decode_now, encoding, body, gzip)

    def _decode_now(self, encoding: str, body: bytes, gzip: bool) -> _core.Batch:
        return _core.decode(self._signal, encoding, body, gzip=gzip, limit_bytes=_LIMIT_BYTES)


def _media_type(ctx: RequestContext) -> str:
    return (ctx.header("content-type") or "").partition(";")[0].strip().lower()


def _refuse(ctx: RequestContext, encoding: str, status: int, message: str) -> NoReturn:
    """Ends the request with a `google.rpc.Status`."""
    code = {413: _RESOURCE_EXHAUSTED, 503: _UNAVAILABLE}.get(status, _INVALID_ARGUMENT)
    ctx.bytes(_core.failure_reply(encoding, code, message), status, _TYPE_OF_ENCODING[encoding])
    raise Abort(status)
