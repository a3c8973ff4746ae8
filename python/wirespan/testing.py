"""For tests of your own application: the real engine in a background thread, and tracers that remember.

Nothing here sleeps. `TestClient` is ready when its `with` block begins, `RecordingTracer.wait` returns when
the requests are over, and a `ManualClock` moves when the test says so.
"""

import contextvars
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from wirespan._core import AccessLog, ManualClock, OpenTelemetry
from wirespan.config import Config
from wirespan.context import RequestContext
from wirespan.errors import UsageError
from wirespan.serving import serving
from wirespan.sources import known_names
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

    Start-up hooks (lifespan of ASGI apps) run when the block begins, and what they raise is raised there.
    Shutdown hooks run when it ends.

    Args:
        app: An `App`, or an ASGI or WSGI application.
        tracers: Added behind those of the application.
        clock: Time of the engine. Set it, then call `tick`.
        **options: Server options by name, such as `limit_body_bytes=10`. The environment's do not count.

    Attributes:
        errors: What the engine logged as errors: message and exception.

    Raises:
        ConfigError: An option is wrong.
        UsageError: It is used for a second `with` block.
    """

    __test__ = False  # the name makes pytest look inside

    def __init__(
        self,
        app: object,
        *,
        tracers: Sequence[Tracer | AccessLog | OpenTelemetry] = (),
        clock: ManualClock | None = None,
        **options: Any,
    ) -> None:
        # Proxies and certificates of the environment have no part in a test.
        super().__init__(timeout=_TIMEOUT_S, trust_env=False)
        self.errors: list[tuple[str, BaseException | None]] = []
        defaults: dict[str, Any] = {"port": 0, "access_log": "off", "tracers": tuple(tracers)}
        config = Config(**known_names(defaults | options))
        self._serving = serving(
            app, config, clock=clock, log_error=lambda what, error: self.errors.append((what, error))
        )

    def __enter__(self) -> Self:
        if self.is_closed:
            raise UsageError("a TestClient serves one `with` block: make another one")
        self._server = self._serving.__enter__()
        self.base_url = httpx.URL(self._server.url)
        return super().__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        super().__exit__(exc_type, exc_value, traceback)
        self._serving.__exit__(exc_type, exc_value, traceback)

    @property
    def addr(self) -> tuple[str, int]:
        """Where the server listens."""
        return self._server.config.host, self._server.port

    def connect(self) -> socket.socket:
        """A plain connection, for tests that are exact to the byte. The caller closes it."""
        return socket.create_connection(self.addr, timeout=_TIMEOUT_S)

    def call(self, function: Callable[[], R]) -> R:
        """Runs a function on the thread of the event loop and returns what it returns."""
        return self._server.call(function)

    def tick(self) -> None:
        """Lets the engine look at its clock now."""
        self.call(self._server.tick)
