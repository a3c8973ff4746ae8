"""The middleware chain: links that each run the rest with `await ctx.next()`, and what happens to exceptions.

Theory of operation. A request walks along the links of its chain with one position. A link that calls `next`
moves it; when a link returns, the walk is over, because everything behind it had its turn. So a position is
enough to tell a second `next` from the first.

An `Abort` ends the walk with a reply and stops at the `next` that waits for it: outer links go on, as in
Hertz, and see the reply. Any other exception passes through the links, which may catch it, to the error
handlers, and to the engine where none fits.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from wirespan import _core
from wirespan.errors import Abort, ClientDisconnected, UsageError, from_core
from wirespan.handler import Call

if TYPE_CHECKING:
    from wirespan.context import RequestContext

ErrorCall: TypeAlias = "Callable[[RequestContext, Exception], Awaitable[None]]"

WALK: Final = "wirespan.walk"
"""Key of the walk in `ctx.values`."""
STREAM: Final = "wirespan.stream"
"""Key of the reply to be streamed in `ctx.values`; there as None where somebody will look for one."""

_OVER: Final = -1


class ErrorHandlers:
    """Error handlers by exception class and by status."""

    def __init__(self) -> None:
        self._by_class: dict[type[Exception], ErrorCall] = {}
        self._by_status: dict[int, ErrorCall] = {}

    def __bool__(self) -> bool:
        return bool(self._by_class or self._by_status)

    def add(self, key: type[Exception] | int, call: ErrorCall) -> None:
        """Sets the handler of an exception class or a status; a later one replaces it."""
        if isinstance(key, int):
            self._by_status[key] = call
        else:
            self._by_class[key] = call

    def find(self, error: Exception) -> "ErrorCall | None":
        """The handler of the nearest class, else that of the status.

        A handler of `Exception` does not get aborts: they are replies, not accidents. Nobody gets
        `ClientDisconnected`: there is no one to reply to.
        """
        if isinstance(error, _core.Disconnected):
            return None
        is_abort = isinstance(error, Abort)
        for cls in type(error).__mro__:
            if cls in self._by_class and (not is_abort or issubclass(cls, Abort)):
                return self._by_class[cls]
        return self._by_status.get(error.status if isinstance(error, Abort) else 500)


class Walk:
    """One request's way along the links of a chain."""

    __slots__ = ("_aborted", "_errors", "_links", "_position")

    def __init__(self, links: Sequence[Call], errors: ErrorHandlers) -> None:
        self._links = links
        self._errors = errors
        self._position = 0
        self._aborted = False

    async def advance(self, ctx: "RequestContext") -> None:
        """Runs the next link.

        Raises:
            UsageError: There is none, or it had its turn.
        """
        position = self._position
        if position == _OVER:
            raise UsageError(
                "ctx.next() after ctx.abort()" if self._aborted else "ctx.next() was called twice"
            )
        if position == len(self._links):
            raise UsageError("ctx.next() in a handler: it is the last link of its chain")
        self._position = position + 1
        try:
            await self._links[position](ctx)
        except Abort as abort:
            self._aborted = True
            await self._answer(ctx, abort)
        finally:
            self._position = _OVER

    async def _answer(self, ctx: "RequestContext", abort: Abort) -> None:
        call = self._errors.find(abort)
        if call is not None and not ctx.started:
            await call(ctx, abort)

    async def recover(self, ctx: "RequestContext", error: Exception) -> None:
        """Gives an exception to its handler; raises it again where none fits or the reply has begun.

        Dealt with or not, it is on the record: `stats.error`.
        """
        call = self._errors.find(error)
        if call is None or ctx.started:
            raise error
        ctx.note_error(error)
        ctx.values[STREAM] = None
        await call(ctx, error)


def make_chain(links: Sequence[Call], errors: ErrorHandlers) -> Call:
    """One coroutine function for a route: its links, the error handlers, and the stream if there is one."""
    links = tuple(links)
    if len(links) == 1 and not errors:
        return _make_lone(links[0])

    async def run_chain(ctx: "RequestContext") -> None:
        values = ctx.values
        values[STREAM] = None
        walk = values[WALK] = Walk(links, errors)
        try:
            await walk.advance(ctx)
        except Exception as error:  # noqa: BLE001 - `recover` raises it again where no handler fits
            await walk.recover(ctx, error)
        if values[STREAM] is not None:
            await send_stream(ctx, *values[STREAM])

    return run_chain


def _make_lone(handler: Call) -> Call:
    """A chain of one link: there is nothing to walk along, but there may be a stream."""

    async def run_lone(ctx: "RequestContext") -> None:
        values = ctx.values
        values[STREAM] = None
        await handler(ctx)
        if values[STREAM] is not None:
            await send_stream(ctx, *values[STREAM])

    return run_lone


async def send_stream(ctx: "RequestContext", source: AsyncIterator[bytes | str], replied: bool) -> None:
    """Sends what an iterator gives, at the pace of the client, and closes the iterator however that ends.

    Args:
        ctx: The request.
        source: The pieces.
        replied: Whether there was a reply when the stream was given. One that came later wins.

    Raises:
        ClientDisconnected: The client is gone.
    """
    try:
        if ctx.replied and not replied:
            return
        if ctx.method != "HEAD":
            async for chunk in source:
                if chunk:
                    await ctx.send(chunk.encode() if isinstance(chunk, str) else chunk)
        await ctx.finish()
    except _core.Disconnected as error:
        if isinstance(error, ClientDisconnected):
            raise
        raise from_core(error) from error
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
