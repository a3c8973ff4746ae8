"""The demo's footer: it stays below what scrolls, and leaves the terminal as it was."""

import fcntl
import io
import os
import pty
import signal
import struct
import termios
from collections.abc import Iterator
from typing import TextIO

import pytest
from rich.console import Console
from rich.text import Text

from wirespan.demo.footer import LEAST_LINES, footer, painted, text_of

TEXT = Text("the page http://127.0.0.1:4318")
MARK = b"\x00"
END = "\x1b7\x1b[r\x1b8\x1b[J"


class Terminal:
    """A pseudo-terminal: what is written to it, and its size."""

    def __init__(self, file: TextIO, primary: int) -> None:
        self.console = Console(file=file, force_terminal=True, color_system="standard")
        self._file = file
        self._primary = primary

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def shown(self) -> str:
        """What was written until now: the kernel passes it on later, and in order, so that a mark ends it."""
        os.write(self._file.fileno(), MARK)
        found = b""
        while not found.endswith(MARK):
            found += os.read(self._primary, 65_536)
        return found.removesuffix(MARK).decode()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    primary, secondary = pty.openpty()
    with os.fdopen(secondary, "w") as file:
        opened = Terminal(file, primary)
        opened.resize(24, 60)
        yield opened
    os.close(primary)


def test_lines_scroll_above_it_and_the_whole_screen_scrolls_in_the_end(terminal: Terminal) -> None:
    with footer(terminal.console, TEXT):
        during = terminal.shown()
        assert "\x1b[1;22r" in during
        assert f"\x1b[24;1H{TEXT}" in during
        assert "─" * 60 in during
        assert during.endswith("\x1b8")  # the cursor is where it was
    assert terminal.shown() == END


def test_a_new_size_gets_a_new_footer(terminal: Terminal) -> None:
    with footer(terminal.console, TEXT):
        terminal.shown()
        terminal.resize(30, 20)
        os.kill(os.getpid(), signal.SIGWINCH)
        again = terminal.shown()
        assert "\x1b[1;28r" in again
        assert "\x1b[30;1Hthe page http://127…" in again
    assert signal.getsignal(signal.SIGWINCH) is signal.SIG_DFL


def test_it_goes_when_the_demo_fails(terminal: Terminal) -> None:
    with pytest.raises(ZeroDivisionError), footer(terminal.console, TEXT):
        raise ZeroDivisionError
    assert terminal.shown().endswith(END)


def test_low_and_dumb_terminals_and_files_have_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.StringIO()
    with footer(Console(file=file), TEXT):
        assert file.getvalue() == ""
    terminal.resize(LEAST_LINES - 1, 80)
    with footer(terminal.console, TEXT):
        assert terminal.shown() == ""
    terminal.resize(LEAST_LINES, 80)
    monkeypatch.setenv("TERM", "dumb")
    with footer(terminal.console, TEXT):
        assert terminal.shown() == ""


def test_it_is_one_write_with_colours(terminal: Terminal) -> None:
    line = text_of(terminal.console, Text("x", style="bold cyan"), 80)
    assert line == "\x1b[1;36mx\x1b[0m"
    assert painted(line, 3, 10).decode().count("───") == 1
