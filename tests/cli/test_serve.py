"""`wirespan serve` as its users meet it: processes, signals, exit codes, one line for each mistake."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import socket
import struct
import termios
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from cli.commands import Serving, connect, get, read_all, run
from wirespan import App
from wirespan.server import say_stopping
from wirespan.serving import Server

APP = """
import asyncio, contextlib, time
from wirespan import App

app = App()

@app.get("/")
async def hello(ctx):
    ctx.text("hello")

@app.get("/slow")
async def slow(ctx):
    print("started", flush=True)
    try:
        await asyncio.sleep(0.3)
    finally:
        print("ended", flush=True)
    ctx.text("slow")

@app.get("/endless")
async def endless(ctx):
    print("started", flush=True)
    await asyncio.Future()

@app.on_shutdown
async def bye():
    print("bye", flush=True)

@app.get("/stuck")
def stuck(ctx):
    print("started", flush=True)
    time.sleep(60)

@contextlib.asynccontextmanager
async def lifespan(app):
    raise RuntimeError("no database")
    yield

def starlette():
    from starlette.applications import Starlette
    return Starlette(lifespan=lifespan)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


def next_line(server: Serving) -> str:
    assert server.process.stdout is not None
    return server.process.stdout.readline().strip()


def wait_until_refused(port: int) -> None:
    """The sign that the first signal has arrived."""
    with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
        while True:
            connect(port).close()


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_running_requests_finish_after_sigterm(folder: Path, loop: str) -> None:
    """A deployment loses no request, and the shutdown hooks run last."""
    with Serving("shop", "--port", "0", "--loop", loop, cwd=folder) as server, connect(server.port) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert next_line(server) == "started"
        server.signal(signal.SIGTERM)
        assert read_all(client).endswith(b"slow")
        assert server.end()[:2] == (0, "ended\nbye\n")


def test_second_signal_ends_what_still_runs(folder: Path) -> None:
    """Whoever presses Ctrl-C twice means it."""
    with Serving("shop", "--port", "0", cwd=folder) as server, connect(server.port) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert next_line(server) == "started"
        server.signal(signal.SIGINT)
        server.wait_for("waiting up to 30 s for 1 request; a second signal ends it now")
        wait_until_refused(server.port)
        server.signal(signal.SIGINT)
        server.wait_for("ending 1 request now")
        with contextlib.suppress(ConnectionResetError):
            assert b"200 OK" not in read_all(client)
        assert server.end()[:2] == (0, "bye\n")


def test_thread_that_is_stuck_is_left_behind(folder: Path) -> None:
    """Python would wait for it for ever."""
    with (
        Serving("shop", "--port", "0", "--timeout-shutdown-s", "0", cwd=folder) as server,
        connect(server.port) as client,
    ):
        client.sendall(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
        assert next_line(server) == "started"
        server.signal(signal.SIGTERM)
        code, _, err = server.end()
        assert (code, err.splitlines()[-1]) == (
            0,
            "wirespan: a thread of a handler does not end, so it is left behind",
        )


def test_deadline_ends_what_still_runs(folder: Path) -> None:
    """`timeout_shutdown_s` bounds the drain."""
    with (
        Serving("shop", "--port", "0", "--timeout-shutdown-s", "0.2", cwd=folder) as server,
        connect(server.port) as client,
    ):
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert next_line(server) == "started"
        server.signal(signal.SIGTERM)
        assert server.end()[:2] == (0, "bye\n")


def test_access_log_is_complete_after_the_end(folder: Path) -> None:
    """Nothing traced is lost: the last line is in the file when the process has ended."""
    words = ("--port", "0", "--access-log", "json", "--access-log-file", "log")
    with Serving("shop", *words, cwd=folder) as server:
        assert [get(server.port) for _ in range(3)] == [b"hello"] * 3
        server.signal(signal.SIGTERM)
        assert server.end()[0] == 0
    assert (folder / "log").read_text().count('"path":"/"') == 3


def test_port_in_use_is_one_line(folder: Path) -> None:
    """No traceback, and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = run("serve", "shop", "--port", port, cwd=folder)
    assert (ended.returncode, ended.stdout) == (1, "bye\n")
    assert (
        ended.stderr
        == f"wirespan: port {port} on 127.0.0.1 is in use: stop the other server, or choose another --port\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["shoop"], 1, "there is no module 'shoop'"),
        (["shop:ap"], 1, "'shop' has no object 'ap'; did you mean 'app'?"),
        (["shop", "--tracer", "shop:lifespan"], 1, "is not a tracer"),
        (
            ["shop:starlette", "--factory", "--port", "0"],
            1,
            r"start-up failed: RuntimeError: no database \(shop\.py, line \d+\); the option debug shows",
        ),
        (["shop.py"], 1, "'shop.py' is a file, and a module is needed: try 'shop:app'"),
        (["shop", "--port", "x"], 2, "--port must be a whole number, not 'x'"),
        (["shop", "--prot", "1"], 2, "No such option '--prot'.*'--port'"),
        (["shop", "--access-log", "jsn"], 2, "did you mean 'json'?"),
        (["shop", "--uds", "missing/app.sock"], 1, "cannot make the socket missing/app.sock"),
        (["shop", "--fd", "99"], 1, "descriptor 99 is not an open socket"),
        ([], 2, "Missing argument 'MODULE:APP'"),
    ],
)
def test_mistakes_are_one_line(folder: Path, words: list[str], code: int, message: str) -> None:
    """Each names what was wrong and what would be right."""
    ended = run("serve", *words, cwd=folder)
    assert ended.returncode == code, ended.stderr
    assert re.fullmatch(rf"wirespan: .*{message}.*\n", ended.stderr), ended.stderr


def test_debug_shows_the_traceback(folder: Path) -> None:
    """Where one line is not enough."""
    ended = run("serve", "shop:starlette", "--factory", "--port", "0", "--debug", cwd=folder)
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr


def test_unix_socket_is_removed_at_the_end(folder: Path) -> None:
    """The next start finds no stale file."""
    with Serving("shop", "--uds", "app.sock", cwd=folder) as server:
        assert server.url == "unix:app.sock"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(folder / "app.sock"))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_all(client).endswith(b"hello")
        server.signal(signal.SIGTERM)
        assert server.end()[0] == 0
    assert not (folder / "app.sock").exists()


def test_inherited_descriptor_is_served(folder: Path) -> None:
    """Socket activation."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        fd = bound.fileno()
        with Serving("shop", "--fd", str(fd), cwd=folder, pass_fds=(fd,)) as server:
            assert server.port == bound.getsockname()[1]
            assert get(server.port) == b"hello"


def test_reload_serves_the_new_code_and_refuses_nobody(folder: Path) -> None:
    """The parent keeps the socket, so a request during the restart waits instead of failing."""
    with Serving("shop", "--port", "0", "--reload", cwd=folder) as server:
        port = server.port
        assert get(port) == b"hello"
        (folder / "shop.py").write_text(APP.replace('"hello"', '"hello again"'))
        server.wait_for(r"shop\.py changed, restarting")
        while get(port) != b"hello again":
            pass
        server.signal(signal.SIGTERM)
        assert server.end()[0] == 0
        with pytest.raises(ConnectionRefusedError):
            connect(port)


@pytest.mark.parametrize(
    ("disabled", "where"),
    [
        ("false", "to http://127.0.0.1:9/v1/traces"),
        ("true", "nowhere: OTEL_SDK_DISABLED is set, or the exporter is none"),
    ],
)
def test_the_start_says_where_spans_go(
    disabled: str, where: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", disabled)
    with Serving("shop", "--port", "0", "--otlp", "http://me:secret@127.0.0.1:9", cwd=folder) as server:
        server.wait_for(f"^spans go {where}$")


def test_reload_waits_for_a_mistake_to_be_mended(folder: Path) -> None:
    """A syntax error must not end the session."""
    with Serving("shop", "--port", "0", "--reload", cwd=folder) as server:
        port = server.port
        (folder / "shop.py").write_text("app = (")
        server.wait_for(r"cannot be imported: SyntaxError: .* \(shop\.py, line 1\)")
        server.wait_for("the server has ended, waiting for a change in ")
        (folder / "shop.py").write_text(APP)
        server.wait_for(" on http")
        assert get(port) == b"hello"
        server.signal(signal.SIGTERM)
        assert server.end()[0] == 0


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal of 80 columns: ours, and the one that a program is given."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def shown(ours: int, until: str) -> str:
    """What the terminal shows, without colours, up to and with a word."""
    text = b""
    while until.encode() not in text:
        text += os.read(ours, 4_096)
    return re.sub(r"\x1b\[[0-9;]*m", "", text.decode())


def test_ctrl_c_in_a_terminal_reaches_parent_and_child_and_counts_once(
    folder: Path, terminal: tuple[int, int]
) -> None:
    """The terminal signals the whole group: the parent must not ask its child a second time at once."""
    ours, theirs = terminal
    words = ("shop", "--port", "0", "--reload")
    with Serving(*words, cwd=folder, terminal=theirs) as server, connect(server.port) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        shown(ours, "started")
        os.killpg(server.process.pid, signal.SIGINT)
        assert read_all(client).endswith(b"slow")
        assert server.end()[0] == 0
    assert "ended" in shown(ours, "bye")


def test_pretty_lines_do_not_wrap(folder: Path, terminal: tuple[int, int]) -> None:
    """In a terminal they are the default, and as wide as it is."""
    ours, theirs = terminal
    with Serving("shop", "--port", "0", cwd=folder, terminal=theirs) as server:
        get(server.port, f"/{'long' * 50}")
        (line,) = shown(ours, "\n").splitlines()
        assert re.fullmatch(r"\d\d:\d\d:\d\d GET    /(long)+lo… 404 .*█{8} [a-z]+ \d+%.*", line), line
        assert len(line) <= 80


def test_many_requests_are_waited_for_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is said where nothing runs."""
    server = Server(App(), port=0)
    for active in (0, 3):
        with mock.patch.object(Server, "active", active):
            say_stopping(server)
    assert capsys.readouterr().err == (
        "wirespan: waiting up to 30 s for 3 requests; a second signal ends them now\n"
    )
