"""Hosting other people's applications: which kind of callable it is, and the ASGI lifespan protocol.

Source: ASGI 3.0, https://asgi.readthedocs.io/en/latest/specs/lifespan.html. Requests do not pass through
here: the binding calls the application itself.
"""

import asyncio
import importlib
import inspect
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from wirespan.loading import StartError, describe

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_EVENTS = ("lifespan.startup", "lifespan.shutdown")

logger = logging.getLogger("wirespan")


def interface_of(app: Any) -> str:
    """The kind of application: `native`, `asgi`, `asgi2` or `wsgi`, told by what calling it takes.

    Raises:
        StartError: it cannot be called as any of them.
    """
    if all(callable(getattr(app, name, None)) for name in ("dispatch", "startup", "shutdown")):
        return "native"
    if not callable(app):
        raise StartError(f"a {type(app).__name__} is not an application: it cannot be called")
    try:
        parameters = inspect.signature(app).parameters.values()
    except ValueError:  # a callable of an extension module without a signature
        return "asgi"
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return "asgi"
    needed = sum(
        p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters
    )
    kinds = {3: "asgi", 2: "wsgi", 1: "asgi2"}
    if needed not in kinds:
        hint = ": is it a factory? Add --factory" if needed == 0 else ""
        raise StartError(f"the application takes {needed} arguments, which is neither ASGI nor WSGI{hint}")
    return kinds[needed]


def as_asgi(app: Any, interface: str, threads: int) -> AsgiApp:
    """The application as an ASGI 3 callable.

    Args:
        app: what the user gave.
        interface: `asgi`, `asgi2` or `wsgi`.
        threads: how many WSGI requests run at the same time.

    Raises:
        StartError: WSGI was asked for and a2wsgi is not installed.
    """
    if interface == "wsgi":
        return _from_wsgi(app, threads)
    if interface == "asgi2":
        return _from_asgi2(app)
    asgi: AsgiApp = app
    return asgi


def _from_asgi2(app: Any) -> AsgiApp:
    async def single_callable(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope)(receive, send)

    return single_callable


def _from_wsgi(app: Any, threads: int) -> AsgiApp:
    try:
        a2wsgi = importlib.import_module("a2wsgi")
    except ModuleNotFoundError:
        raise StartError("this is a WSGI application: pip install a2wsgi to serve it") from None
    adapted: AsgiApp = a2wsgi.WSGIMiddleware(app, workers=threads)
    return adapted


class Lifespan:
    """One run of an application's start-up and shutdown code.

    States: the application runs in one task for the whole life of the server. It takes `lifespan.startup`,
    answers, waits in `receive()` until we stop, takes `lifespan.shutdown`, answers, returns. An application
    that raises or returns before it answers does not support the protocol, which `auto` accepts, as the
    specification asks.

    Attributes:
        state: what the application puts here at start-up is in the scope of each request, as a copy.
    """

    def __init__(self, app: AsgiApp, mode: str = "auto") -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._mode = mode
        self._task: asyncio.Task[None] | None = None
        self._received = 0
        self._stopping = asyncio.Event()
        self._answer: asyncio.Future[Message] | None = None

    async def startup(self) -> None:
        """Runs the start-up code.

        Raises:
            StartError: the application said that it failed, with its message, or `on` was asked for and it
            does
                not take part.
        """
        if self._mode == "off":
            return
        self._task = asyncio.create_task(self._run(), name="wirespan lifespan")
        answer = await self._answered(self._task)
        if answer is None:
            self._accept_absence(self._task)
            self._task = None
        elif failure := _failure_of(answer):
            await _end(self._task)
            raise StartError(f"the application's start-up failed: {failure}")

    async def shutdown(self, timeout_s: float) -> None:
        """Runs the shutdown code for at most this long. A failure is logged: nobody is left to tell."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        try:
            async with asyncio.timeout(timeout_s):
                failure = _failure_of(await self._answered(task))
                await asyncio.wait([task])
        except TimeoutError:
            failure = f"it took longer than {timeout_s:g} s"
        await _end(task)
        if failure is not None:
            logger.error("the application's shutdown failed: %s", failure)

    async def _run(self) -> None:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        await self._app(scope, self._receive, self._send)

    async def _answered(self, task: asyncio.Task[None]) -> Message | None:
        """The application's answer, or None when it ended without one."""
        self._answer = asyncio.get_running_loop().create_future()
        either: tuple[asyncio.Future[Any], ...] = (task, self._answer)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return self._answer.result() if self._answer.done() else None

    def _accept_absence(self, task: asyncio.Task[None]) -> None:
        """The application ended without an answer."""
        error = None if task.cancelled() else task.exception()
        reason = describe(error) if error else "it returned at once"
        if self._mode == "on":
            raise StartError(f"the application does not support lifespan: {reason}") from error
        # It asked for the event and then failed: more likely a mistake than a framework without lifespan.
        if error is not None and self._received:
            logger.warning("the application runs without lifespan, because that raised %s", reason)

    async def _receive(self) -> Message:
        if self._received:
            await self._stopping.wait()
        if self._received == len(_EVENTS):
            await asyncio.Future()  # nothing comes after the last event: waits until the task is cancelled
        self._received += 1
        return {"type": _EVENTS[self._received - 1]}

    async def _send(self, message: Message) -> None:
        verb, _, outcome = message["type"].removeprefix("lifespan.").partition(".")
        expected = "shutdown" if self._stopping.is_set() else "startup"
        answer = self._answer
        if verb != expected or outcome not in ("complete", "failed") or answer is None or answer.done():
            raise RuntimeError(f"{message['type']!r} is not expected now")
        answer.set_result(message)


async def _end(task: asyncio.Task[None]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1.0)
    if task.done() and not task.cancelled() and (error := task.exception()):
        # Already told through the answer; asked for here so that asyncio does not report it as forgotten.
        logger.debug("the lifespan task ended with %s", describe(error))


def _failure_of(answer: Message | None) -> str | None:
    """The application's message, when its answer is a failure."""
    if answer is None or answer["type"].endswith(".complete"):
        return None
    return answer.get("message") or "it gave no reason"
