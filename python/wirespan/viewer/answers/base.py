"""What all answers are made of. See `answers`."""

from typing import Literal

import msgspec

State = Literal["queue", "read", "schedule", "run", "await", "write"]


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """Base: a field that is not listed is a mistake."""


class States(Answer):
    """Nanoseconds in each of the six states of a request."""

    queue: int
    read: int
    schedule: int
    run: int
    await_: int = msgspec.field(name="await")
    write: int


class ErrorBody(Answer):
    """What is wrong, and with which parameter if it is one."""

    message: str
    parameter: str | None


class Error(Answer):
    """The body of every 4xx and 5xx reply."""

    error: ErrorBody
