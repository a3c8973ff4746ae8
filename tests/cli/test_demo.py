"""`wirespan demo`: it shows every state, and it ends cleanly."""

import signal
import subprocess
import sys

from cli.commands import DEADLINE_S, run


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
        assert "…" not in line
    assert "q queue  r read  s schedule  # run  . await  w write" in ended.stdout
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
