"""The engine on an event loop in a thread of its own, listening on a free port."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import uvloop
from wirespan._core import Engine, Exchange, config_defaults

from harness.client import DEADLINE_S, Address, Client
from harness.handlers import hello

T = TypeVar("T")
Handler = Callable[[Any], Coroutine[Any, Any, None]]
QUIET: dict[str, Any] = {"date_header": False, "server_header": ""}
"""Without these two fields every reply is known to the byte."""


class Server:
    """A server for `with`: ready when entered, stopped with every handler cancelled when left."""

    def __init__(
        self,
        handler: Handler = hello,
        *,
        asgi: Callable[..., Any] | None = None,
        tracers: Sequence[object] = (),
        loop: str = "uvloop",
        **config: Any,
    ) -> None:
        """`config` overrides the engine's defaults; `uds`, `fd` and `host` say where to listen."""
        self.errors: list[tuple[str, BaseException | None]] = []
        self._host = config.pop("host", "127.0.0.1")
        self._uds = config.pop("uds", None)
        self._fd = config.pop("fd", None)
        self._debug = config.pop("debug", False)
        level = {} if "trace_level" in config else {"trace_level": 2 if tracers else 0}
        self._config = config_defaults() | QUIET | level | config
        self._native: Any = None if asgi else (Exchange, handler)
        self._asgi = asgi
        self._tracers = tracers
        self._factory = uvloop.new_event_loop if loop == "uvloop" else asyncio.new_event_loop
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(DEADLINE_S)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "the server does not stop"

    @property
    def port(self) -> int:
        assert not isinstance(self.address, str)
        return self.address[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, **options: Any) -> Client:
        return Client(self.address, **options)

    def call(self, function: Callable[[], T]) -> T:
        """Runs `function` on the server's thread and returns its result."""

        async def run() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(DEADLINE_S)

    def drain(self) -> threading.Event:
        """Begins an orderly shutdown; the event is set once nothing runs any more."""
        idle = threading.Event()
        self.call(lambda: self.engine.drain(idle.set))
        return idle

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._factory) as runner:
            try:
                runner.run(self._serve())
            except BaseException as error:  # noqa: BLE001 - handed to the test's thread
                self._failure = error
                self._ready.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.engine = Engine(
            self._config,
            self.loop,
            native=self._native,
            asgi=self._asgi,
            tracers=self._tracers,
            log_error=lambda message, error: self.errors.append((message, error)),
            debug=self._debug,
        )
        self.address = self._listen()
        self.loop.add_reader(self.engine.fileno(), self.engine.poll)
        self._tick()
        self._ready.set()
        await self._stop.wait()
        self.engine.abort()
        while self.engine.active:
            await asyncio.sleep(0.001)
        self._timer.cancel()
        self.loop.remove_reader(self.engine.fileno())
        self.engine.close()

    def _listen(self) -> Address:
        if self._uds is not None:
            self.engine.listen_unix(self._uds)
            return str(self._uds)
        if self._fd is not None:
            host, _, port = self.engine.listen_fd(self._fd).rpartition(":")
            return (host.strip("[]"), int(port)) if port else host
        return self.engine.listen_tcp(self._host, 0)

    def _tick(self) -> None:
        self._timer = self.loop.call_later(self.engine.tick(), self._tick)
