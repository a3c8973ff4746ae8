"""Nothing grows: not over many requests, not with many connections."""

import asyncio
import contextlib
import gc
import resource
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import HELLO, Client, Recorder, Server, echo, request, wait_for
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
BATCH = 500


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def objects() -> Counter[str]:
    gc.collect()
    return Counter(type(item).__name__ for item in gc.get_objects())


class Forgetting:
    """A tracer that keeps nothing, so that whatever stays is ours."""

    def start(self, context: Any, request: Exchange) -> Any:
        return context

    def finish(self, context: Any, request: Exchange) -> None:
        request.stats.states()


def drive(client: Client, requests: int) -> None:
    one = request(method="POST", body=b"x" * 100)
    for _ in range(requests // BATCH):
        client.send(one * BATCH)
        for _ in range(BATCH):
            client.response()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's statm")
@pytest.mark.parametrize("tracers", [[], [Forgetting()]], ids=["untraced", "traced"])
def test_100_000_requests_leave_nothing_behind(serve: Serve, tracers: list[Any]) -> None:
    server = serve(echo, tracers=tracers)
    with server.connect() as client:
        drive(client, 20_000)  # pools and caches fill
        before, size = objects(), resident_bytes()
        drive(client, 100_000)
        grown = objects() - before
        assert sum(grown.values()) < 1_000, grown.most_common(5)
        assert resident_bytes() - size < 8 << 20, "80 bytes a request would be a leak"


def test_thousand_connections_are_served(serve: Serve) -> None:
    server = serve()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2_200  # both ends are in this process
    if soft < needed:
        if hard < needed:
            pytest.skip(f"the system allows {hard} open files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(1_000)]
        for _ in range(2):
            for client in clients:
                client.send(request())
            for client in clients:
                client.expect(HELLO)
        assert server.call(lambda: server.engine.connections) == 1_000
    wait_for(lambda: server.call(lambda: server.engine.connections) == 0, "all places are free again")


def exchanges() -> int:
    gc.collect()
    return sum(isinstance(item, Exchange) for item in gc.get_objects())


def test_finished_exchange_is_freed(serve: Serve, recorder: Recorder) -> None:
    before = exchanges()
    server = serve(tracers=[recorder])
    with server.connect() as client:
        client.send(request() * 10)
        client.expect(HELLO * 10)
        recorder.wait(10)
    recorder.started.clear()
    recorder.finished.clear()

    wait_for(lambda: server.call(exchanges) <= before, "no exchange is alive")


class Held:
    """Asks its exchange for things when it is freed."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    def __del__(self) -> None:
        assert self.exchange.values is not None
        self.exchange.stats.panicked()


async def fail_in_asgi(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("its traceback holds receive and send, and they hold the request")


async def fail_twice(exchange: Exchange) -> None:
    for name in ("params", "values"):
        setattr(exchange, name, {"held": Held(exchange)})
        setattr(exchange, name, {})
    try:
        held = Held(exchange)
        raise ValueError("held by this frame")
    except ValueError as error:
        exchange.note_error(error)
        del held
    raise ValueError("its traceback holds the request, and the request it")


@pytest.mark.parametrize("app", [{"handler": fail_twice}, {"asgi": fail_in_asgi}], ids=["native", "asgi"])
def test_exchange_that_failed_is_freed(serve: Serve, recorder: Recorder, app: dict[str, Any]) -> None:
    """An exception, its frames and the request hold each other: the collector must see all of the circle."""
    before = exchanges()
    server = serve(tracers=[recorder], **app)
    with server.connect() as client:
        for _ in range(10):
            assert client.get().status == 500
        recorder.wait(10)
    recorder.started.clear()
    recorder.finished.clear()
    assert all(error is not None and error.__traceback__ for _, error in server.errors)
    server.errors.clear()

    wait_for(lambda: server.call(exchanges) <= before, "no exchange is alive")


def test_cancelled_receives_are_forgotten(serve: Serve) -> None:
    """Applications poll for a disconnect: `receive()` with a time-out, again and again."""
    futures: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for _ in range(200):
            waiting = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.sleep(0)
        gc.collect()
        futures.append(sum(isinstance(item, asyncio.Future) for item in gc.get_objects()))
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    with serve(asgi=app).connect() as client:
        assert client.get().status == 204
    assert futures[0] < 50
