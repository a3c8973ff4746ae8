"""`wirespan inflight`: finding servers, asking them also while Python is stuck, and what is printed."""

import json
import os
import signal
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.commands import Serving, run
from harness import wait_for
from wirespan.cli import main
from wirespan.errors import ConfigError
from wirespan.inflight import InflightServer
from wirespan.inflight_command import ask, ask_all, places_of, watch
from wirespan.inflight_table import duration, overview
from wirespan.inspection import find_sockets, free_socket, parse_place

APP = """
import asyncio
from wirespan import App

app = App()

@app.get("/sleep/{number}")
async def sleep(ctx):
    await asyncio.sleep(600)

@app.get("/stuck")
async def stuck(ctx):
    sum(range(10**12))  # one call in C: the GIL is not given back
"""


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No test sees the servers of others."""
    folder = tmp_path_factory.mktemp("run")
    monkeypatch.setenv("XDG_RUNTIME_DIR", os.fspath(folder))
    monkeypatch.setattr("tempfile.tempdir", os.fspath(folder))
    monkeypatch.setenv("TMPDIR", os.fspath(folder))  # of the processes that a test starts
    return folder / "wirespan"


@pytest.fixture
def app_dir(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


@pytest.fixture
def get() -> Iterator[Callable[[int, str], None]]:
    """Sends requests whose answers nobody waits for."""
    with ExitStack() as stack:

        def send(port: int, path: str) -> None:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())

        yield send


def until(is_so: Callable[[], bool]) -> None:
    wait_for(is_so, "what runs is as it should be")


def paths_in(servers: list[InflightServer]) -> list[str]:
    return [request["path"] for server in servers for request in server["requests"]]


def test_requests_are_found_while_python_is_stuck(app_dir: Path, get: Callable[[int, str], None]) -> None:
    """Neither the loop nor the GIL is needed for the answer."""
    with Serving("shop", "--port", "0", "--trace-level", "base", cwd=app_dir) as server:
        get(server.port, "/sleep/7")
        until(lambda: paths_in(ask_all([])) == ["/sleep/7"])
        get(server.port, "/stuck")
        until(lambda: paths_in(ask_all([])) == ["/sleep/7", "/stuck"])
        shown = run("inflight")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert f"wirespan on {server.url}  pid {server.process.pid}  2 running" in shown.stdout
        rows = [line.split() for line in shown.stdout.splitlines()]
        assert any({"await", "GET", "/sleep/{number}", "/sleep/7"} <= set(row) for row in rows)
        assert any({"run", "GET", "/stuck"} <= set(row) for row in rows)
        told = json.loads(run("inflight", "--json").stdout)
        assert paths_in(told["servers"]) == ["/sleep/7", "/stuck"]
        server.signal(signal.SIGKILL)  # a loop that is stuck hears nothing else


def test_the_socket_of_a_dead_process_is_taken_away(app_dir: Path, runtime: Path) -> None:
    """kill -9 leaves it behind; whoever looks tidies up, and says that there is none."""
    with Serving("shop", "--port", "0", cwd=app_dir) as server:
        server.signal(signal.SIGKILL)
        server.process.wait()
        assert [path.name for path in runtime.iterdir()] == [f"{server.process.pid}.sock"]
        shown = run("inflight")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "no server of yours runs here" in shown.stderr
    assert list(runtime.iterdir()) == []


def test_a_named_place_is_asked(app_dir: Path, tmp_path: Path, runtime: Path) -> None:
    """For servers that listen elsewhere."""
    place = tmp_path / "ask.sock"
    with Serving("shop", "--port", "0", "--inspect", str(place), cwd=app_dir) as server:
        assert "nothing runs" in run("inflight", str(place)).stdout
        assert not runtime.exists()
        assert ask(place)["url"] == server.url
        server.signal(signal.SIGKILL)
    shown = run("inflight", str(place))
    assert (shown.returncode, shown.stderr.splitlines()[-1]) == (
        1,
        f"wirespan: {place} does not answer: Connection refused",
    )


def test_a_stranger_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """The port of somebody else's server, whatever it answers."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nhello")

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.handle_request).start()
        assert main(["inflight", f"127.0.0.1:{stranger.server_port}"]) == 1
    assert "is not where a wirespan server tells of its requests" in capsys.readouterr().err


def test_a_server_that_ends_while_it_is_asked_is_left_out(runtime: Path) -> None:
    """It was there a moment ago."""
    path = free_socket()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(path))
        listener.listen()

        def hang_up() -> None:
            for _ in range(2):  # the look whether it is alive, and the question
                listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert ask_all([]) == []
        thread.join()


# ---- where servers are looked for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("auto", None),
        ("off", None),
        ("./a.sock", Path("a.sock")),
        ("localhost:80", ("127.0.0.1", 80)),
        ("127.0.0.2:0", ("127.0.0.2", 0)),
        ("[::1]:65535", ("::1", 65_535)),
    ],
)
def test_places_are_paths_or_loopback(text: str, place: object) -> None:
    """A word without a slash is no path: it is most likely a mistake."""
    assert parse_place(text) == place


@pytest.mark.parametrize(
    "text", ["", "on", "a.sock", "localhost", "example.com:80", "127.0.0.1:99999", "x:²"]
)
def test_other_places_are_refused(text: str) -> None:
    """With what would be right."""
    with pytest.raises(ConfigError, match="must be auto, off, the path of a socket"):
        parse_place(text)


def test_other_machines_cannot_ask() -> None:
    """Paths and clients are nobody else's business."""
    with pytest.raises(ConfigError, match=r"loopback address such as 127\.0\.0\.1, not '0\.0\.0\.0'"):
        parse_place("0.0.0.0:80")


def test_words_of_the_option_are_no_places() -> None:
    """`wirespan inflight off` would list all."""
    with pytest.raises(ConfigError, match="not 'off'"):
        places_of(["/run/a.sock", "off"])


def test_a_folder_that_others_can_write_is_not_trusted(runtime: Path) -> None:
    """They could put sockets there and read what is asked, or tell lies."""
    runtime.mkdir()
    runtime.chmod(0o770)
    with pytest.raises(PermissionError, match="must be a folder of mode 0700"):
        free_socket()
    assert find_sockets() == []


def test_without_a_runtime_folder_it_is_the_temporary_one(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the variable names a folder that is not there, as under sudo."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere/at/all")
    path = free_socket()
    assert path.parent == runtime.parent / f"wirespan-{os.getuid()}"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert free_socket() == path


def test_a_socket_that_vanishes_or_is_busy_is_no_error(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers end while somebody looks; one whose queue is full is alive."""
    gone = free_socket()
    gone.symlink_to("nowhere")
    assert find_sockets() == []
    busy = runtime / "2.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(busy))
        monkeypatch.setattr(socket.socket, "connect", _times_out)
        assert busy in find_sockets()


def _times_out(*_: object) -> None:
    raise TimeoutError


# ---- what is printed -------------------------------------------------------------------------------------


def request(**changes: Any) -> dict[str, Any]:
    plain = {
        "id": 1,
        "method": "GET",
        "route": "/report/{n}",
        "path": "/report/7",
        "state": "await",
        "state_ns": 3_000_000_000,
        "states": {
            "queue": 1_000_000_000,
            "read": 0,
            "schedule": 0,
            "run": 0,
            "await": 3_000_000_000,
            "write": 0,
        },
        "age_ns": 4_000_000_000,
        "background": False,
        "end_reason": None,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "client": "127.0.0.1:5",
    }
    return plain | changes


def printed(
    *requests: dict[str, Any], total: int | None = None, width: int = 140, color: bool = False
) -> str:
    server: Any = {
        "service": "shop",
        "url": "http://127.0.0.1:8000",
        "pid": 7,
        "total": len(requests) if total is None else total,
        "requests": list(requests),
    }
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=color, no_color=not color, highlight=False)
    console.print(overview([server], console))
    return out.getvalue()


def test_a_row_has_all_that_is_known() -> None:
    """With a bar of the states until now, in letters where there is no colour."""
    text = printed(request())
    assert "shop on http://127.0.0.1:8000  pid 7  1 running" in text
    row = next(line for line in text.splitlines() if "GET" in line)
    assert row.split() == [
        *("4.0", "s", "await", "3.0", "s", "qqq.........", "GET", "/report/{n}", "/report/7"),
        *("127.0.0.1:5", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ]
    assert "█" in printed(request(), color=True)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_long_path_gives_way_alone(width: int) -> None:
    """Not the age, which is what people look for."""
    text = printed(request(path="/a" * 200), request(), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert [line.split()[:2] for line in text.splitlines() if "GET" in line] == [["4.0", "s"]] * 2
    assert "127.0.0.1:5 " in text
    assert "…" in text


def test_a_narrow_terminal_has_what_matters() -> None:
    """No bar, a short trace id, no line longer than the terminal."""
    text = printed(request(), width=80)
    assert "4bf92f35" in text
    assert "4bf92f3577" not in text
    assert "So far" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_unusual_requests_are_told() -> None:
    """Before the head, after the answer, without records, without a client."""
    text = printed(
        request(method="", path="", route=None, state="read", client=None),
        request(background=True, state=None, state_ns=500_000_000, trace_id=None),
        request(route=None, end_reason="client_disconnected"),
        total=1_003,
    )
    assert "no head yet" in text
    row = next(line for line in text.splitlines() if "background" in line)
    assert row.split()[:5] == ["4.0", "s", "background", "500", "ms"]
    assert "await (client disconnected)" in text
    assert "and 1000 that began later" in text


def test_columns_that_say_nothing_are_left_out() -> None:
    """And it is said how to get them."""
    text = printed(request(state=None, state_ns=0, states=None, trace_id=None, client=None))
    assert [
        word for word in ("State", "For", "So far", "Client", "Trace") if word in text.splitlines()[2]
    ] == []
    assert "States are not recorded: serve with --trace-level base" in text
    assert "nothing runs" in printed()


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ms"),
        (999_999_999, "999 ms"),
        (1_000_000_000, "1.0 s"),
        (59_940_000_000, "59.9 s"),
        (125_000_000_000, "2 m 05 s"),
        (3_725_000_000_000, "1 h 02 m"),
    ],
)
def test_durations_are_short(ns: int, text: str) -> None:
    assert duration(ns) == text


# ---- watching --------------------------------------------------------------------------------------------


def interrupted_after(rounds: int) -> Callable[[], None]:
    """What waits for the next look, until somebody presses Ctrl-C."""
    left = iter(range(rounds))

    def wait() -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    return wait


def test_watching_prints_a_line_of_json_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Servers may come later."""
    with pytest.raises(KeyboardInterrupt):
        watch([], as_json=True, wait=interrupted_after(2))
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"servers": []}] * 3


def test_watching_shows_servers_come_and_go(app_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A server that is named and not there yet is waited for."""
    missing = app_dir / "later.sock"
    with pytest.raises(KeyboardInterrupt):
        watch([missing], as_json=False, wait=interrupted_after(1))
    assert "no server answers; waiting for one" in capsys.readouterr().out
    with Serving("shop", "--port", "0", cwd=app_dir) as server, pytest.raises(KeyboardInterrupt):
        watch([], as_json=False, wait=interrupted_after(1))
    assert server.url in capsys.readouterr().out


def test_watching_ends_with_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It looks once a second."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    assert main(["inflight", "--watch", "--json"]) == 130
    assert waits == [1.0]
    capsys.readouterr()
