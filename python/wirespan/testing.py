"""For tests of your own application: the real engine in a background thread, and tracers that remember.

Nothing here sleeps. `TestClient` is ready when its `with` block begins, `RecordingTracer.wait` returns when
the requests are over, and a `ManualClock` moves when the test says so.
"""

import asyncio
import contextvars
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from wirespan import _core
from wirespan._core import ManualClock
from wirespan.config import Config
from wirespan.context import RequestContext
from wirespan.hosting import Hosted, host
from wirespan.trace import ConnectionFacts, RecordedEvent, Tracer

__all__ = ["ManualClock", "Recording", "RecordingTracer", "TestClient"]

R = TypeVar("R")

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Recording:
    """One finished exchange, as its record was at the end. Fields are those of `HTTPStats`."""

    method: str
    path: str
    route: str | None
    status_code: int | None
    end_reason: str | None
    error: BaseException | None
    panicked: BaseException | None
    events: Mapping[str, RecordedEvent]
    states: Mapping[str, int]
    total_ns: int
    recv_size: int
    send_size: int
    recv_body_size: int
    send_body_size: int
    connection: ConnectionFacts

    @classmethod
    def of(cls, request: RequestContext) -> Self:
        """Copies what a tracer sees in `finish`."""
        stats = request.trace_info.stats
        return cls(
            method=request.method,
            path=request.path,
            route=stats.route,
            status_code=stats.status_code,
            end_reason=stats.end_reason,
            error=stats.error,
            panicked=stats.panicked(),
            events={event.name: event for event in stats.events()},
            states=dict(stats.states()),
            total_ns=stats.total_ns(),
            recv_size=stats.recv_size,
            send_size=stats.send_size,
            recv_body_size=stats.recv_body_size,
            send_body_size=stats.send_body_size,
            connection=stats.connection,
        )


class RecordingTracer:
    """A tracer that remembers every exchange.

    Args:
        name: Tells several of them apart in `calls`.
        calls: A list that several share to see their order; gets `"name.start"` and `"name.finish"`.

    Attributes:
        finished: One `Recording` for each exchange, in the order of their end.
        calls: What was called, in order.
    """

    def __init__(self, name: str = "tracer", calls: list[str] | None = None) -> None:
        self.finished: list[Recording] = []
        self.calls: list[str] = [] if calls is None else calls
        self._name = name
        self._changed = threading.Condition()

    def start(self, context: contextvars.Context, request: RequestContext) -> contextvars.Context:
        """Notes the call."""
        self.calls.append(f"{self._name}.start")
        return context

    def finish(self, context: contextvars.Context, request: RequestContext) -> None:
        """Notes the call and keeps the record."""
        recording = Recording.of(request)
        with self._changed:
            self.calls.append(f"{self._name}.finish")
            self.finished.append(recording)
            self._changed.notify_all()

    def wait(self, count: int = 1, timeout_s: float = _TIMEOUT_S) -> list[Recording]:
        """Blocks until this many exchanges are finished, and returns all that are.

        Raises:
            TimeoutError: They were not in time; says how many were.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.finished) >= count, timeout_s):
                raise TimeoutError(f"{len(self.finished)} of {count} exchanges finished in {timeout_s} s")
            return list(self.finished)


class TestClient(httpx.Client):
    """An HTTP client with the real engine behind it, on a free port of the loopback interface.

        with TestClient(app) as client:
            assert client.get("/hello").text == "hello"

    Start-up hooks (lifespan of ASGI apps) run when the block begins, shutdown hooks when it ends. What they
    raise is raised there.

    Args:
        app: An `App` or an ASGI application.
        tracers: Added behind those of the application.
        clock: Time of the engine. Set it, then call `tick`.
        **options: Server options by name, such as `limit_body_bytes=10`.

    Attributes:
        errors: What the engine logged as errors: message and exception.
    """

    __test__ = False  # the name makes pytest look inside

    def __init__(
        self,
        app: object,
        *,
        tracers: Sequence[Tracer | _core.AccessLog] = (),
        clock: ManualClock | None = None,
        **options: Any,
    ) -> None:
        # Proxies and certificates of the environment have no part in a test.
        super().__init__(timeout=_TIMEOUT_S, trust_env=False)
        self.errors: list[tuple[str, BaseException | None]] = []
        config = Config(**({"access_log": "off"} | options))
        self._server = _BackgroundServer(
            host(app, config), config, tracers, clock, lambda what, error: self.errors.append((what, error))
        )

    def __enter__(self) -> Self:
        self._server.start()
        self.base_url = httpx.URL(f"http://{self.addr[0]}:{self.addr[1]}")
        return super().__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        super().__exit__(exc_type, exc_value, traceback)
        self._server.stop()

    @property
    def addr(self) -> tuple[str, int]:
        """Where the server listens."""
        return self._server.addr.result(_TIMEOUT_S)

    def connect(self) -> socket.socket:
        """A plain connection, for tests that are exact to the byte. The caller closes it."""
        return socket.create_connection(self.addr, timeout=_TIMEOUT_S)

    def call(self, function: Callable[[], R]) -> R:
        """Runs a function on the thread of the event loop and returns what it returns."""
        return self._server.call(function)

    def tick(self) -> None:
        """Lets the engine look at its clock now."""
        self.call(self._server.tick)


class _BackgroundServer:
    """One engine with an event loop of its own, in a thread of its own."""

    def __init__(
        self,
        hosted: Hosted,
        config: Config,
        tracers: Sequence[Tracer | _core.AccessLog],
        clock: ManualClock | None,
        log_error: Callable[[str, BaseException | None], None],
    ) -> None:
        self.addr: Future[tuple[str, int]] = Future()
        self._hosted = hosted
        self._config = config
        self._tracers = [*hosted.tracers, *tracers]
        self._clock = clock
        self._log_error = log_error
        self._stopped: Future[None] = Future()
        self._timer: asyncio.TimerHandle
        self._thread = threading.Thread(target=self._run, name="wirespan test server", daemon=True)

    def start(self) -> None:
        """Returns when requests are served; raises what start-up raised."""
        self._thread.start()
        self.addr.result(_TIMEOUT_S)

    def stop(self) -> None:
        """Lets running requests end; raises what shutdown raised."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._stopped.result()

    def call(self, function: Callable[[], R]) -> R:
        """Runs a function on the loop's thread."""
        result: Future[R] = Future()

        def run() -> None:
            try:
                result.set_result(function())
            except BaseException as error:  # noqa: BLE001 - raised in the thread that asked
                result.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return result.result(_TIMEOUT_S)

    def tick(self) -> None:
        """Ends what is overdue, and asks again when something else will be."""
        self._timer.cancel()
        self._timer = self._loop.call_later(self._engine.tick(), self.tick)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._loop_factory()) as runner:
                runner.run(self._serve())
            self._stopped.set_result(None)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that starts or stops the server
            (self._stopped if self.addr.done() else self.addr).set_exception(error)

    def _loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        if self._config.loop == "uvloop":
            import uvloop  # noqa: PLC0415 - optional

            return uvloop.new_event_loop
        return asyncio.new_event_loop

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await self._hosted.startup()
        self._engine = _core.Engine(
            self._config.core(traced=bool(self._tracers)),
            self._loop,
            tracers=self._tracers,
            exchange_type=RequestContext,
            log_error=self._log_error,
            debug=self._config.debug,
            clock=self._clock,
            **self._hosted.engine_options,
        )
        addr = self._engine.listen_tcp("127.0.0.1", 0)
        self._loop.add_reader(self._engine.fileno(), self._engine.poll)
        self._timer = self._loop.call_later(self._engine.tick(), self.tick)
        self.addr.set_result(addr)
        await self._stop.wait()
        await self._drain()
        await self._hosted.shutdown(_TIMEOUT_S)

    async def _drain(self) -> None:
        idle = asyncio.Event()
        self._engine.drain(idle.set)
        try:
            async with asyncio.timeout(self._config.timeout_shutdown_s):
                await idle.wait()
        except TimeoutError:
            self._engine.abort()
        self._timer.cancel()
        self._loop.remove_reader(self._engine.fileno())
        self._engine.close()
