"""Where the time went: each scenario makes one state long and the others stay short.

Only lower bounds and comparisons: an upper bound in milliseconds would fail on a busy machine.
"""

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness import DEADLINE_S, HELLO, Recorder, Server, echo, read_body, request, states_ms
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
linux = pytest.mark.skipif(sys.platform != "linux", reason="kernel time stamps are Linux's")
PAUSE_S = 0.5  # others stay below half of it, also where a busy machine takes a tenth of a second away
PAUSE_MS = PAUSE_S * 1e3 * 0.9


def longest(states: dict[str, float], name: str) -> None:
    """`name` took the pause, and nothing else took half as long."""
    assert states[name] >= PAUSE_MS, states
    others = {other: ms for other, ms in states.items() if other != name}
    assert max(others.values()) < states[name] / 2, states


async def wait(exchange: Exchange) -> None:
    await asyncio.sleep(PAUSE_S)
    exchange.reply(200, "text/plain", b"hello")


async def compute(exchange: Exchange) -> None:
    time.sleep(PAUSE_S)  # noqa: ASYNC251 - a handler that blocks the loop
    exchange.reply(200, "text/plain", b"hello")


@pytest.mark.parametrize(("handler", "state"), [(wait, "await"), (compute, "run")])
def test_handler_waits_or_computes(
    serve: Serve, recorder: Recorder, loop: str, handler: Callable[..., Any], state: str
) -> None:
    with serve(handler, tracers=[recorder], loop=loop).connect() as client:
        client.send(request())
        client.expect(HELLO)
        longest(states_ms(recorder.one()), state)


def test_slow_head_is_read(serve: Serve, recorder: Recorder, loop: str) -> None:
    with serve(tracers=[recorder], loop=loop).connect() as client:
        client.send(request()[:10])
        recorder.wait_started()
        time.sleep(PAUSE_S)
        client.send(request()[10:])
        client.expect(HELLO)
        longest(states_ms(recorder.one()), "read")


def test_slow_body_is_read_also_while_the_handler_is_suspended_on_it(
    serve: Serve, recorder: Recorder, loop: str
) -> None:
    running = threading.Event()

    async def handler(exchange: Exchange) -> None:
        running.set()
        await echo(exchange)

    with serve(handler, tracers=[recorder], loop=loop).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
        assert running.wait(DEADLINE_S)
        time.sleep(PAUSE_S)
        client.send(b"b")
        assert client.response().body == b"ab"
        longest(states_ms(recorder.one()), "read")


def test_slow_body_of_an_asgi_app_is_read(serve: Serve, recorder: Recorder) -> None:
    running = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        running.set()
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    with serve(asgi=app, tracers=[recorder]).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
        assert running.wait(DEADLINE_S)
        time.sleep(PAUSE_S)
        client.send(b"b")
        assert client.response().body == b"done"
        longest(states_ms(recorder.one()), "read")


def test_idle_client_costs_nothing(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder]).connect() as client:
        for _ in range(2):
            time.sleep(PAUSE_S)
            client.send(request())
            client.expect(HELLO)
        for stats in recorder.wait(2):
            assert sum(states_ms(stats).values()) < PAUSE_MS


@linux
def test_blocked_loop_makes_others_queue_and_not_run(serve: Serve, recorder: Recorder, loop: str) -> None:
    """The flagship: another handler holds the loop, so this request waits in the kernel's buffer."""
    blocking = threading.Event()

    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/block":
            blocking.set()
            time.sleep(PAUSE_S)  # noqa: ASYNC251 - the handler that blocks the loop
        exchange.reply(200, "text/plain", b"hello")

    server = serve(handler, tracers=[recorder], loop=loop)
    with server.connect() as blocker, server.connect() as waiter:
        waiter.send(request("/first"))
        waiter.expect(HELLO)
        blocker.send(request("/block"))
        assert blocking.wait(DEADLINE_S)
        waiter.send(request("/wait"))
        waiter.expect(HELLO)
        recorder.wait(3)
        by_path = {exchange.path: exchange.stats for exchange in recorder.finished}
    waited, blocked = states_ms(by_path["/wait"]), states_ms(by_path["/block"])
    assert blocked["run"] >= PAUSE_MS
    assert waited["queue"] >= PAUSE_MS * 0.7, waited
    assert waited["run"] < waited["queue"] / 4, waited
    assert waited["read"] < waited["queue"] / 4, waited


@linux
def test_body_that_waits_for_a_blocked_loop_is_queue_time(serve: Serve, recorder: Recorder) -> None:
    """The client had sent it: it must not be blamed."""
    reading, blocking = threading.Event(), threading.Event()

    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/block":
            blocking.set()
            time.sleep(PAUSE_S)  # noqa: ASYNC251 - the handler that blocks the loop
        else:
            reading.set()
        exchange.reply(200, "text/plain", await read_body(exchange))

    server = serve(handler, tracers=[recorder])
    with server.connect() as blocker, server.connect() as sender:
        sender.send(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
        assert reading.wait(DEADLINE_S)
        blocker.send(request("/block"))
        assert blocking.wait(DEADLINE_S)
        sender.send(b"b")
        assert sender.response().body == b"ab"
        recorder.wait(2)
        by_path = {exchange.path: exchange.stats for exchange in recorder.finished}
    states = states_ms(by_path["/body"])
    assert states["queue"] >= PAUSE_MS * 0.6, states
    assert states["read"] < states["queue"], states


def test_loop_busy_after_the_head_is_schedule_time(serve: Serve, recorder: Recorder) -> None:
    """Two requests arrive in one batch: the second is parsed, then waits for the first to run."""

    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/block":
            time.sleep(PAUSE_S)  # noqa: ASYNC251 - the handler that blocks the loop
        exchange.reply(200, "text/plain", b"hello")

    server = serve(handler, tracers=[recorder])
    with server.connect() as one, server.connect() as two:
        for client in (one, two):
            client.send(request("/first"))
            client.expect(HELLO)

        def both() -> None:
            one.send(request("/block"))
            two.send(request("/wait"))

        server.call(both)
        for client in (one, two):
            client.expect(HELLO)
        recorder.wait(4)
        by_path = {exchange.path: exchange.stats for exchange in recorder.finished}
    states = states_ms(by_path["/wait"])
    assert states["queue"] + states["schedule"] >= PAUSE_MS, states
    assert states["run"] < PAUSE_MS / 2, states


def test_slow_reader_is_write_time(serve: Serve, recorder: Recorder, loop: str) -> None:
    """Also while the handler is suspended on sending."""

    async def handler(exchange: Exchange) -> None:
        for _ in range(256):
            await exchange.send(b"x" * 65_536)
        await exchange.finish()

    with serve(handler, tracers=[recorder], loop=loop).connect(receive_buffer=4_096) as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        time.sleep(PAUSE_S * 2)
        client.read_until(b"\r\n0\r\n\r\n")
        states = states_ms(recorder.one())
    assert states["write"] >= PAUSE_MS, states
    assert states["await"] < states["write"] / 4, states


def test_slow_reader_of_a_whole_reply_is_write_time(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.reply(200, "text/plain", b"x" * (16 << 20))

    with serve(handler, tracers=[recorder]).connect(receive_buffer=4_096) as client:
        client.send(request())
        head = client.read_until(b"\r\n\r\n")
        assert head
        time.sleep(PAUSE_S)
        assert len(client.read(16 << 20)) == 16 << 20
        longest(states_ms(recorder.one()), "write")


def test_thread_pool_that_is_full_is_schedule_time(serve: Serve, recorder: Recorder) -> None:
    """A `def` handler waits for a free thread: that is neither its code nor something it awaits."""
    pool = ThreadPoolExecutor(1)

    def blocking(exchange: Exchange) -> None:
        exchange.thread_start()
        time.sleep(PAUSE_S)
        exchange.reply(200, "text/plain", b"hello")
        exchange.thread_finish()

    async def handler(exchange: Exchange) -> None:
        exchange.thread_wait()
        await asyncio.get_running_loop().run_in_executor(pool, blocking, exchange)

    server = serve(handler, tracers=[recorder])
    with pool, server.connect() as one, server.connect() as two:
        one.send(request())
        two.send(request())
        one.expect(HELLO)
        two.expect(HELLO)
        states = sorted((states_ms(stats) for stats in recorder.wait(2)), key=lambda s: s["schedule"])
    longest(states[0], "run")
    assert states[1]["schedule"] >= PAUSE_MS * 0.7, states
    assert states[1]["run"] >= PAUSE_MS, states
    assert states[1]["await"] < PAUSE_MS / 2, states


def test_work_after_the_response_is_background(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(b"hello")
        await exchange.finish()
        await asyncio.sleep(PAUSE_S)

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(request())
        assert client.response().body == b"hello"
        stats = recorder.one()
    assert stats.background_ns >= PAUSE_MS * 1e6
    assert sum(states_ms(stats).values()) < PAUSE_MS
    assert stats.end_reason == "completed"


def test_wait_that_was_given_up_is_no_longer_read(serve: Serve, recorder: Recorder) -> None:
    """Once the handler stopped waiting for the body, what it awaits is something else."""

    async def handler(exchange: Exchange) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await exchange.read()
        await asyncio.sleep(0.05)
        exchange.reply(200, None, b"")

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        assert client.response().status == 200
        client.send(b"12345")
        states = states_ms(recorder.one())
    assert states["read"] >= 9
    assert states["await"] >= 49


async def send_in_task(exchange: Exchange) -> None:
    async def send() -> None:
        for _ in range(8):
            await exchange.send(bytes(1 << 20))

    await asyncio.create_task(send())


async def read_in_task(exchange: Exchange) -> None:
    async def read() -> None:
        while await exchange.read():
            pass

    await asyncio.create_task(read())


def test_slow_reader_of_a_child_task_is_write_time(serve: Serve, recorder: Recorder, loop: str) -> None:
    """Starlette sends streams from a task of its own."""
    with serve(send_in_task, tracers=[recorder], loop=loop).connect() as client:
        client.send(request("/", "Connection: close"))
        client.read_until(b"\r\n\r\n")
        time.sleep(PAUSE_S)
        client.read_all()
        longest(states_ms(recorder.one()), "write")


def test_slow_body_of_a_child_task_is_read_time(serve: Serve, recorder: Recorder, loop: str) -> None:
    with serve(read_in_task, tracers=[recorder], loop=loop).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
        time.sleep(PAUSE_S)
        client.send(b"b")
        client.response()
        longest(states_ms(recorder.one()), "read")


def test_waits_for_the_client_in_a_task_of_the_handler_count(serve: Serve, recorder: Recorder) -> None:
    """Starlette streams in a task of its own while the handler waits for it: `read` and `write` count."""

    async def handler(exchange: Exchange) -> None:
        async def stream() -> None:
            assert await exchange.read() == b"hello"
            await asyncio.sleep(0.05)
            for _ in range(64):
                await exchange.send(b"x" * 100_000)

        async with asyncio.TaskGroup() as group:
            group.create_task(stream())
        await exchange.finish()

    with serve(handler, tracers=[recorder]).connect(receive_buffer=8_192) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        client.expect_silence(PAUSE_S)
        client.send(b"hello")
        head = client.read_until(b"\r\n\r\n")
        time.sleep(PAUSE_S)  # the client is slow
        assert head.startswith(b"HTTP/1.1 200 ")
        client.read_until(b"\r\n0\r\n\r\n")
        states = states_ms(recorder.one())
    assert states["read"] >= PAUSE_MS * 0.7, states
    assert 45 <= states["await"] < PAUSE_MS / 2, states
    assert states["write"] >= PAUSE_MS * 0.7, states
