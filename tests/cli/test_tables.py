"""What `wirespan events` and the other small commands print."""

import json

import pytest

from wirespan import _core
from wirespan.cli import main


def test_events_are_the_engines(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, in the order of the table, in each form."""
    names = [name for _, name, _, _ in _core.event_table()]
    assert main(["events"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in names[:14])
    assert main(["events", "--json"]) == 0
    assert [row["event"] for row in json.loads(capsys.readouterr().out)] == names
    assert main(["events", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith(
        "| Event | Level | When exactly |\n| --- | --- | --- |\n| `HTTP_START` |"
    )


def test_options_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """For people and for programs."""
    assert main(["options"]) == 0
    assert "timeout_idle_s" in capsys.readouterr().out
    assert main(["options", "--json"]) == 0
    rows = {row["option"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["timeout_idle_s"]["variable"] == "WIRESPAN_TIMEOUT_IDLE_S"


def test_help_shows_every_group(capsys: pytest.CaptureFixture[str]) -> None:
    """The flags stand under the headings of the option table."""
    assert main(["serve", "--help"]) == 0
    text = capsys.readouterr().out
    headings = ["Address:", "Application:", "Tracing:", "Limits:", "Time-outs:", "Responses:", "Help:"]
    assert [line for line in text.splitlines() if line in headings] == headings


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--version"], 0, f"wirespan {_core.__version__}"),
        ([], 2, "Usage: wirespan"),
        (["sreve"], 2, "Did you mean 'serve'?"),
        (["demo", "--seconds", "x"], 2, "'x' is not a valid number"),
    ],
)
def test_exit_codes(words: list[str], code: int, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """2 for what the user got wrong."""
    assert main(words) == code
    said = capsys.readouterr()
    assert text in said.out + said.err
