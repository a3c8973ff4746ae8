"""The trace of one HTTP exchange: events, levels, and the API that tracers use.

Follows CloudWeGo Hertz `pkg/common/tracer`. The table of events lives in `core/src/trace/event.rs`; the
constants here are made from it when the module is loaded, and a test holds their declarations to it.
"""

import contextvars
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, Protocol, runtime_checkable

from wirespan import _core

if TYPE_CHECKING:
    from wirespan.context import RequestContext


class Level(IntEnum):
    """How much is recorded. An event whose level is above the record's level is not recorded."""

    DISABLED = 0
    """Nothing is recorded and no clock is read."""
    BASE = 1
    """Start, finish, sizes and the six states."""
    DETAILED = 2
    """Every event."""


class Status(IntEnum):
    """Whether what an event stands for went well."""

    INFO = 0
    """As expected."""
    WARN = 1
    """Odd, but the exchange went on."""
    ERROR = 2
    """It failed."""


class Event(int):
    """A point in time of an exchange. The numbers of built-in events are rows of the event table.

    Attributes:
        name: As in the table, or as given to `define_event`.
        level: The lowest level that records it.
        when: The exact moment, in words.
    """

    HTTP_START: ClassVar["Event"]
    READ_HEADER_START: ClassVar["Event"]
    READ_HEADER_FINISH: ClassVar["Event"]
    READ_BODY_START: ClassVar["Event"]
    READ_BODY_FINISH: ClassVar["Event"]
    SERVER_HANDLE_START: ClassVar["Event"]
    SERVER_HANDLE_FINISH: ClassVar["Event"]
    WRITE_START: ClassVar["Event"]
    WRITE_FINISH: ClassVar["Event"]
    HTTP_FINISH: ClassVar["Event"]
    RECEIVED: ClassVar["Event"]
    DISPATCHED: ClassVar["Event"]
    ROUTE_MATCHED: ClassVar["Event"]
    RESPONSE_START: ClassVar["Event"]

    name: str
    level: Level
    when: str

    def __repr__(self) -> str:
        return f"<Event {self.name}>"


_events: Final[dict[int, Event]] = {}


def _add_event(number: int, name: str, level: int, when: str) -> Event:
    event = Event(number)
    event.name, event.level, event.when = name, Level(level), when
    _events[number] = event
    return event


for _row in _core.event_table():
    setattr(Event, _row[1], _add_event(*_row))


def define_event(name: str, level: Level = Level.DETAILED) -> Event:
    """A new event for the whole process, to be given to `HTTPStats.record`.

    Args:
        name: How sinks and tracers call it, for example `cache_miss`.
        level: The lowest level that records it.

    Raises:
        ValueError: The name is empty or taken; the message says by which event.
    """
    if not name:
        raise ValueError("an event needs a name")
    return _add_event(_core.define_event(name, int(level)), name, level, "defined by the application")


# Pairs whose order never changes. Others may happen either way round: a streamed response is on its way while
# the handler still runs.
_ALWAYS_FIRST: Final = (Event.RECEIVED, Event.HTTP_START)
_FINISH_OF: Final = {
    Event.READ_HEADER_START: Event.READ_HEADER_FINISH,
    Event.READ_BODY_START: Event.READ_BODY_FINISH,
    Event.SERVER_HANDLE_START: Event.SERVER_HANDLE_FINISH,
    Event.WRITE_START: Event.WRITE_FINISH,
}


def _is_reversed(start: Event, finish: Event) -> bool:
    if start == finish:
        return False
    if finish in _ALWAYS_FIRST:
        return finish == Event.RECEIVED or start != Event.RECEIVED
    return start == Event.HTTP_FINISH or _FINISH_OF.get(finish) == start


class RecordedEvent:
    """One event of one exchange. Recorded more than once, it keeps the first time and counts."""

    __slots__ = ("_recorded",)

    def __init__(self, recorded: _core.Recorded) -> None:
        self._recorded = recorded

    @property
    def event(self) -> Event:
        """Which event."""
        return _events[self._recorded.number]

    @property
    def name(self) -> str:
        """Name of the event."""
        return self._recorded.name

    @property
    def status(self) -> Status:
        """Whether it went well, the first time."""
        return Status(self._recorded.status)

    @property
    def info(self) -> str:
        """Text given with it, the first time; often empty."""
        return self._recorded.info

    @property
    def count(self) -> int:
        """How often it was recorded."""
        return self._recorded.count

    @property
    def time_ns(self) -> int:
        """When, in nanoseconds of the monotonic clock."""
        return self._recorded.time_ns

    @property
    def time(self) -> datetime:
        """When, on the wall clock, with a time zone."""
        return self._recorded.time

    def __repr__(self) -> str:
        return f"<RecordedEvent {self.name} at {self.time_ns} ns>"


class ConnectionFacts(NamedTuple):
    """What is known of the connection that carried the request; never part of the request's time."""

    request_number: int
    """1 for the first request."""
    idle_ns: int
    """Nanoseconds from the end of the previous response, or accept, to this request's first byte."""
    age_ns: int
    """Nanoseconds from accept to this request's first byte."""


class HTTPStats:
    """What is known of one exchange. A view of the engine's record: reading is always up to date."""

    __slots__ = ("_stats",)

    def __init__(self, stats: _core.Stats) -> None:
        self._stats = stats

    def record(self, event: Event, status: Status = Status.INFO, info: str = "") -> bool:
        """Records an event now.

        Returns:
            False when the record's level is too low for it.
        """
        return self._stats.record(event, status, info)

    def get_event(self, event: Event) -> RecordedEvent | None:
        """The event as recorded, or None."""
        recorded = self._stats.get_event(event)
        return None if recorded is None else RecordedEvent(recorded)

    def events(self) -> list[RecordedEvent]:
        """All recorded events in order of time."""
        return [RecordedEvent(recorded) for recorded in self._stats.events()]

    def elapsed_ns(self, start: Event, finish: Event) -> int | None:
        """Time between two events of this exchange.

        Returns:
            Nanoseconds on the monotonic clock, >= 0. None when it is unknown: one of the two is missing (the
            level was too low, or the exchange ended before it), or they happened the other way round.

        Raises:
            ValueError: `start` can only come after `finish`.

        Source: Hertz internal/stats/stats_util.go, which returns 0 here; we keep "unknown" apart from
        "instant".
        """
        if _is_reversed(start, finish):
            raise ValueError(f"{start.name} always comes after {finish.name}: swap the two")
        first, last = self._stats.get_event(start), self._stats.get_event(finish)
        if first is None or last is None or last.time_ns < first.time_ns:
            return None
        return last.time_ns - first.time_ns

    def states(self) -> Mapping[str, int]:
        """Nanoseconds in each of the six states: queue, read, schedule, run, await, write.

        Once the exchange is over they sum exactly to `total_ns`.
        """
        return self._stats.states()

    def timeline(self) -> list[tuple[str, int]]:
        """The states in order of time, each with its nanoseconds; the one it is in now is not among them yet.

        Empty unless somebody asked before the request began: `OpenTelemetry(timeline=True)`, or a tracer with
        a true attribute `wants_timeline`. At most 64; where there were more, the sums fall short of
        `states()`.
        """
        return self._stats.timeline()

    def total_ns(self) -> int:
        """Nanoseconds from `RECEIVED` (else `HTTP_START`) to `HTTP_FINISH`; 0 before the end."""
        return self._stats.total_ns()

    @property
    def level(self) -> Level:
        """How much is recorded; may be set for this request alone."""
        return Level(self._stats.level)

    @level.setter
    def level(self, level: Level) -> None:
        self._stats.level = int(level)

    @property
    def recv_size(self) -> int:
        """Bytes of the request on the wire, chunk framing included."""
        return self._stats.recv_size

    @property
    def send_size(self) -> int:
        """Bytes of the response that the kernel accepted, chunk framing included."""
        return self._stats.send_size

    @property
    def recv_body_size(self) -> int:
        """Decoded bytes of the request body."""
        return self._stats.recv_body_size

    @property
    def send_body_size(self) -> int:
        """Bytes of the response body before chunk framing."""
        return self._stats.send_body_size

    @property
    def status_code(self) -> int | None:
        """Status code that was sent; None when there was none. Never faked."""
        return self._stats.status_code

    @property
    def end_reason(self) -> str | None:
        """How the exchange ended, for example `completed` or `client_disconnected`; None while it runs."""
        return self._stats.end_reason

    @property
    def error(self) -> BaseException | None:
        """What went wrong."""
        return self._stats.error

    def panicked(self) -> BaseException | None:
        """The exception that no error handler dealt with."""
        return self._stats.panicked()

    @property
    def background_ns(self) -> int:
        """Nanoseconds that the handler ran on after the response was complete; outside the six states."""
        return self._stats.background_ns

    @property
    def route(self) -> str | None:
        """Template of the matched route, for example `/users/{id:int}`; None without a match."""
        return self._stats.route

    @property
    def connection(self) -> ConnectionFacts:
        """Facts about the connection."""
        return ConnectionFacts(*self._stats.connection)


class TraceInfo:
    """What a request knows about its own trace."""

    __slots__ = ("_exchange", "stats")

    def __init__(self, stats: HTTPStats, exchange: _core.Exchange) -> None:
        self.stats = stats
        """The record of this exchange."""
        self._exchange = exchange

    @property
    def trace_id(self) -> str | None:
        """32 hexadecimal digits; None without the tracer `OpenTelemetry`, and before the head is parsed."""
        context = self._exchange.trace_context
        return None if context is None else context[0]

    @property
    def span_id(self) -> str | None:
        """16 hexadecimal digits; None where `trace_id` is."""
        context = self._exchange.trace_context
        return None if context is None else context[1]


@runtime_checkable
class Tracer(Protocol):
    """Sees the start and the end of every exchange.

    All tracers' `start` run in order of registration, their `finish` in reverse order. `finish` is called
    exactly once for each `start` that returned, however the exchange ends. A tracer that raises is logged
    once and skipped for the rest of that request; neither the response nor other tracers notice.
    """

    def start(self, context: contextvars.Context, request: "RequestContext") -> contextvars.Context:
        """The first byte is here and nothing is parsed: `request` has empty values.

        Returns:
            The context to use from here on: the one given, or a copy that was changed with `copy.run`. The
            handlers run in a copy of it.
        """

    def finish(self, context: contextvars.Context, request: "RequestContext") -> None:
        """The last byte left, or the exchange ended otherwise.

        `context` is what `start`, or `head`, returned.
        """


@runtime_checkable
class HeadTracer(Tracer, Protocol):
    """A tracer that also wants to see the request before its handler starts."""

    def head(self, context: contextvars.Context, request: "RequestContext") -> contextvars.Context:
        """The head is parsed. Not called for requests that have no handler: those that cannot be parsed.

        Returns:
            The context to use from here on, as with `start`.
        """
