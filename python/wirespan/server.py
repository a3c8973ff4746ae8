"""Blocking entry points: the event loop, signals, and errors as one line and an exit code.

Exit codes: 0 after a shutdown, 1 when the server could not start, 2 when the options are wrong.
"""

import asyncio
import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from wirespan.config import Config
from wirespan.errors import ConfigError, WirespanError
from wirespan.loading import load_app, loop_factory, place, place_in, say
from wirespan.serving import Server
from wirespan.sources import load_config

EXIT_START = 1
EXIT_OPTIONS = 2
THREAD_GRACE_S = 1.0
OnReady = Callable[[Server], object]


def run(app: Any, **options: Any) -> None:
    """Serves an application until SIGINT or SIGTERM, then lets running requests finish.

    Args:
        app: a native `App`, an ASGI or WSGI application, or its name as `module:object`.
        options: fields of `Config`, as in docs/options.md.

    Raises:
        SystemExit: with 1 or 2 when it could not start; one line on stderr says why.
    """
    with reported(debug=bool(options.get("debug"))):
        run_config(app, load_config(options), _say_ready)


def run_config(app: Any, config: Config, on_ready: OnReady) -> None:
    """As `run`, with checked options and a call when the server accepts connections.

    Raises:
        WirespanError: it could not start.
    """
    if config.view:
        beside = importlib.import_module("wirespan.viewer.beside")
        with beside.with_viewer(config, app) as pointed:
            run_config(app, pointed, on_ready)
        return
    if config.reload:
        if not isinstance(app, str):
            raise ConfigError("reload needs the application by name: run('module:object', reload=True)")
        reload = importlib.import_module("wirespan.reload")
        reload.run_reloading(app, config)
        return
    if isinstance(app, str):
        app = load_app(app, app_dir=config.app_dir, factory=config.factory)
    with asyncio.Runner(loop_factory=loop_factory(config.loop)) as runner:
        runner.run(_serve_until_signal(Server(app, config), on_ready))
        # The runner waits for the loop's threads when it closes.
        watch = leave_soon()
    watch.cancel()


def leave_soon() -> threading.Timer:
    """Ends the process in a moment, for the case that a thread keeps it from ending.

    Python waits for pool threads, but a `def` handler that blocks cannot be ended. When the server is down
    nothing is left that its end could harm.
    """

    def leave() -> None:
        say("a thread of a handler does not end, so it is left behind")
        sys.stdout.flush()
        os._exit(0)

    timer = threading.Timer(THREAD_GRACE_S, leave)
    timer.daemon = True
    timer.start()
    return timer


@contextlib.contextmanager
def reported(*, debug: bool = False) -> Iterator[None]:
    """Errors of the person who starts the server are one line on stderr and an exit code.

    Args:
        debug: the traceback as well.

    Raises:
        SystemExit: in the place of a `WirespanError`.
    """
    try:
        yield
    except WirespanError as error:
        if debug:
            traceback.print_exception(error.__cause__ or error)
        hint = "; the option debug shows the traceback" if _has_more(error) and not debug else ""
        say(f"{one_line(error)}{hint}")
        raise SystemExit(EXIT_OPTIONS if isinstance(error, ConfigError) else EXIT_START) from None


def _has_more(error: BaseException) -> bool:
    """Whether user code raised it, so that its author wants to see the way there."""
    return "\n" in str(error).strip() or (error.__cause__ is not None and place(error.__cause__) != "")


def one_line(error: BaseException) -> str:
    """The message without what some applications put around it: of a traceback, its last line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if len(lines) == 1:
        return lines[0]
    return f"{lines[0].split(': Traceback')[0]}: {lines[-1]}{place_in(str(error))}"


async def _serve_until_signal(server: Server, on_ready: OnReady) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.stop()
        loop.call_soon(say_stopping, server)  # behind what `stop` does

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        await server.serve(on_ready)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def say_stopping(server: Server) -> None:
    """Whoever stops a server that is at work knows what it waits for, and how not to."""
    if server.active == 0:
        return
    running, them = ("1 request", "it") if server.active == 1 else (f"{server.active} requests", "them")
    if server.stops > 1:
        say(f"ending {running} now")
    else:
        patience = f"{server.config.timeout_shutdown_s:g} s"
        say(f"waiting up to {patience} for {running}; a second signal ends {them} now")


def _say_ready(server: Server) -> None:
    say(f"serving on {server.url} (tracing: {server.trace_level})")
