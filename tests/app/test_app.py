"""Dispatch, automatic replies, error handlers, hooks and threads."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness import DEADLINE_S
from wirespan import App, RequestContext, current
from wirespan.config import Config
from wirespan.errors import Abort, ConfigError, InvalidRequest
from wirespan.hosting import host
from wirespan.testing import RecordingTracer, TestClient


def hello() -> App:
    app = App()

    @app.get("/hello")
    async def home(ctx: RequestContext) -> None:
        ctx.text("hello")

    @app.get("/items/{id:int}")
    async def item(ctx: RequestContext) -> None:
        ctx.json(ctx.params)

    return app


def test_static_and_parameter_routes_answer_again_and_again() -> None:
    """The second request takes the fast way."""
    with TestClient(hello()) as client:
        for _ in range(2):
            assert client.get("/hello").text == "hello"
            assert client.get("/items/3").json() == {"id": 3}
            assert client.head("/hello").content == b""


def test_other_spellings_of_a_path_are_served_but_not_kept() -> None:
    """Otherwise a client could fill the memory with them."""
    app = hello()
    with TestClient(app) as client:
        assert client.get("/%68ello").text == "hello"
        assert app._ready == {}
        client.get("/hello")
        assert list(app._ready) == [b"/hello"]


def test_a_lone_handler_is_called_without_anything_around_it() -> None:
    """The budget of the hot path: the coroutine of the handler itself goes to the engine."""
    app = App()

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        ctx.text("ok")

    codes: list[object] = []

    class Spy(App):
        def dispatch(self, ctx: RequestContext) -> Any:
            coroutine: Any = app.dispatch(ctx)
            codes.append(coroutine.cr_code)
            return coroutine

    with TestClient(Spy()) as client:
        client.get("/")
        client.get("/")
    assert codes == [home.__code__] * 2


def test_missing_paths_and_methods() -> None:
    """404, 405 with Allow (RFC 9110 section 15.5.6), and OPTIONS without a handler."""
    with TestClient(hello()) as client:
        missing = client.get("/none")
        assert (missing.status_code, missing.text) == (404, "Not Found")
        wrong = client.post("/hello")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        options = client.options("/hello")
        assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


def test_options_asterisk_asks_about_the_server() -> None:
    """RFC 9110 section 9.3.7."""
    with TestClient(hello()) as client, client.connect() as peer:
        peer.sendall(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
        reply = peer.recv(65_536).lower()
    assert b" 204 " in reply.split(b"\r\n")[0] + b" "
    assert b"allow: get, head, options" in reply


def test_a_path_without_get_has_no_head() -> None:
    """Allow lists what works."""
    app = App()

    @app.post("/")
    async def post(ctx: RequestContext) -> None:
        ctx.empty()

    with TestClient(app) as client:
        assert client.get("/").headers["allow"] == "OPTIONS, POST"


def failing() -> App:
    app = App()

    @app.get("/key")
    async def key(ctx: RequestContext) -> None:
        raise KeyError("k")

    @app.get("/value")
    def value(ctx: RequestContext) -> None:
        raise ValueError("v")

    @app.get("/abort")
    async def abort(ctx: RequestContext) -> None:
        ctx.abort(403, {"why": "no"})

    @app.get("/late")
    async def late(ctx: RequestContext) -> None:
        await ctx.send(b"x")
        raise KeyError("late")

    return app


def test_error_handlers_reply() -> None:
    """By class and by status, `async def` and `def`."""
    app = failing()

    @app.error_handler(LookupError)
    async def on_lookup(ctx: RequestContext, error: Exception) -> None:
        ctx.json({"lookup": str(error)}, 422)

    @app.error_handler(500)
    def on_any(ctx: RequestContext, error: Exception) -> None:
        ctx.json({"any": type(error).__name__, "main": threading.current_thread().name[:8]}, 500)

    @app.error_handler(404)
    async def on_missing(ctx: RequestContext, error: Abort) -> None:
        ctx.json({"status": error.status}, 404)

    with TestClient(app) as client:
        assert client.get("/key").json() == {"lookup": "'k'"}
        assert client.get("/value").json() == {"any": "ValueError", "main": "wirespan"}
        assert client.get("/none").json() == {"status": 404}
        assert client.get("/abort").json() == {"why": "no"}
        assert client.errors == []


def test_without_an_error_handler_it_is_the_engines_500() -> None:
    """No internals in the reply; the exception is on the record."""
    tracer = RecordingTracer()
    with TestClient(failing(), tracers=[tracer]) as client:
        reply = client.get("/key")
        (recording,) = tracer.wait()
    assert reply.status_code == 500
    assert "KeyError" not in reply.text
    assert isinstance(recording.panicked, KeyError)


def test_an_error_after_the_first_byte_has_no_handler() -> None:
    """It is too late for another reply."""
    app = failing()
    called: list[Exception] = []

    @app.error_handler(Exception)
    async def on_any(ctx: RequestContext, error: Exception) -> None:
        called.append(error)

    with TestClient(app) as client, client.connect() as peer:
        peer.sendall(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
        reply = b"".join(iter(lambda: peer.recv(65_536), b""))
    assert reply.endswith(b"1\r\nx\r\n")  # cut off: no last chunk
    assert called == []


@pytest.mark.parametrize("key", ["404", str, BaseException, None])
def test_a_wrong_error_handler_key_is_refused(key: Any) -> None:
    """It would never be found."""
    with pytest.raises(ConfigError, match="exception class or a status"):
        App().error_handler(key)


TENANT: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="none")


def test_def_handlers_run_in_threads_with_body_and_context() -> None:
    """A blocking handler never holds the loop, sees the body, and cannot change the caller's context."""
    app = App(threads=2)

    @app.use
    async def tenant(ctx: RequestContext) -> None:
        TENANT.set("acme")
        await ctx.next()
        ctx.add_header("x-tenant", TENANT.get())

    @app.post("/")
    def work(ctx: RequestContext) -> None:
        assert current() is ctx
        thread, tenant = threading.current_thread().name, TENANT.get()
        TENANT.set("other")
        ctx.json([thread.startswith("wirespan"), tenant, ctx.decode_json(list[int])])

    with TestClient(app) as client:
        reply = client.post("/", json=[1, 2])
    assert reply.json() == [True, "acme", [1, 2]]
    assert reply.headers["x-tenant"] == "acme"


def test_the_applications_number_of_threads_wins_over_the_option() -> None:
    """Only its author knows how many its database can take; without a word of it the option counts."""
    app, meeting = App(threads=2), threading.Barrier(2)

    @app.get("/")
    def work(ctx: RequestContext) -> None:
        meeting.wait(DEADLINE_S)
        ctx.text("met")

    with TestClient(app, threads=1) as client, ThreadPoolExecutor(2) as clients:
        assert [reply.text for reply in clients.map(client.get, ["/", "/"])] == ["met", "met"]
    assert host(App(), Config(threads=1)).threads == 1


def test_an_exception_that_was_handled_is_on_the_record() -> None:
    """The client got its reply, and whoever looks at the trace still sees what went wrong."""
    app, tracer = failing(), RecordingTracer()

    @app.error_handler(LookupError)
    async def on_lookup(ctx: RequestContext, error: Exception) -> None:
        ctx.text("sorry", 422)

    with TestClient(app, tracers=[tracer]) as client:
        assert client.get("/key").status_code == 422
        (recording,) = tracer.wait()
    assert isinstance(recording.error, KeyError)
    assert (recording.panicked, recording.end_reason) == (None, "completed")


def test_def_handlers_may_abort_and_refuse() -> None:
    """Exceptions cross the thread unchanged."""
    app = App()

    @app.post("/")
    def work(ctx: RequestContext) -> None:
        ctx.decode_json(int)

    @app.error_handler(InvalidRequest)
    async def invalid(ctx: RequestContext, error: Exception) -> None:
        ctx.text("not a number", 400)

    with TestClient(app) as client:
        assert client.post("/", content=b"x").text == "not a number"


def test_hooks_run_in_order_and_back() -> None:
    """What was opened last is closed first; `def` and `async def` alike."""
    app, calls = App(), []

    @app.on_startup
    async def open_first() -> None:
        await asyncio.sleep(0)
        calls.append("open")

    @app.on_startup
    def open_second() -> None:
        calls.append("open 2")

    @app.on_shutdown
    async def close_first() -> None:
        calls.append("close")

    @app.on_shutdown
    def close_second() -> None:
        calls.append("close 2")

    with TestClient(app):
        assert calls == ["open", "open 2"]
    assert calls[2:] == ["close 2", "close"]


def test_a_failing_shutdown_hook_does_not_stop_the_others() -> None:
    """A pool that cannot be closed must not leave the others open."""
    app, calls = App(), []
    app.on_shutdown(lambda: calls.append("closed"))

    @app.on_shutdown
    def fails() -> None:
        raise OSError("stuck")

    with pytest.raises(ExceptionGroup, match="shutdown hooks failed") as raised:
        asyncio.run(app.shutdown())
    assert calls == ["closed"]
    assert raised.group_contains(OSError)


def test_a_wrong_number_of_threads_is_refused() -> None:
    """Zero threads would never answer."""
    with pytest.raises(ConfigError, match="threads must be between 1 and 1024, not 0"):
        App(threads=0)


def test_run_hands_over_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """One place knows the options."""
    given: list[object] = []
    monkeypatch.setattr("wirespan.server.run", lambda app, **options: given.append((app, options)))
    app = App()
    app.run(host="::1", port=0)
    assert given == [(app, {"host": "::1", "port": 0})]


def test_the_log_says_which_request_failed() -> None:
    app = App()

    @app.get("/items/{name}")
    async def fail(ctx: RequestContext) -> None:
        raise LookupError

    with TestClient(app) as client:
        client.get("/items/a%20b?key=secret")
        [(what, error)] = client.errors
    assert what == "GET /items/a%20b: the handler raised"
    assert isinstance(error, LookupError)
