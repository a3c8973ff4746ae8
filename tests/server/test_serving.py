"""A server inside this process: applications of every kind, start-up and shutdown, the states of `Server`."""

import asyncio
import contextlib
import json
import signal
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import flask
import httpx
import pytest
from fastapi import FastAPI, Request

from harness import DEADLINE_S
from wirespan import App
from wirespan._core import CoreError
from wirespan.errors import ConfigError, UsageError
from wirespan.hosting import terminal_looks
from wirespan.loading import StartError, loop_factory
from wirespan.server import leave_soon, one_line, run
from wirespan.serving import Server, serve, serving
from wirespan.tracers import AccessLog


def hello() -> App:
    app = App()

    @app.get("/")
    async def index(ctx: Any) -> None:
        ctx.text("hello")

    return app


def test_server_is_ready_in_the_block_and_gone_after_it() -> None:
    """Tests of users can rely on both."""
    # At 127.0.0.1 a free port belongs to whoever asks next: to another program, or to the very socket that
    # connects to it, whose own port the kernel may choose to be the same.
    own = "127.0.0.77"
    with serving(hello(), host=own) as server:
        assert httpx.get(server.url).text == "hello"
        assert (server.interface, server.trace_level) == ("native", "disabled")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((own, server.port))
    server.stop()


def test_lifespan_state_is_in_the_scope_of_each_request() -> None:
    """FastAPI's way to share a pool; one request cannot change what the next one sees."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        log.append("start")
        yield {"pool": "open"}
        log.append("stop")

    async def index(request: Request) -> str:
        pool: str = request.state.pool
        request.state.pool = "changed"
        return pool

    log: list[str] = []
    app = FastAPI(lifespan=lifespan)
    app.add_api_route("/", index)
    with serving(app) as server:
        assert [httpx.get(server.url).json() for _ in range(2)] == ["open"] * 2
        assert log == ["start"]
    assert log == ["start", "stop"]


def test_wsgi_application_is_served() -> None:
    """Flask, through a2wsgi."""
    app = flask.Flask("shop")
    app.add_url_rule("/<name>", view_func=lambda name: f"hello {name}")
    with serving(app) as server:
        assert httpx.get(f"{server.url}/you").text == "hello you"
        assert server.interface == "wsgi"


def test_routes_of_applications_reach_the_access_log(tmp_path: Path) -> None:
    """A sink of the user's is flushed when the server ends, and stays open for the next one."""
    path = tmp_path / "log"
    log = AccessLog("json", str(path))
    app = FastAPI()
    app.add_api_route("/items/{item}", lambda item: item)
    for _ in range(2):
        with serving(app, tracers=[log]) as server:
            httpx.get(f"{server.url}/items/5")
        assert json.loads(path.read_text().splitlines()[-1])["route"] == "/items/{item}"
    assert len(path.read_text().splitlines()) == 2
    log.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"access_log": "json", "access_log_file": "/nowhere/log"},
            "cannot open the access log /nowhere/log: No such file or directory",
        ),
        ({"access_log": "%(unknown)"}, "access_log: "),
        ({"tracers": ["nowhere:Tracer"]}, "there is no module 'nowhere'"),
    ],
)
def test_what_cannot_start_is_told(options: dict[str, Any], message: str) -> None:
    """Before anything is bound."""
    with pytest.raises(StartError, match=message), serving(hello(), **options):
        pass


def test_failing_hook_stops_the_start() -> None:
    """The application's words, and its exception as the cause."""
    app = hello()

    @app.on_startup
    async def connect() -> None:
        raise OSError("no database")

    with pytest.raises(StartError, match="start-up failed: OSError: no database") as caught, serving(app):
        pass
    assert isinstance(caught.value.__cause__, OSError)


def test_failing_shutdown_hook_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The server is down anyway; somebody should know."""
    app = hello()

    @app.on_shutdown
    async def disconnect() -> None:
        raise OSError("lost")

    with serving(app):
        pass
    assert "the application's shutdown failed: ExceptionGroup" in caplog.text


def test_server_can_be_stopped_while_it_starts() -> None:
    """A start-up that hangs does not have to be killed."""
    app = hello()
    waiting = threading.Event()

    @app.on_startup
    async def wait() -> None:
        waiting.set()
        await asyncio.Future()

    server = Server(app, port=0)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    assert waiting.wait(DEADLINE_S)
    server.stop()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert server.port == 0


def test_server_that_was_stopped_before_does_not_start() -> None:
    """A signal can come at any time."""
    server = Server(hello(), port=0)
    server.stop()
    asyncio.run(server.serve(lambda _: pytest.fail("it started")))


def test_serve_in_a_task_ends_when_that_is_cancelled() -> None:
    """Beside other things in the same loop."""
    ready: list[Server] = []

    async def main() -> None:
        began = asyncio.Event()

        def on_ready(server: Server) -> None:
            ready.append(server)
            began.set()

        task = asyncio.create_task(serve(hello(), Server(hello(), port=0).config, on_ready=on_ready))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ready[0].port))


def test_unknown_option_is_refused() -> None:
    """With the nearest name."""
    with pytest.raises(ConfigError, match="did you mean 'port'"):
        Server(hello(), prt=1)


def test_run_serves_until_a_signal(capsys: pytest.CaptureFixture[str]) -> None:
    """`app.run(...)` returns; the hooks have run."""
    app = hello()
    app.on_startup(lambda: signal.raise_signal(signal.SIGTERM))
    run(app, port=0)
    app = hello()
    replies = []

    @app.on_startup
    async def later() -> None:
        asyncio.get_running_loop().call_later(0.05, lambda: signal.raise_signal(signal.SIGINT))

    app.on_shutdown(lambda: replies.append("down"))
    run(app, port=0)
    assert replies == ["down"]
    assert "wirespan: serving on http://127.0.0.1:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"port": -1}, 2, "port must be between 0 and 65535, not -1"),
        ({"reload": True}, 2, "reload needs the application by name: run('module:object', reload=True)"),
        ({"uds": "/nowhere/app.sock"}, 1, "cannot make the socket /nowhere/app.sock"),
    ],
)
def test_run_ends_with_one_line(
    options: dict[str, Any], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same words as on the command line."""
    with pytest.raises(SystemExit) as ended:
        run(hello(), **options)
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith(f"wirespan: {message}")


def test_traceback_in_a_message_becomes_its_last_line() -> None:
    """Starlette sends one as its start-up message."""
    text = "start-up failed: Traceback (most recent call last):\n  File x\nRuntimeError: no database\n"
    assert one_line(StartError(text)) == "start-up failed: RuntimeError: no database"
    assert one_line(StartError("")) == "StartError"


def test_loop_is_uvloop_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for by name it must be there."""
    assert loop_factory("asyncio") is None
    assert loop_factory("auto") is loop_factory("uvloop") is not None
    monkeypatch.setitem(__import__("sys").modules, "uvloop", None)
    assert loop_factory("auto") is None
    with pytest.raises(StartError, match="uvloop is not installed"):
        loop_factory("uvloop")


def test_call_needs_a_running_server() -> None:
    """Before and after, there is no thread that could run the function."""
    server = Server(hello(), port=0)
    with pytest.raises(UsageError, match="the server does not run"):
        server.call(int)
    app = hello()
    app.on_startup(server.stop)
    server = Server(app, port=0)
    app.on_startup(server.stop)
    asyncio.run(server.serve())
    with pytest.raises(UsageError, match="the server does not run"):
        server.call(int)


def test_connected_socket_is_no_listener() -> None:
    """A wrong --fd is told, not retried for ever."""
    ours, theirs = socket.socketpair()
    refused = pytest.raises(StartError, match="cannot listen on unix:")
    with theirs, refused, serving(hello(), fd=ours.detach()):
        pass


def test_engine_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No descriptors left, for example."""

    def refuse(*args: object, **options: object) -> None:
        raise CoreError("too many open files")

    monkeypatch.setattr("wirespan.serving.Engine", refuse)
    with pytest.raises(StartError, match="too many open files"), serving(hello()):
        pass


@pytest.mark.parametrize(
    ("terminal", "environ", "looks"),
    [
        (True, {"COLUMNS": "90"}, {"color": True, "columns": 90}),
        (True, {"COLUMNS": "90", "NO_COLOR": "1"}, {"color": False, "columns": 90}),
        (False, {"COLUMNS": "90"}, {}),
    ],
)
def test_log_looks_as_the_terminal_can(
    terminal: bool, environ: dict[str, str], looks: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Colours and a width belong to people, not to files."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert terminal_looks() == looks


def test_process_is_ended_although_a_thread_is_stuck(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said, because something in the handler is wrong."""
    ended: list[int] = []
    monkeypatch.setattr("wirespan.server.THREAD_GRACE_S", 0)
    monkeypatch.setattr("os._exit", ended.append)
    leave_soon().join()
    assert ended == [0]
    assert "a thread of a handler does not end, so it is left behind" in capsys.readouterr().err
