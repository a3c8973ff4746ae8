"""`wirespan view`, `serve --view` and the demo: they start, find each other and end together."""

import contextlib
import json
import os
import queue
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.commands import Serving, get, run
from harness import DEADLINE_S
from viewer.running import running
from wirespan.config import Config
from wirespan.errors import ConfigError
from wirespan.loading import StartError
from wirespan.viewer import beside, process
from wirespan.viewer.beside import viewer_beside
from wirespan.viewer.process import MEMORY, Settings, address, default_db

APP = "from wirespan import App\napp = App()\n@app.get('/hello')\nasync def hello(ctx):\n    ctx.text('hi')\n"


def ask(url: str, path: str) -> Any:
    with urllib.request.urlopen(f"{url}{path}", timeout=DEADLINE_S) as reply:
        return json.load(reply)


@contextlib.contextmanager
def viewing(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "wirespan", "view", *words]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as child:  # type: ignore[call-overload]
        try:
            yield child
        finally:
            child.kill()


def first_line(child: subprocess.Popen[str]) -> str:
    assert child.stderr is not None
    return child.stderr.readline()


def is_gone(url: str) -> bool:
    with contextlib.suppress(OSError):
        ask(url, "/api/status")
        return False
    return True


class TestView:
    def test_says_where_it_is_and_ends_on_a_signal(self, tmp_path: Path) -> None:
        with viewing(
            "--db", str(tmp_path / "x.duckdb"), "--port", "0", "--max-size", "1GB", "--max-age", "2d"
        ) as child:
            line = first_line(child)
            url = re.search(r"viewer on (http://127\.0\.0\.1:\d+)\n", line)
            assert url, line
            assert ask(url[1], "/api/status")["token_required"] is False
            assert child.stderr is not None
            assert f"stored in {tmp_path / 'x.duckdb'}" in child.stderr.readline()
            child.send_signal(signal.SIGTERM)
            out, err = child.communicate(timeout=DEADLINE_S)
            assert (child.returncode, out, err) == (0, "", "")
        assert (tmp_path / "x.duckdb").exists()

    def test_a_stream_does_not_hold_it_up(self) -> None:
        with viewing("--db", ":memory:", "--port", "0") as child:
            url = first_line(child).split()[-1]
            with urllib.request.urlopen(f"{url}/api/requests/stream", timeout=DEADLINE_S) as stream:
                stream.readline()
                child.send_signal(signal.SIGINT)
                _, err = child.communicate(timeout=DEADLINE_S)
            assert child.returncode == 0
            assert "waiting" not in err

    def test_elsewhere_it_demands_a_token_that_it_prints(self) -> None:
        with viewing("--db", ":memory:", "--port", "0", "--host", "0.0.0.0") as child:
            line = first_line(child)
            found = re.search(r"viewer on http://(\S+):(\d+)/\?token=(\S+)\n", line)
            assert found, line
            assert found[1] == socket.gethostname()
            url = f"http://127.0.0.1:{found[2]}"
            with pytest.raises(urllib.error.HTTPError, match="401"):
                ask(url, "/api/status")
            request = urllib.request.Request(
                f"{url}/api/status", headers={"authorization": f"Bearer {found[3]}"}
            )
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as reply:
                assert json.load(reply)["token_required"] is True
            child.terminate()

    def test_beside_it_ends_with_its_standard_input(self) -> None:
        with viewing("--beside", "--db", ":memory:", "--port", "0") as child:
            assert child.stdout is not None
            url = child.stdout.readline().strip()
            assert ask(url, "/api/status")["spans"] == 0
            assert child.stdin is not None
            child.stdin.close()
            assert child.wait(DEADLINE_S) == 0

    def test_what_cannot_be_opened_is_one_line(self, tmp_path: Path) -> None:
        with viewing("--db", str(tmp_path / "no" / "x.duckdb"), "--port", "0") as child:
            assert re.match(r"wirespan: cannot open .*no directory", first_line(child))
            assert child.wait(DEADLINE_S) == 1


def test_in_this_process(tmp_path: Path) -> None:
    """The same without a process of its own, stopped by a signal to this one."""
    seen: list[str] = []

    def ready(url: str) -> None:
        seen.append(url)
        os.kill(os.getpid(), signal.SIGTERM)

    process.run_viewer(Settings(str(tmp_path / "x.duckdb"), port=0), ready)
    process.run_viewer(Settings(MEMORY, port=0, token="t"), ready)
    assert seen[1].endswith("/?token=t")


def test_addresses_that_somebody_can_open() -> None:
    name = socket.gethostname()
    assert address("http://[::]:1", "") == f"http://{name}:1"
    assert address("http://127.0.0.1:1", "a b") == "http://127.0.0.1:1/?token=a+b"
    assert Settings(MEMORY).demanded_token == ""
    assert len(Settings(MEMORY, host="::").demanded_token) >= 32


def test_the_file_of_who_says_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_db() == tmp_path / "data" / "wirespan" / "viewer.duckdb"
    assert stat.S_IMODE((tmp_path / "data" / "wirespan").stat().st_mode) == 0o700
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_db() == tmp_path / ".local" / "share" / "wirespan" / "viewer.duckdb"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(StartError, match="say where with --db"):
        default_db()


class TestBeside:
    def test_a_viewer_for_a_block(self) -> None:
        with viewer_beside("--db=:memory:", port=0) as url:
            assert ask(url, "/api/status")["spans"] == 0
        assert is_gone(url)

    def test_one_that_runs_is_used_and_stays(self, capsys: pytest.CaptureFixture[str]) -> None:
        with running() as run:
            port = int(run.url.rpartition(":")[2])
            with viewer_beside(port=port) as url:
                assert url == run.url
            assert run.get("/api/status")["spans"] == 0
        assert "runs there already" in capsys.readouterr().err

    def test_one_that_runs_is_left_alone_by_who_does_not_share(self) -> None:
        with running() as run:
            port = int(run.url.rpartition(":")[2])
            with viewer_beside("--db=:memory:", port=port, shared=False) as url:
                assert url != run.url

    @pytest.mark.parametrize("kind", ["silent", "guarded"])
    def test_beside_a_stranger_it_takes_another_port(
        self, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A Collector has the port, say: what is sent to it is not ours, and that is said."""
        monkeypatch.setattr(beside, "LOOK_S", 0.3)
        with contextlib.ExitStack() as stack:
            if kind == "guarded":
                run = stack.enter_context(running(token="t"))
                port = int(run.url.rpartition(":")[2])
            else:
                stranger = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                port = stranger.getsockname()[1]
            url = stack.enter_context(viewer_beside("--db=:memory:", port=port))
            assert not url.endswith(f":{port}")
        assert f"wirespan: port {port} has another program" in capsys.readouterr().err

    def test_one_that_does_not_start_is_said(self, capfd: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(StartError, match="the viewer did not start"), viewer_beside("--db=/no/x", port=0):
            pass
        assert "cannot open /no/x" in capfd.readouterr().err

    def test_one_that_fails_does_not_take_the_application_along(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said: queue.Queue[str] = queue.Queue()
        monkeypatch.setattr(beside, "say", said.put)
        with viewer_beside("--db=:memory:", port=0):
            kill_children()
            line = said.get(timeout=DEADLINE_S)
        assert line == "the viewer ended (exit code -9); the server goes on without it"

    def test_one_that_does_not_listen_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(beside, "PATIENCE_S", 0.0)
        with viewer_beside("--db=:memory:", port=0) as url:
            pass
        assert is_gone(url)


def kill_children() -> None:
    """Kills the processes that this one has started."""
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended since
            for number in (task / "children").read_text().split():
                os.kill(int(number), signal.SIGKILL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An application, and a home for the viewer's file."""
    (tmp_path / "app.py").write_text(APP)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def wait_for_span(url: str) -> dict[str, Any]:
    """The newest request, as soon as there is one; the stream says when."""
    with urllib.request.urlopen(f"{url}/api/requests/stream?after=0", timeout=DEADLINE_S) as stream:
        for line in stream:
            if line.startswith(b"data: ") and b'"requests":[{"seq"' in line:
                return dict(json.loads(line[6:])["requests"][0])
    raise AssertionError("the stream ended")


class TestServe:
    @pytest.mark.parametrize("more", [[], ["--reload"]])
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_both_start_and_both_end(self, folder: Path, more: list[str], number: signal.Signals) -> None:
        with Serving("app", "--view", "--view-port", "0", "--port", "0", *more, cwd=folder) as server:
            page = server.url  # the first line is the viewer's
            url = server.wait_for(r" on (http://127\.0\.0\.1:\d+)$")
            assert get(int(url.rpartition(":")[2]), "/hello") == b"hi"
            request = wait_for_span(page)
            assert (request["path"], request["status"]) == ("/hello", 200)
            assert request["states"]["run"] > 0
            spans = ask(page, f"/api/traces/{request['trace_id']}")["spans"]
            assert spans[0]["timeline"]
            server.signal(number)
            assert server.end()[0] == 0
        assert is_gone(page)

    def test_the_service_is_called_after_the_module(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Unless somebody said how: `unknown_service:python` tells nobody anything."""

        def named(app: object, **options: Any) -> str:
            config = Config(view=True, view_port=0, view_db=MEMORY, **options)
            with beside.with_viewer(config, app) as pointed:
                return pointed.service_name

        assert named("shop.main:app") == "shop"
        assert named("app") == "app"
        assert named(object()) == ""
        assert named("shop:app", service_name="x") == "x"
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=y")
        assert named("shop:app") == ""
        monkeypatch.setenv("OTEL_SERVICE_NAME", "z")
        assert named("shop:app") == ""

    @pytest.mark.parametrize(
        ("attributes", "name"),
        [
            ("team=a, service.name = y ", ""),
            ("my.service.name=y", "shop"),
            ("team=service.name=y", "shop"),
            ("service.name=", "shop"),
            ("service.name=y,wrong", "shop"),
            ("service.name=y,=wrong", "shop"),
            (",", "shop"),
        ],
    )
    def test_resource_attributes_are_read_as_the_exporter_reads_them(
        self, monkeypatch: pytest.MonkeyPatch, attributes: str, name: str
    ) -> None:
        monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", attributes)
        assert beside._service_of("shop.main:app") == name

    def test_a_second_server_uses_the_viewer_of_the_first(self, folder: Path) -> None:
        flags = ["app", "--view", "--port", "0", "--view-db", str(folder / "own.duckdb")]
        with Serving(*flags, "--view-port", "0", cwd=folder) as first:
            page = first.url
            first.wait_for(r" on (http://127\.0\.0\.1:\d+)$")
            with Serving(*flags, "--view-port", page.rpartition(":")[2], cwd=folder) as second:
                assert second.url == page
                url = second.wait_for(r" on (http://127\.0\.0\.1:\d+)$")
                assert get(int(url.rpartition(":")[2]), "/hello") == b"hi"
                assert wait_for_span(page)["path"] == "/hello"
                second.signal(signal.SIGTERM)
                assert second.end()[0] == 0
            assert ask(page, "/api/status")["requests"] == 1
            first.signal(signal.SIGTERM)
            assert first.end()[0] == 0
        assert is_gone(page)
        assert (folder / "own.duckdb").exists()
        assert not (folder / "data").exists()

    def test_a_file_that_another_viewer_has_is_said(self, folder: Path) -> None:
        with viewing("--db", str(folder / "x.duckdb"), "--port", "0") as child:
            first_line(child)
            ended = run("serve", "app", "--view", "--view-port", "0", "--view-db", "x.duckdb", cwd=folder)
            child.terminate()
        assert ended.returncode == 1
        assert "x.duckdb is in use by another process" in ended.stderr
        assert ended.stderr.endswith("wirespan: the viewer did not start; the server does without --view\n")

    def test_the_last_requests_arrive_before_the_viewer_ends(self, folder: Path) -> None:
        with Serving("app", "--view", "--view-port", "0", "--port", "0", cwd=folder) as server:
            url = server.wait_for(r" on (http://127\.0\.0\.1:\d+)$")
            get(int(url.rpartition(":")[2]), "/hello")
            server.signal(signal.SIGTERM)
            assert server.end()[0] == 0
        command = ["--db", str(folder / "data" / "wirespan" / "viewer.duckdb"), "--port", "0"]
        with viewing(*command) as child:
            assert ask(first_line(child).split()[-1], "/api/status")["requests"] == 1
            child.terminate()

    def test_view_and_otlp_exclude_each_other(self) -> None:
        with pytest.raises(ConfigError, match="view and otlp exclude each other"):
            Config(view=True, otlp="http://localhost:4318")
