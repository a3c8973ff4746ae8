"""Levels, and events that applications define themselves."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from harness import HELLO, NUMBERS, Recorder, Server, request, times, wait_for
from wirespan._core import Exchange, define_event, level_table

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
LEVELS = {name: number for number, name in level_table()}
BASE_EVENTS = {"HTTP_START", "HTTP_FINISH", "RECEIVED"}
fresh = (f"test_event_{n}" for n in count())


def serve_one(serve: Serve, recorder: Recorder, handler: Callable[..., object], **config: object) -> None:
    with serve(handler, tracers=[recorder], **config).connect() as client:
        client.send(request())
        client.expect(HELLO)
        recorder.one()


async def plain(exchange: Exchange) -> None:
    exchange.reply(200, "text/plain", b"hello")


def test_names_of_the_levels() -> None:
    assert LEVELS == {"disabled": 0, "base": 1, "detailed": 2}


def test_base_level_keeps_states_and_sizes_only(serve: Serve, recorder: Recorder) -> None:
    serve_one(serve, recorder, plain, trace_level=LEVELS["base"])
    stats = recorder.one()
    assert set(times(stats)) <= BASE_EVENTS
    assert sum(stats.states().values()) == stats.total_ns() > 0
    assert stats.send_size == len(HELLO)


def test_disabled_level_still_calls_tracers(serve: Serve, recorder: Recorder) -> None:
    serve_one(serve, recorder, plain, trace_level=LEVELS["disabled"])
    stats = recorder.one()
    assert stats.events() == []
    assert stats.total_ns() == 0
    assert stats.end_reason == "completed"


def test_level_can_change_for_one_request(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.stats.level = LEVELS["base"]
        await plain(exchange)

    serve_one(serve, recorder, handler)
    at = times(recorder.one())
    assert "SERVER_HANDLE_START" in at
    assert "WRITE_START" not in at
    assert "HTTP_FINISH" in at


def test_tracer_can_switch_one_request_on(serve: Serve) -> None:
    """Sampling: the server records nothing, `start` decides which requests are."""
    finished: list[tuple[dict[str, int], dict[str, int], int]] = []

    class Sampler:
        def start(self, context: Any, exchange: Exchange) -> Any:
            exchange.stats.level = LEVELS["detailed"]
            return context

        def finish(self, context: Any, exchange: Exchange) -> None:
            stats = exchange.stats
            finished.append((times(stats), stats.states(), stats.total_ns()))

    async def handler(exchange: Exchange) -> None:
        await asyncio.sleep(0.02)
        await plain(exchange)

    with serve(handler, tracers=[Sampler()], trace_level=LEVELS["disabled"]).connect() as client:
        client.send(request())
        client.expect(HELLO)
        wait_for(lambda: bool(finished), "the request is over")
    at, states, total = finished[0]
    assert next(iter(at)) == "HTTP_START"
    assert {"SERVER_HANDLE_START", "WRITE_FINISH", "HTTP_FINISH"} <= set(at)
    assert sum(states.values()) == total == at["HTTP_FINISH"] - at["HTTP_START"]
    assert states["await"] >= 19_000_000


def test_level_raised_in_the_handler_charges_the_right_states(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.stats.level = LEVELS["detailed"]
        await asyncio.sleep(0.02)
        await plain(exchange)

    serve_one(serve, recorder, handler, trace_level=LEVELS["disabled"])
    stats = recorder.one()
    assert "HTTP_START" not in times(stats)
    assert stats.states()["await"] >= 19_000_000
    assert stats.states()["queue"] == stats.total_ns() == 0


def test_own_event_keeps_its_first_time_and_a_count(serve: Serve, recorder: Recorder) -> None:
    event = define_event(next(fresh), LEVELS["detailed"])

    async def handler(exchange: Exchange) -> None:
        assert exchange.stats.record(event, 1, "first")
        assert exchange.stats.record(event, 2, "second")
        await plain(exchange)

    serve_one(serve, recorder, handler)
    recorded = recorder.one().get_event(event)
    assert recorded is not None
    assert (recorded.count, recorded.status, recorded.info) == (2, 1, "first")
    at = times(recorder.one())
    assert at["SERVER_HANDLE_START"] <= recorded.time_ns <= at["SERVER_HANDLE_FINISH"]


def test_own_event_above_the_level_is_not_recorded(serve: Serve, recorder: Recorder) -> None:
    event = define_event(next(fresh), LEVELS["detailed"])

    async def handler(exchange: Exchange) -> None:
        assert not exchange.stats.record(event)
        await plain(exchange)

    serve_one(serve, recorder, handler, trace_level=LEVELS["base"])
    assert recorder.one().get_event(event) is None


@pytest.mark.parametrize("name", ["HTTP_START", "test_taken"])
def test_name_that_is_taken_is_refused(name: str) -> None:
    if name not in NUMBERS:
        define_event(name, LEVELS["detailed"])
    with pytest.raises(ValueError, match=name):
        define_event(name, LEVELS["detailed"])


def test_event_that_was_never_defined_is_refused(serve: Serve, recorder: Recorder) -> None:
    raised: list[BaseException] = []

    async def handler(exchange: Exchange) -> None:
        for number in (60_000, -1, 1 << 20):
            try:
                exchange.stats.record(number)
            except (ValueError, OverflowError) as error:
                raised.append(error)
        await plain(exchange)

    serve_one(serve, recorder, handler)
    assert len(raised) == 3
