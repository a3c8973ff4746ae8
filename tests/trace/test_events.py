"""The exact moment of each event, with a client that follows a script."""

import datetime
import sys
import time
from collections.abc import Callable

import pytest

from harness import HELLO, NUMBERS, Recorder, Server, echo, request, times
from wirespan._core import Exchange, Route, event_table

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
PAUSE_S = 0.5  # what else happens is short beside it, also where a busy machine takes a tenth of a second
PAUSE_NS = PAUSE_S * 1e9 * 0.9  # a sleep may end a little early on another clock

ORDER = [
    *(["RECEIVED"] if sys.platform == "linux" else []),
    "HTTP_START",
    "READ_HEADER_START",
    "READ_HEADER_FINISH",
    "DISPATCHED",
    "SERVER_HANDLE_START",
    "RESPONSE_START",
    "SERVER_HANDLE_FINISH",
    "WRITE_START",
    "WRITE_FINISH",
    "HTTP_FINISH",
]


def in_order(at: dict[str, int], *names: str) -> None:
    stamps = [at[name] for name in names]
    assert stamps == sorted(stamps), {name: at[name] for name in names}


def test_table_has_the_fourteen_events() -> None:
    """Names and numbers are public: other people's dashboards hold them."""
    assert [name for _, name, _, _ in event_table()[:14]] == [
        "HTTP_START",
        "READ_HEADER_START",
        "READ_HEADER_FINISH",
        "READ_BODY_START",
        "READ_BODY_FINISH",
        "SERVER_HANDLE_START",
        "SERVER_HANDLE_FINISH",
        "WRITE_START",
        "WRITE_FINISH",
        "HTTP_FINISH",
        "RECEIVED",
        "DISPATCHED",
        "ROUTE_MATCHED",
        "RESPONSE_START",
    ]


def test_plain_request_records_each_event_once_and_in_order(
    serve: Serve, recorder: Recorder, loop: str
) -> None:
    with serve(tracers=[recorder], loop=loop).connect() as client:
        client.send(request())
        client.expect(HELLO)
        stats = recorder.one()
    at = times(stats)
    assert set(at) == set(ORDER)
    in_order(at, *ORDER)
    assert all(event.count == 1 for event in stats.events())
    assert (stats.status_code, stats.end_reason, stats.error) == (200, "completed", None)


def test_start_is_at_the_first_byte_not_at_the_end_of_the_head(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder]).connect() as client:
        client.send(b"G")
        recorder.wait_started()
        time.sleep(PAUSE_S)
        client.send(request()[1:])
        client.expect(HELLO)
        at = times(recorder.one())
    assert at["READ_HEADER_START"] - at["HTTP_START"] < PAUSE_NS
    assert at["READ_HEADER_FINISH"] - at["READ_HEADER_START"] >= PAUSE_NS


def test_idle_time_belongs_to_the_connection(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder]).connect() as client:
        for _ in range(2):
            time.sleep(PAUSE_S)
            client.send(request())
            client.expect(HELLO)
        first, second = recorder.wait(2)
    for stats in (first, second):
        assert stats.total_ns() < PAUSE_NS
    (number, idle, age), (number2, idle2, age2) = first.connection, second.connection
    assert (number, number2) == (1, 2)
    assert idle >= PAUSE_NS
    assert idle2 >= PAUSE_NS
    assert age == pytest.approx(idle, abs=PAUSE_NS / 2)
    assert age2 >= 2 * PAUSE_NS


@pytest.mark.parametrize(
    ("framing", "begin", "rest", "body"),
    [
        pytest.param("Content-Length: 2", b"a", b"b", b"ab", id="its last byte"),
        pytest.param("Transfer-Encoding: chunked", b"1\r\na\r\n", b"0\r\n\r\n", b"a", id="its last chunk"),
    ],
)
def test_body_is_read_from_the_end_of_the_head_to(
    serve: Serve, recorder: Recorder, framing: str, begin: bytes, rest: bytes, body: bytes
) -> None:
    """Not when a stream object exists, and not when the handler asks."""
    with serve(echo, tracers=[recorder]).connect() as client:
        client.send(request("/", framing, method="POST") + begin)
        recorder.wait_started()
        time.sleep(PAUSE_S)
        client.send(rest)
        assert client.response().body == body
        at = times(recorder.one())
    in_order(at, "READ_HEADER_FINISH", "READ_BODY_START", "READ_BODY_FINISH", "RESPONSE_START")
    assert at["READ_BODY_START"] - at["READ_HEADER_FINISH"] < PAUSE_NS / 2
    assert at["READ_BODY_FINISH"] - at["READ_BODY_START"] >= PAUSE_NS


def test_stream_is_written_while_the_handler_runs(serve: Serve, recorder: Recorder) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(b"a")
        time.sleep(PAUSE_S)  # noqa: ASYNC251 - a handler that computes
        await exchange.send(b"b")
        await exchange.finish()

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(request())
        assert client.response().body == b"ab"
        at = times(recorder.one())
    in_order(at, "SERVER_HANDLE_START", "RESPONSE_START", "WRITE_START", "WRITE_FINISH", "HTTP_FINISH")
    assert at["WRITE_FINISH"] - at["WRITE_START"] >= PAUSE_NS
    assert at["SERVER_HANDLE_FINISH"] - at["WRITE_START"] >= PAUSE_NS


def test_record_ends_with_an_empty_last_piece(serve: Serve, recorder: Recorder) -> None:
    """Nothing is left to write when the application says that it is done: the record must not wait for it."""

    async def handler(exchange: Exchange) -> None:
        exchange.set_header("content-length", "5")
        await exchange.send(b"hello")
        await exchange.finish()

    with serve(handler, tracers=[recorder]).connect() as client:
        client.send(request())
        assert client.response().body == b"hello"
        assert recorder.one().end_reason == "completed"


def test_malformed_head_ends_with_a_parsed_mark_and_no_handler(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder]).connect() as client:
        client.send(b"NONSENSE\r\n\r\n")
        assert client.response().status == 400
        stats = recorder.one()
    at = times(stats)
    in_order(at, "READ_HEADER_START", "READ_HEADER_FINISH", "WRITE_START", "WRITE_FINISH", "HTTP_FINISH")
    assert not {"DISPATCHED", "SERVER_HANDLE_START", "SERVER_HANDLE_FINISH", "RESPONSE_START"} & set(at)
    assert (stats.status_code, stats.end_reason) == (400, "protocol_error")


def test_router_marks_the_route(serve: Serve, recorder: Recorder) -> None:
    route = Route("/users/{id}")

    async def handler(exchange: Exchange) -> None:
        exchange.match_route(route)
        exchange.reply(200, "text/plain", b"")

    with serve(handler, tracers=[recorder]).connect() as client:
        assert client.get("/users/1").status == 200
        stats = recorder.one()
    assert stats.route == "/users/{id}"
    in_order(times(stats), "SERVER_HANDLE_START", "ROUTE_MATCHED", "RESPONSE_START")


def test_elapsed_is_the_difference_of_two_events(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder]).connect() as client:
        assert client.get().status == 200
        stats = recorder.one()
    at = times(stats)
    start, finish = NUMBERS["HTTP_START"], NUMBERS["HTTP_FINISH"]
    assert stats.elapsed_ns(start, finish) == at["HTTP_FINISH"] - at["HTTP_START"]
    assert stats.elapsed_ns(start, NUMBERS["READ_BODY_START"]) is None


def test_wall_clock_is_anchored(serve: Serve, recorder: Recorder) -> None:
    before = datetime.datetime.now(datetime.UTC)
    with serve(tracers=[recorder]).connect() as client:
        assert client.get().status == 200
        stats = recorder.one()
    after = datetime.datetime.now(datetime.UTC)
    slack = datetime.timedelta(milliseconds=5)
    for event in stats.events():
        assert event.time.tzinfo is not None
        assert before - slack <= event.time <= after + slack
