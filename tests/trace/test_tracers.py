"""The contract with Python tracers: order, contexts, empty request at the start, failures."""

import contextvars
from collections.abc import Callable

import pytest

from harness import HELLO, Recorder, Server, request
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
Context = contextvars.Context
mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="nothing")


class Noting:
    """Writes down its calls and may fail in them."""

    def __init__(self, name: str, notes: list[str], fails: str = "") -> None:
        self.name, self.notes, self.fails = name, notes, fails

    def start(self, context: Context, request: Exchange) -> Context:
        self.notes.append(f"start {self.name}")
        if self.fails == "start":
            raise LookupError(self.name)
        return context

    def finish(self, context: Context, request: Exchange) -> None:
        self.notes.append(f"finish {self.name}")
        if self.fails == "finish":
            raise LookupError(self.name)


class Setting:
    """Sets `mark` at the start and notes what finish sees."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def start(self, context: Context, request: Exchange) -> Context:
        self.seen.append(context.get(mark, "nothing"))
        context.run(mark.set, "tracer")
        return context

    def finish(self, context: Context, request: Exchange) -> None:
        self.seen.append(context[mark])


def test_finish_is_called_in_reverse_order(serve: Serve, recorder: Recorder) -> None:
    notes: list[str] = []
    tracers = [recorder, *(Noting(name, notes) for name in "abc")]
    with serve(tracers=tracers).connect() as client:
        client.send(request())
        client.expect(HELLO)
        recorder.one()
    assert notes == ["start a", "start b", "start c", "finish c", "finish b", "finish a"]


def test_request_is_empty_at_the_start_and_known_at_the_finish(serve: Serve, recorder: Recorder) -> None:
    """Nothing is parsed yet: empty values, no exception."""
    at_start: list[object] = []

    class Looking:
        def start(self, context: Context, request: Exchange) -> Context:
            at_start.extend((request.method, request.path, request.raw_path, request.query_string))
            at_start.extend((request.header("host"), request.header_items(), request.content_length))
            at_start.append([event.name for event in request.stats.events() if event.name != "RECEIVED"])
            return context

        def finish(self, context: Context, request: Exchange) -> None: ...

    with serve(tracers=[recorder, Looking()]).connect() as client:
        client.send(request("/a?b"))
        client.expect(HELLO)
        recorder.one()
    assert at_start[:6] == ["", "", b"", "", None, []]
    assert at_start[-1] == ["HTTP_START"]
    finished = recorder.finished[0]
    assert (finished.method, finished.path, finished.query_string) == ("GET", "/a", "b")


def test_start_comes_with_the_first_byte(serve: Serve, recorder: Recorder) -> None:
    with serve(tracers=[recorder]).connect() as client:
        client.send(b"G")
        recorder.wait_started()
        client.send(request()[1:])
        client.expect(HELLO)


def test_what_start_sets_is_seen_and_what_handlers_change_is_not(
    serve: Serve, recorder: Recorder, loop: str
) -> None:
    in_handler: list[str] = []

    async def handler(exchange: Exchange) -> None:
        in_handler.append(mark.get())
        mark.set("handler")
        exchange.reply(200, "text/plain", b"hello")

    tracer = Setting()
    with serve(handler, tracers=[recorder, tracer], loop=loop).connect() as client:
        client.send(request() * 2)
        client.expect(HELLO * 2)
        recorder.wait(2)
    assert in_handler == ["tracer", "tracer"]
    assert tracer.seen == ["nothing", "tracer"] * 2, "nothing leaks into the next request"


def test_later_tracers_see_what_earlier_ones_set(serve: Serve, recorder: Recorder) -> None:
    first, second = Setting(), Setting()
    with serve(tracers=[recorder, first, second]).connect() as client:
        client.send(request())
        client.expect(HELLO)
        recorder.one()
    assert second.seen[0] == "tracer"


def test_other_context_can_be_returned(serve: Serve, recorder: Recorder) -> None:
    seen: list[str] = []

    class Replacing:
        def start(self, context: Context, request: Exchange) -> Context:
            other = contextvars.copy_context()
            other.run(mark.set, "other")
            return other

        def finish(self, context: Context, request: Exchange) -> None:
            seen.append(context[mark])

    async def handler(exchange: Exchange) -> None:
        seen.append(mark.get())
        exchange.reply(200, "text/plain", b"hello")

    with serve(handler, tracers=[recorder, Replacing()]).connect() as client:
        client.send(request())
        client.expect(HELLO)
        recorder.one()
    assert seen == ["other", "other"]


def test_tracer_that_fails_at_the_start_is_skipped_for_this_request(serve: Serve, recorder: Recorder) -> None:
    notes: list[str] = []
    tracers = [recorder, Noting("a", notes), Noting("bad", notes, "start"), Noting("c", notes)]
    server = serve(tracers=tracers)
    with server.connect() as client:
        client.send(request())
        client.expect(HELLO)
        recorder.one()
    assert notes == ["start a", "start bad", "start c", "finish c", "finish a"]
    assert [type(error) for _, error in server.errors] == [LookupError]
    assert "Noting" in server.errors[0][0], "the log says which tracer"


def test_tracer_that_fails_at_the_finish_harms_nobody(serve: Serve, recorder: Recorder) -> None:
    notes: list[str] = []
    tracers = [recorder, Noting("a", notes), Noting("bad", notes, "finish"), Noting("c", notes)]
    server = serve(tracers=tracers)
    with server.connect() as client:
        for _ in range(2):
            client.send(request())
            client.expect(HELLO)
        recorder.wait(2)
    assert notes == ["start a", "start bad", "start c", "finish c", "finish bad", "finish a"] * 2, (
        "skipped for a request, not for good"
    )
    assert len(server.errors) == 1, "logged once"


def test_tracer_that_returns_no_context_is_a_failing_one(serve: Serve, recorder: Recorder) -> None:
    class Forgetful:
        def start(self, context: Context, request: Exchange) -> None: ...
        def finish(self, context: Context, request: Exchange) -> None: ...

    server = serve(tracers=[recorder, Forgetful()])
    with server.connect() as client:
        client.send(request())
        client.expect(HELLO)
        recorder.one()
    assert len(server.errors) == 1
    assert "Forgetful" in server.errors[0][0]


def test_no_tracer_records_nothing_and_serves(serve: Serve) -> None:
    records: list[int] = []

    async def handler(exchange: Exchange) -> None:
        records.append(len(exchange.stats.events()))
        exchange.reply(200, "text/plain", b"hello")

    with serve(handler).connect() as client:
        client.send(request())
        client.expect(HELLO)
    assert records == [0]
