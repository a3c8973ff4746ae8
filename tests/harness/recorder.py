"""A Python tracer that keeps every exchange it saw and lets a test wait for the next one."""

import contextvars
import threading

from harness.client import DEADLINE_S
from wirespan._core import Exchange, Stats, event_table, state_names


class Recorder:
    """Counts starts, keeps finished exchanges in order."""

    def __init__(self) -> None:
        self.started: list[Exchange] = []
        self.finished: list[Exchange] = []
        self._changed = threading.Condition()

    def start(self, context: contextvars.Context, request: Exchange) -> contextvars.Context:
        with self._changed:
            self.started.append(request)
            self._changed.notify_all()
        return context

    def finish(self, context: contextvars.Context, request: Exchange) -> None:
        with self._changed:
            self.finished.append(request)
            self._changed.notify_all()

    def wait_started(self, count: int = 1) -> list[Exchange]:
        """Waits until `count` exchanges have begun."""
        with self._changed:
            done = self._changed.wait_for(lambda: len(self.started) >= count, DEADLINE_S)
            assert done, f"{len(self.started)} of {count} exchanges began"
            return list(self.started)

    def wait(self, count: int = 1) -> list[Stats]:
        """Waits until `count` exchanges are finished and returns their records."""
        with self._changed:
            done = self._changed.wait_for(lambda: len(self.finished) >= count, DEADLINE_S)
            assert done, f"{len(self.finished)} of {count} exchanges finished"
            return [exchange.stats for exchange in self.finished]

    def one(self) -> Stats:
        """The record of the only exchange."""
        records = self.wait(1)
        assert len(records) == 1
        return records[0]


NUMBERS = {name: number for number, name, _, _ in event_table()}
"""Event numbers by name."""


def times(stats: Stats) -> dict[str, int]:
    """The recorded events in order, with their times."""
    return {event.name: event.time_ns for event in stats.events()}


def states_ms(stats: Stats) -> dict[str, float]:
    """The six states in milliseconds, after checking that they sum to the whole to the nanosecond."""
    states, at = stats.states(), times(stats)
    assert list(states) == state_names()
    assert sum(states.values()) == stats.total_ns()
    assert stats.total_ns() == at["HTTP_FINISH"] - at.get("RECEIVED", at["HTTP_START"])
    return {name: ns / 1e6 for name, ns in states.items()}
