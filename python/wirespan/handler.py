"""What a route calls: `async def` functions as they are, `def` functions in the server's thread pool."""

import asyncio
import contextvars
import dis
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from itertools import pairwise
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from wirespan.errors import ConfigError

if TYPE_CHECKING:
    from wirespan.context import RequestContext

Call: TypeAlias = "Callable[[RequestContext], Coroutine[Any, Any, Any]]"
"""What the engine can drive: calling it makes a coroutine."""
Handler: TypeAlias = "Callable[[RequestContext], Awaitable[None]] | Callable[[RequestContext], None]"
"""What users write: `async def` or `def`."""
Middleware: TypeAlias = "Callable[[RequestContext], Awaitable[None]]"
"""`async def` around the rest of the chain, which it runs with `await ctx.next()`."""


async def run_in_thread(function: Callable[..., object], ctx: "RequestContext", *args: object) -> None:
    """Runs `function(ctx, *args)` in a thread of the loop's pool, in a copy of the current context.

    The server gives its loop a pool of `threads` threads, which `asyncio.to_thread` uses, too. The body is
    read first, so that a slow upload never holds a thread.
    """
    await ctx.body()

    def work() -> None:
        ctx.thread_start()
        try:
            function(ctx, *args)
        finally:
            ctx.thread_finish()

    ctx.thread_wait()
    await asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, work)


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling it makes a coroutine. Sees through partials, methods and objects with `__call__`."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004 - the method itself is wanted
    )


def check_handler(function: Callable[..., object]) -> None:
    """Refuses what can never be a handler.

    Raises:
        ConfigError: It is not callable, or a generator.
    """
    if not callable(function):
        raise ConfigError(f"a handler must be a function, not {function!r}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigError(
            f"{name_of(function)} is a generator: give its result to ctx.stream(...) in a handler"
        )


def check_middleware(function: Callable[..., object]) -> None:
    """Refuses middleware that could not await the rest of the chain.

    Raises:
        ConfigError: It is not an `async def`.
    """
    if not callable(function) or not is_async(function):
        raise ConfigError(f"middleware must be `async def mw(ctx)`, which {name_of(function)} is not")


def name_of(function: object) -> str:
    """How messages call a function."""
    return getattr(function, "__qualname__", None) or repr(function)


def as_call(function: Callable[..., object]) -> Call:
    """The coroutine function that runs a handler."""
    if is_async(function):
        return cast("Call", function)

    async def call(ctx: "RequestContext") -> None:
        await run_in_thread(function, ctx)

    return call


_ATTRIBUTE_ACCESS: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR"})


def stands_alone(function: Callable[..., object]) -> bool:
    """Whether a handler can be driven without the chain, as it surely never calls `ctx.stream`.

    A streamed reply is sent after the handler returned, so somebody must look for one. Looking costs another
    coroutine and a dict, 0.2 us of each request. This spares it where the byte code shows that `ctx` is only
    used as `ctx.something`; whatever is less plain (`ctx` handed on, closures, objects) is looked after.
    """
    if not isinstance(function, FunctionType) or not is_async(function):
        return False
    code: CodeType = function.__code__
    if code.co_argcount == 0 or code.co_varnames[0] in code.co_cellvars:
        return False
    instructions = dis.get_instructions(code)
    return not any(_hands_on(code.co_varnames[0], *pair) for pair in pairwise(instructions))


def _hands_on(ctx: str, this: dis.Instruction, following: dis.Instruction) -> bool:
    """Whether an instruction loads `ctx` for more than an attribute of it. Python 3.13 loads two at once."""
    names = this.argval if isinstance(this.argval, tuple) else (this.argval,)
    if ctx not in names:
        return False
    is_attribute = following.opname in _ATTRIBUTE_ACCESS and following.argval != "stream"
    return ctx in names[:-1] or not is_attribute
