"""`wirespan demo`: it shows every state, and it ends cleanly."""

import importlib.util
import io
import json
import signal
import subprocess
import sys
import threading
import urllib.request
from typing import Any

import pytest

from cli.commands import run
from harness import DEADLINE_S
from wirespan import demo
from wirespan.cli import main
from wirespan.demo import show
from wirespan.demo.show import run_demo
from wirespan.inspection import find_sockets
from wirespan.loading import StartError
from wirespan.viewer import beside


def test_demo_shows_where_the_time_went() -> None:
    """Each kind of request is dominated by the state that it was made for."""
    ended = run("demo", "--no-view", "--seconds", "4")
    assert ended.returncode == 0
    assert ended.stderr == ""
    summary = {
        line.split("  ")[0]: line for line in ended.stdout.splitlines() if "%" in line and line[:1].isalpha()
    }
    dominant = {"/export": "write", "/photos": "read", "/report": "run", "/search": "await"}
    for route, state in dominant.items():
        (line,) = [line for key, line in summary.items() if key.endswith(route)]
        assert f" {state} " in line, line
    assert "it waited" in ended.stdout
    assert "client_disconnected" in ended.stdout


def test_demo_ends_with_ctrl_c() -> None:
    """With the summary, at once, and without a traceback."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wirespan", "demo", "--no-view", "--seconds", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "GET" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err) == (0, "")
    assert "Your own app:" in out


def test_demo_is_seen_by_inflight() -> None:
    """Its two servers are of one process, and each has a socket."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wirespan", "demo", "--no-view", "--seconds", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "GET" not in process.stdout.readline():
        pass
    names = {path.name for path in find_sockets()}
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_S)
    assert {f"{process.pid}.sock", f"{process.pid}-2.sock"} <= names


def test_demo_without_traffic_has_no_summary(capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever stops it at once sees no empty table."""
    run_demo(0.0001, view=False)
    assert "slowest first" not in capfd.readouterr().out


def test_demo_without_fastapi_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only command that needs more than wirespan itself."""
    monkeypatch.delitem(sys.modules, "wirespan.demo.shop", raising=False)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(StartError, match=r"fastapi is missing: pip install 'wirespan\[demo\]'"):
        run_demo(1)


def test_demo_opens_with_a_page_that_shows_both_services(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two services as one trace; the page is in a process of its own and ends with the demo."""
    monkeypatch.setattr(beside, "PORT", 0)
    found: list[dict[str, Any]] = []

    def look(*_: object) -> None:
        """In the place of the words of introduction: the page is there, and before them."""
        url = capfd.readouterr().out.split()[-1]
        threading.Thread(target=collect, args=(url, found), daemon=True).start()

    monkeypatch.setattr(show, "_introduce", look)
    run_demo(4)
    out, err = capfd.readouterr()
    assert err == ""
    assert "Where the time went" in out
    (page,) = found[:1]
    assert {span["service"] for span in page["spans"]} == {"front", "shop"}
    assert page["spans"][0]["timeline"]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(found[1]["url"])


def collect(url: str, found: list[dict[str, Any]]) -> None:
    """The first trace of the page route that has both services."""
    with urllib.request.urlopen(
        f"{url}/api/requests/stream?after=0&service=front", timeout=DEADLINE_S
    ) as stream:
        for line in stream:
            requests = json.loads(line[6:]).get("requests", []) if line.startswith(b"data: ") else []
            for request in requests:
                with urllib.request.urlopen(f"{url}/api/traces/{request['trace_id']}") as reply:
                    trace = json.load(reply)
                if len(trace["services"]) > 1 and trace["spans"][0]["service"] == "front":
                    found += [trace, {"url": url}]
                    return


def test_demo_without_duckdb_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It goes on without the page."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    run_demo(0.0001)
    assert "No page: the viewer needs duckdb: pip install 'wirespan[view]'" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "terminal", "seconds"),
    [([], True, None), ([], False, 20.0), (["--no-view"], True, 20.0), (["--seconds", "3"], True, 3.0)],
)
def test_how_long_it_runs(
    monkeypatch: pytest.MonkeyPatch, words: list[str], terminal: bool, seconds: float | None
) -> None:
    """A page does not go away while somebody looks at it."""
    seen: list[float | None] = []

    def remember(given: float | None, *, view: bool, view_port: int | None) -> None:
        seen.append(given)

    monkeypatch.setattr(demo, "run_demo", remember)
    monkeypatch.setattr("wirespan.cli.sys.stdout", Terminal() if terminal else io.StringIO())
    assert main(["demo", *words]) == 0
    assert seen == [seconds]


class Terminal(io.StringIO):
    """Says that a person watches."""

    def isatty(self) -> bool:
        return True
