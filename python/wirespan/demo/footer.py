"""A line at the bottom of the terminal that stays while other lines scroll above it.

The terminal's scroll region ends above the footer, so whatever writes lines, also a thread of the engine that
knows nothing of this, scrolls in the region alone. A terminal that changes its size forgets its region; the
footer is painted again then. Everything is one `write`, which a terminal does not mix with others.

Source: ECMA-48 and DEC STD 070: DECSTBM (scroll region), DECSC and DECRC (cursor saved and restored).
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Final

from rich.console import Console
from rich.text import Text

HEIGHT: Final = 2
"""A rule and the line."""
LEAST_LINES: Final = 10
"""In a lower terminal the lines above need all of it."""


@contextlib.contextmanager
def footer(console: Console, text: Text) -> Iterator[None]:
    """The text at the bottom for the length of the block; nothing without a terminal, or in a very low one.

    Args:
        console: where; used on the main thread, which gets the signals.
        text: one line, cut where the terminal is narrower.
    """
    is_able = console.is_terminal and not console.is_dumb_terminal
    if not is_able or os.get_terminal_size(console.file.fileno()).lines < LEAST_LINES:
        yield
        return
    file = console.file.fileno()

    def paint(_number: int = 0, _frame: FrameType | None = None) -> None:
        size = os.get_terminal_size(file)
        os.write(file, painted(text_of(console, text, size.columns), size.columns, size.lines))

    console.file.flush()
    before = signal.signal(signal.SIGWINCH, paint)
    paint()
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
        # The whole screen scrolls again, and below the cursor is nothing.
        os.write(file, b"\x1b7\x1b[r\x1b8\x1b[J")


def text_of(console: Console, text: Text, columns: int) -> str:
    """The line with its colours, as wide as the terminal at most."""
    short = text.copy()
    short.truncate(columns, overflow="ellipsis")
    with console.capture() as captured:
        console.print(short, end="", soft_wrap=True)
    return captured.get()


def painted(line: str, columns: int, lines: int) -> bytes:
    """What makes the footer, and leaves the cursor where it was, or above the footer.

    Args:
        line: with its colours.
        columns: of the terminal.
        lines: of the terminal.
    """
    region = lines - HEIGHT
    # A region sends the cursor home, so it is saved. What the last lines hold moves up first.
    room = "\x1b7\x1b[r\x1b8" + "\n" * HEIGHT + f"\x1b[{HEIGHT}A\x1b7"
    rule = f"\x1b[{region + 1};1H\x1b[J\x1b[2m{'─' * columns}\x1b[0m"
    return f"{room}{rule}\x1b[{lines};1H{line}\x1b[1;{region}r\x1b8".encode()
