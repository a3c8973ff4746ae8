"""Requests as a list. See `answers`."""

from wirespan.viewer.answers.base import Answer, States


class Request(Answer):
    """One request: a span that serves, consumes, or has no parent."""

    seq: int
    trace_id: str
    span_id: str
    start_us: int
    duration_ns: int
    service: str
    name: str
    kind: str
    method: str | None
    route: str | None
    path: str | None
    status: int | None
    error: bool
    error_type: str | None
    end_reason: str | None
    states: States | None


class Requests(Answer):
    """Newest first. `next` is the value of `before` that continues the list, null at its end.

    With `attr` or `text` an answer comes after a quarter of a second at most, with what was found until then:
    fewer than `limit`, perhaps none. Only `next` tells whether that is all.
    """

    requests: list[Request]
    next: int | None
