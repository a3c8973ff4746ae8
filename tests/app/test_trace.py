"""Events, levels and the record as tracers see it."""

import contextvars

import pytest

from wirespan import App, RequestContext, _core
from wirespan.testing import RecordingTracer, TestClient
from wirespan.trace import Event, HTTPStats, Level, RecordedEvent, Status, Tracer, define_event


def test_events_are_those_of_the_table() -> None:
    """The declarations for type checkers and the table in Rust are two lists; this holds them together."""
    declared = {name for name, kind in Event.__annotations__.items() if "ClassVar" in str(kind)}
    table = {name for _, name, _, _ in _core.event_table()}
    assert declared == table, f"in trace.py and event.rs differ: {declared ^ table}"
    for number, name, level, when in _core.event_table():
        event = getattr(Event, name)
        assert (int(event), event.name, event.level, event.when) == (number, name, level, when)


def test_levels_are_those_of_the_table() -> None:
    """As above, for levels."""
    assert [(int(level), level.name.lower()) for level in Level] == _core.level_table()


def test_an_event_is_defined_once() -> None:
    """The message says who has the name."""
    event = define_event("test_trace_defined_once", Level.BASE)
    assert (event.name, event.level) == ("test_trace_defined_once", Level.BASE)
    assert repr(event) == "<Event test_trace_defined_once>"
    with pytest.raises(ValueError, match="test_trace_defined_once"):
        define_event("test_trace_defined_once")
    with pytest.raises(ValueError, match="HTTP_START"):
        define_event("HTTP_START")
    with pytest.raises(ValueError, match="needs a name"):
        define_event("")


@pytest.mark.parametrize(
    ("start", "finish"),
    [
        (Event.HTTP_FINISH, Event.HTTP_START),
        (Event.HTTP_START, Event.RECEIVED),
        (Event.READ_BODY_FINISH, Event.READ_BODY_START),
        (Event.WRITE_START, Event.HTTP_START),
        (Event.HTTP_FINISH, Event.WRITE_FINISH),
    ],
)
def test_elapsed_refuses_what_never_happens_in_that_order(start: Event, finish: Event) -> None:
    """Swapped arguments are a mistake that None would hide."""
    with pytest.raises(ValueError, match="always comes after"):
        HTTPStats(RequestContext().stats).elapsed_ns(start, finish)


MISS = define_event("test_trace_miss")


def stats_app() -> tuple[App, list[HTTPStats]]:
    app = App()
    seen: list[HTTPStats] = []

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        stats = ctx.trace_info.stats
        seen.append(stats)
        assert stats.record(MISS, Status.WARN, "cold")
        assert stats.record(MISS)
        ctx.text("ok")

    return app, seen


def test_a_record_tells_what_was_recorded() -> None:
    """Every field of the API, of one plain request."""
    app, seen = stats_app()
    tracer = RecordingTracer()
    with TestClient(app, tracers=[tracer]) as client:
        client.get("/")
        tracer.wait()
    stats = seen[0]
    miss = stats.get_event(MISS)
    assert isinstance(miss, RecordedEvent)
    assert (miss.event, miss.name, miss.status, miss.info, miss.count) == (
        MISS,
        MISS.name,
        Status.WARN,
        "cold",
        2,
    )
    assert miss.time.tzinfo is not None
    assert "test_trace_miss" in repr(miss)
    assert stats.get_event(Event.READ_BODY_START) is None
    times = [event.time_ns for event in stats.events()]
    assert times == sorted(times)
    assert (stats.elapsed_ns(Event.HTTP_START, MISS) or -1) >= 0
    assert stats.elapsed_ns(Event.HTTP_START, Event.HTTP_START) == 0
    assert stats.elapsed_ns(MISS, Event.SERVER_HANDLE_START) is None  # the other way round
    assert stats.elapsed_ns(Event.READ_BODY_START, Event.READ_BODY_FINISH) is None  # missing
    assert list(stats.states()) == _core.state_names()
    assert (stats.route, stats.status_code, stats.end_reason) == ("/", 200, "completed")
    assert (stats.error, stats.panicked(), stats.level) == (None, None, Level.DETAILED)
    assert stats.background_ns == 0


@pytest.mark.wire
def test_the_six_states_sum_to_the_total_and_sizes_to_the_wire() -> None:
    """The two promises that nothing else makes."""
    app, _ = stats_app()
    tracer = RecordingTracer()
    with TestClient(app, tracers=[tracer]) as client, client.connect() as peer:
        request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        peer.sendall(request)
        reply = b"".join(iter(lambda: peer.recv(65_536), b""))
        (recording,) = tracer.wait()
    assert sum(recording.states.values()) == recording.total_ns
    assert (recording.recv_size, recording.send_size) == (len(request), len(reply))
    assert (recording.recv_body_size, recording.send_body_size) == (0, 2)
    assert recording.connection.request_number == 1


def test_the_level_may_change_for_one_request() -> None:
    """Events above the level are not recorded from then on."""
    app = App()
    seen: list[object] = []

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        stats = ctx.trace_info.stats
        stats.level = Level.BASE
        seen.extend([stats.level, stats.record(MISS)])
        ctx.text("ok")

    tracer = RecordingTracer()
    with TestClient(app, tracers=[tracer]) as client:
        client.get("/")
        (recording,) = tracer.wait()
    assert seen == [Level.BASE, False]
    assert "SERVER_HANDLE_START" in recording.events
    assert "WRITE_START" not in recording.events


def test_a_tracer_is_known_by_its_methods() -> None:
    """No base class is needed."""

    class Mine:
        def start(self, context: contextvars.Context, request: RequestContext) -> contextvars.Context:
            return context

        def finish(self, context: contextvars.Context, request: RequestContext) -> None:
            pass

    assert isinstance(Mine(), Tracer)
    assert not isinstance(object(), Tracer)
