"""`wirespan demo`: it shows every state, and it ends cleanly."""

import signal
import subprocess
import sys

import pytest

from cli.commands import DEADLINE_S, run
from wirespan.demo.show import run_demo
from wirespan.loading import StartError


def test_demo_shows_where_the_time_went() -> None:
    """Each kind of request is dominated by the state that it was made for."""
    ended = run("demo", "--seconds", "4")
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
        [sys.executable, "-m", "wirespan", "demo", "--seconds", "0"],
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


def test_demo_without_traffic_has_no_summary(capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever stops it at once sees no empty table."""
    run_demo(0.0001)
    assert "slowest first" not in capfd.readouterr().out


def test_demo_without_fastapi_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only command that needs more than wirespan itself."""
    monkeypatch.delitem(sys.modules, "wirespan.demo.shop", raising=False)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(StartError, match=r"fastapi is missing: pip install 'wirespan\[demo\]'"):
        run_demo(1)
