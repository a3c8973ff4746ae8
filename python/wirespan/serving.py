"""The server: start-up, serving inside an asyncio loop, and the way down that loses nothing traced.

Order: options -> tracers -> start-up hooks -> bind -> ready -> (stop) -> drain -> abort the rest -> flush the
sinks -> shutdown hooks. The engine shares the loop's thread: its one descriptor is registered with the loop,
and a timer lets it end what is overdue.
"""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar, cast

from wirespan._core import CoreError, Engine, ManualClock
from wirespan.config import Config
from wirespan.context import RequestContext
from wirespan.errors import UsageError
from wirespan.hosting import Hosted, host
from wirespan.inflight import InflightRequest, log_cut, open_inspector
from wirespan.listener import open_listener, remove_socket_file, url_of
from wirespan.loading import StartError, loop_factory
from wirespan.sources import load_config

# After an abort every handler has been cancelled; one that refuses to end does not keep the server alive.
ABORT_GRACE_S = 2.0
FLUSH_S = 5.0
logger = logging.getLogger("wirespan")

R = TypeVar("R")
LogError: TypeAlias = Callable[[str, BaseException | None], None]


def _log_error(message: str, error: BaseException | None) -> None:
    logger.error(message, exc_info=error)


class Server:
    """One server of one application.

    `stop` may be called from any thread and from signal handlers: the first call lets running requests finish
    for `timeout_shutdown_s` seconds, the second ends them at once.

    Attributes:
        config: the checked options.
        url: where clients reach it; empty before it is ready.
        port: the TCP port; 0 before it is ready and for Unix sockets.
        interface: `native`, `asgi`, `asgi2` or `wsgi`; empty before it is ready.
        trace_level: `disabled`, `base` or `detailed`; empty before it is ready.
        stops: how often `stop` has been called.
    """

    def __init__(
        self,
        app: Any,
        config: Config | None = None,
        *,
        clock: ManualClock | None = None,
        log_error: LogError = _log_error,
        **options: Any,
    ) -> None:
        """Prepares a server; nothing is bound yet.

        Args:
            app: a native `App`, or an ASGI or WSGI application.
            config: checked options; without it they come from `options`, the environment and the defaults.
            clock: time of the engine, for tests; else that of the machine.
            log_error: gets what the engine has to report, with the exception if there is one; else it goes to
                the logger `wirespan`.
            options: fields of `Config`.

        Raises:
            ConfigError: an option is unknown or its value is wrong.
        """
        self.config = config if config is not None else load_config(options)
        self.url = ""
        self.port = 0
        self.interface = ""
        self.trace_level = ""
        self._app = app
        self._clock = clock
        self._log_error = log_error
        self._tick: Callable[[], None] = _nothing
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stops = 0
        self._engine: Engine | None = None
        self._stopping = asyncio.Event()
        # Set when nothing runs any more, and when the wait for that shall end.
        self._drained = asyncio.Event()

    def stop(self) -> None:
        """Begins the shutdown; called again, ends what still runs. From any thread."""
        if self._loop is None:
            self._count_stop()  # not running yet: it will stop as soon as it does
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: stopped already
                self._loop.call_soon_threadsafe(self._count_stop)

    def _count_stop(self) -> None:
        self.stops += 1
        (self._stopping if self.stops == 1 else self._drained).set()

    @property
    def active(self) -> int:
        """How many requests have begun and are not over. On the loop's thread."""
        return 0 if self._engine is None else self._engine.active

    def inflight(self) -> list[InflightRequest]:
        """The requests that run now, oldest first, at most 1,000.

        From any thread, also while a handler blocks the loop.

        Returns:
            One dict for each; empty before the server is ready and when it is down.
        """
        return [] if self._engine is None else cast("list[InflightRequest]", self._engine.inflight())

    def tick(self) -> None:
        """Ends what is overdue by the engine's clock now, not when the timer says. On the loop's thread."""
        self._tick()

    def call(self, function: Callable[[], R]) -> R:
        """Runs a function on the thread of the server's loop, from another one, and returns what it returns.

        Raises:
            UsageError: the server does not run.
        """

        async def run() -> R:
            return function()

        if self._loop is None or self._loop.is_closed():
            raise UsageError("the server does not run")
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def serve(self, on_ready: Callable[["Server"], object] | None = None) -> None:
        """Serves until `stop` is called.

        Args:
            on_ready: called with this server once it accepts connections.

        Raises:
            StartError: the application, a tracer or the address cannot be used; the message is one line.
        """
        self._loop = asyncio.get_running_loop()
        hosted = host(self._app, self.config)
        self._loop.set_default_executor(ThreadPoolExecutor(hosted.threads, "wirespan"))
        if self._stopping.is_set() or not await self._started(hosted.startup):
            return
        try:
            await self._serve(hosted, on_ready)
        finally:
            _flush(hosted)
            await hosted.shutdown(self.config.timeout_shutdown_s)

    async def _started(self, startup: Callable[[], Awaitable[None]]) -> bool:
        """Runs the start-up hooks. False when the server was stopped before they were done."""
        starting = asyncio.ensure_future(startup())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            await asyncio.wait((starting,))
            return False
        starting.result()
        return True

    async def _serve(self, hosted: Hosted, on_ready: Callable[["Server"], object] | None) -> None:
        engine = self._engine = self._make_engine(hosted)
        try:
            self._listen(engine)
            open_inspector(engine, self.config.inspect, self.url)
            with _polled(engine) as self._tick:
                if on_ready is not None:
                    on_ready(self)
                await self._stopping.wait()
                await self._drain(engine)
        finally:
            engine.close()
            remove_socket_file(self.config)

    def _make_engine(self, hosted: Hosted) -> Engine:
        traced = bool(hosted.tracers)
        self.interface = hosted.interface
        self.trace_level = self.config.level(traced=traced)
        try:
            return Engine(
                self.config.core(traced=traced),
                asyncio.get_running_loop(),
                tracers=hosted.tracers,
                ignore=self.config.ignore,
                exchange_type=RequestContext,
                log_error=self._log_error,
                threads=hosted.threads,
                debug=self.config.debug,
                clock=self._clock,
                **hosted.engine_options,
            )
        except CoreError as error:
            raise StartError(str(error)) from error

    def _listen(self, engine: Engine) -> None:
        with open_listener(self.config) as listener:
            self.url = url_of(listener)
            self.port = 0 if listener.family == socket.AF_UNIX else listener.getsockname()[1]
            try:
                engine.listen_fd(listener.fileno())
            except (CoreError, OSError) as error:
                raise StartError(f"cannot listen on {self.url}: {error}") from error

    async def _drain(self, engine: Engine) -> None:
        engine.drain(self._drained.set)
        await _within(self._drained, self.config.timeout_shutdown_s)
        if engine.active:
            self._drained.clear()
            log_cut(self.inflight())
            engine.abort()
            await _within(self._drained, ABORT_GRACE_S)


@contextlib.contextmanager
def _polled(engine: Engine) -> Iterator[Callable[[], None]]:
    """The running loop drives the engine: readiness through its descriptor, time-outs through a timer.

    Yields what the timer calls, for the case that somebody else knows better when time has passed.
    """
    loop = asyncio.get_running_loop()
    timer = loop.call_soon(_nothing)

    def tick() -> None:
        nonlocal timer
        timer.cancel()
        timer = loop.call_later(engine.tick(), tick)

    tick()
    loop.add_reader(engine.fileno(), engine.poll)
    try:
        yield tick
    finally:
        loop.remove_reader(engine.fileno())
        timer.cancel()


def _nothing() -> None:
    """Where there is nothing to do yet."""


async def _within(event: asyncio.Event, timeout_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()


def _flush(hosted: Hosted) -> None:
    """Everything recorded reaches its file. The user's own sinks stay open: they may serve another server."""
    for tracer in hosted.tracers:
        flush = getattr(tracer, "flush", None)
        if callable(flush) and not any(tracer is sink for sink in hosted.sinks):
            flush(FLUSH_S)
    for sink in hosted.sinks:
        sink.close(FLUSH_S)


async def serve(
    app: Any, config: Config | None = None, *, on_ready: Callable[[Server], object] | None = None
) -> None:
    """Serves an application in the running loop, until the task is cancelled.

    Use `Server` to stop it from elsewhere.

    Raises:
        StartError: the application, a tracer or the address cannot be used.
    """
    server = Server(app, config)
    serving = asyncio.ensure_future(server.serve(on_ready))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.stop()
        await serving
        raise


@contextlib.contextmanager
def serving(app: Any, config: Config | None = None, **options: Any) -> Iterator[Server]:
    """A server in a thread of its own for the length of a `with` block: for tests and notebooks.

    It is ready when the block begins, and everything has been shut down when it has ended.

    Args:
        app: as for `Server`.
        config: checked options; without it the port is a free one, and there is neither an access log nor a
            socket for `wirespan inflight`, unless the options say otherwise.
        options: fields of `Config`, and what else `Server` takes.

    Raises:
        ConfigError: an option is wrong.
        StartError: it cannot start.
    """
    if config is None:
        options = {"port": 0, "access_log": "off", "inspect": "off"} | options
    server = Server(app, config, **options)
    ready = threading.Event()
    problems: list[BaseException] = []

    def body() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory(server.config.loop)) as runner:
                runner.run(server.serve(lambda _: ready.set()))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            problems.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=body, name="wirespan server", daemon=True)
    thread.start()
    ready.wait()
    try:
        if not problems:
            yield server
    finally:
        server.stop()
        thread.join()
    if problems:
        raise problems[0]
