"""What may be a handler, and which ones need no chain around them."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from wirespan.errors import ConfigError
from wirespan.handler import as_call, check_handler, check_middleware, is_async, stands_alone


async def plain(ctx: Any) -> None:
    ctx.status = 201
    ctx.json({"name": ctx.params["name"]})


async def streams(ctx: Any) -> None:
    ctx.stream(None)


async def hands_on(ctx: Any) -> None:
    await plain(ctx)


async def renames(ctx: Any) -> None:
    other = ctx
    other.stream(None)


async def closes_over(ctx: Any) -> None:
    def later() -> None:
        ctx.stream(None)

    later()


async def unused(ctx: Any) -> None:
    pass


async def hands_on_beside_another(ctx: Any, other: Any = None) -> None:
    await two_names(ctx, other.attribute)


async def sets_from_local(ctx: Any) -> None:
    status = 201
    ctx.status = status


async def takes_all(*args: Any) -> None:
    args[0].stream(None)


async def two_names(ctx: Any, other: int = 1) -> None:
    await takes_all(other, ctx)


def blocking(ctx: Any) -> None:
    ctx.text("x")


class Asynchronous:
    async def __call__(self, ctx: Any) -> None:
        ctx.stream(None)

    async def method(self, ctx: Any) -> None:
        ctx.stream(None)


@pytest.mark.parametrize("handler", [plain, unused, sets_from_local])
def test_handlers_that_only_use_attributes_stand_alone(handler: Callable[..., Any]) -> None:
    """They are the hot path."""
    assert stands_alone(handler)


@pytest.mark.parametrize(
    "handler",
    [
        streams,
        hands_on,
        hands_on_beside_another,
        renames,
        closes_over,
        takes_all,
        two_names,
        blocking,
        Asynchronous(),
        Asynchronous().method,
        functools.partial(plain),
    ],
)
def test_handlers_that_might_stream_do_not(handler: Callable[..., Any]) -> None:
    """Wrongly alone, a stream would never be sent."""
    assert not stands_alone(handler)


def test_asynchronous_callables_of_all_kinds_are_called_as_they_are() -> None:
    """An object or a partial must not end up in a thread."""
    for handler in (plain, Asynchronous(), Asynchronous().method, functools.partial(plain)):
        assert is_async(handler)
        assert as_call(handler) is handler
    assert not is_async(blocking)
    assert is_async(as_call(blocking))


def test_what_can_never_work_is_refused_at_registration() -> None:
    """Before a request finds out."""

    def generator(ctx: Any) -> Iterator[int]:
        yield 1

    async def async_generator(ctx: Any) -> AsyncIterator[int]:
        yield 1

    for handler in (generator, async_generator):
        with pytest.raises(ConfigError, match="is a generator"):
            check_handler(handler)
    with pytest.raises(ConfigError, match="must be a function, not 7"):
        check_handler(7)  # type: ignore[arg-type]
    for middleware in (blocking, 7):
        with pytest.raises(ConfigError, match="must be `async def"):
            check_middleware(middleware)  # type: ignore[arg-type]
