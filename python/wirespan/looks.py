"""How the six states look in a terminal: one table for all that is printed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """How a state is shown, and what it means where it takes most of the time."""

    color: str
    letter: str
    meaning: str


# The order is that of a request's life; colours and letters are those of the pretty access log.
LOOKS = {
    "queue": Look("red", "q", "a blocked event loop"),
    "read": Look("blue", "r", "a slow sender"),
    "schedule": Look("yellow", "s", "a busy loop or pool"),
    "run": Look("green", "#", "Python itself"),
    "await": Look("cyan", ".", "a database, a service or a thread"),
    "write": Look("magenta", "w", "a slow reader"),
}
