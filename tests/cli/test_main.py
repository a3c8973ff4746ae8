"""The command line in this process: exit codes, and what a supervisor may have closed."""

import subprocess
import sys

import pytest

from cli.commands import run
from harness import DEADLINE_S
from wirespan.cli import EXIT_INTERRUPTED, main


def test_ctrl_c_has_the_exit_code_of_shells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts tell it from a failure."""

    def interrupt(form: str | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wirespan.cli.print_events", interrupt)
    assert main(["events"]) == EXIT_INTERRUPTED


def test_every_command_has_one_whole_line_in_the_list() -> None:
    """A sentence that is cut off says nothing."""
    listed = run("--help").stdout.partition("Serve:")[2]
    assert "..." not in listed
    assert {line.split()[0] for line in listed.splitlines() if line.startswith("  ")} == set(main.commands)


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors_are_filled(closed: str) -> None:
    """Else the event loop's own descriptors become standard output, and libuv aborts the process."""
    script = (
        "import sys; from wirespan.cli import main; main(['events']); import uvloop; uvloop.new_event_loop()"
    )
    words = f'"$1" -c "$2" {closed}'
    ended = subprocess.run(["sh", "-c", words, "sh", sys.executable, script], timeout=DEADLINE_S, check=False)
    assert ended.returncode == 0
