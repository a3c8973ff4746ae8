"""Order of the chain, what ends it, and where exceptions go."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from wirespan import App, RequestContext, _core
from wirespan.errors import Abort, ClientDisconnected, UsageError
from wirespan.middleware import ErrorHandlers
from wirespan.testing import RecordingTracer, TestClient


async def outer(ctx: RequestContext) -> None:
    ctx.set("seen", ["outer"])
    await ctx.next()
    ctx.add_header("x-seen", ",".join(ctx.get("seen")))


async def inner(ctx: RequestContext) -> None:
    ctx.get("seen").append("inner")
    await ctx.next()
    ctx.get("seen").append("after")


def test_links_run_in_order_and_back() -> None:
    """Application, group, route, handler, and the same way back."""
    app = App(middleware=[outer])

    @app.get("/", middleware=[inner])
    async def home(ctx: RequestContext) -> None:
        ctx.get("seen").append("handler")
        ctx.text("ok")

    with TestClient(app) as client:
        reply = client.get("/")
    assert (reply.text, reply.headers["x-seen"]) == ("ok", "outer,inner,handler,after")


def test_an_abort_stops_the_chain_but_not_those_that_wait() -> None:
    """As in Hertz: outer middleware still measures, logs and sets headers."""
    app = App(middleware=[outer])

    @app.use
    async def refuse(ctx: RequestContext) -> None:
        ctx.abort(401, "who are you?")

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        raise AssertionError("never runs")

    with TestClient(app) as client:
        reply = client.get("/")
        assert client.errors == []
    assert (reply.status_code, reply.text, reply.headers["x-seen"]) == (401, "who are you?", "outer")


def test_middleware_that_does_not_go_on_has_the_last_word() -> None:
    """A cache replies without the handler."""
    app = App()

    @app.use
    async def cache(ctx: RequestContext) -> None:
        ctx.text("cached")

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        raise AssertionError("never runs")

    with TestClient(app) as client:
        assert client.get("/").text == "cached"


async def twice(ctx: RequestContext) -> None:
    await ctx.next()
    await ctx.next()


async def after_own_abort(ctx: RequestContext) -> None:
    with contextlib.suppress(Abort):
        await ctx.next()
    await ctx.next()


@pytest.mark.parametrize(
    ("middleware", "path", "message"),
    [
        ([twice], "/", "called twice"),
        ([twice], "/next", "last link"),
        ([], "/next", "last link"),
        ([after_own_abort], "/abort", "after ctx.abort"),
    ],
)
def test_a_wrong_next_says_what_is_wrong(middleware: list[object], path: str, message: str) -> None:
    """Silence would skip or repeat a handler."""
    app = App(middleware=[outer, *middleware])  # type: ignore[list-item]

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        ctx.text("ok")

    @app.get("/next")
    async def goes_on(ctx: RequestContext) -> None:
        await ctx.next()

    @app.get("/abort")
    async def aborts(ctx: RequestContext) -> None:
        ctx.abort(400)

    with TestClient(app) as client:
        assert client.get(path).status_code == 500
        ((_, error),) = client.errors
    assert isinstance(error, UsageError)
    assert message in str(error)


def test_next_without_a_chain_is_refused() -> None:
    """A handler without middleware has nothing behind it either."""
    app = App()

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        await ctx.next()

    with TestClient(app) as client:
        assert client.get("/").status_code == 500
        ((_, error),) = client.errors
    assert isinstance(error, UsageError)


def test_middleware_may_catch_what_the_handler_raises() -> None:
    """`try` around `next` works as it reads."""
    app = App()

    @app.use
    async def catch(ctx: RequestContext) -> None:
        try:
            await ctx.next()
        except KeyError as error:
            ctx.text(f"caught {error}", 418)

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        raise KeyError("k")

    with TestClient(app) as client:
        reply = client.get("/")
    assert (reply.status_code, reply.text) == (418, "caught 'k'")


def test_the_nearest_error_handler_is_found() -> None:
    """By class, then by status; aborts are no accidents, and nobody replies to a lost client."""

    async def by_lookup(ctx: RequestContext, error: Exception) -> None:
        pass

    async def by_any(ctx: RequestContext, error: Exception) -> None:
        pass

    async def by_500(ctx: RequestContext, error: Exception) -> None:
        pass

    async def by_404(ctx: RequestContext, error: Exception) -> None:
        pass

    handlers = ErrorHandlers()
    assert not handlers
    handlers.add(500, by_500)
    assert handlers
    assert handlers.find(KeyError()) is by_500
    handlers.add(Exception, by_any)
    handlers.add(LookupError, by_lookup)
    handlers.add(404, by_404)
    assert handlers.find(KeyError()) is by_lookup
    assert handlers.find(ValueError()) is by_any
    assert handlers.find(Abort(404)) is by_404
    assert handlers.find(Abort(403)) is None
    assert handlers.find(ClientDisconnected()) is None
    assert handlers.find(_core.Disconnected()) is None
    handlers.add(Abort, by_any)
    assert handlers.find(Abort(404)) is by_any


class Source:
    """An asynchronous iterator that says whether it was closed."""

    def __init__(self, *chunks: bytes | str | Exception) -> None:
        self.chunks = iter(chunks)
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes | str]:
        return self

    async def __anext__(self) -> bytes | str:
        chunk = next(self.chunks, None)
        if chunk is None:
            raise StopAsyncIteration
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    async def aclose(self) -> None:
        self.closed = True


class Endless(Source):
    """More than any buffer between us and the client holds."""

    async def __anext__(self) -> bytes:
        return b"x" * 65_536


def streaming(source: Source) -> App:
    app = App()

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        ctx.stream(source, status=202, content_type="text/plain")

    return app


def test_a_stream_is_sent_after_the_chain_and_closed() -> None:
    """Empty pieces would end a chunked body early."""
    source = Source("a", b"", b"b")
    with TestClient(streaming(source)) as client:
        reply = client.get("/")
    assert (reply.status_code, reply.text, reply.headers["content-type"]) == (202, "ab", "text/plain")
    assert source.closed


def test_a_helper_may_stream() -> None:
    """The handler itself never names `stream`, and it is sent all the same."""
    app = App()

    async def reply_with(ctx: RequestContext) -> None:
        ctx.stream(Source("from afar"))

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        await reply_with(ctx)

    with TestClient(app) as client:
        assert client.get("/").text == "from afar"


def test_an_empty_stream_is_an_empty_body() -> None:
    """Nothing to iterate over is no error."""
    with TestClient(streaming(Source())) as client:
        assert client.get("/").content == b""


def test_head_does_not_run_the_stream() -> None:
    """It may have no end."""
    source = Source("never taken")
    with TestClient(streaming(source)) as client:
        reply = client.head("/")
    assert (reply.status_code, reply.content) == (202, b"")
    assert source.closed
    assert next(source.chunks) == "never taken"


def test_a_stream_that_fails_before_its_first_piece_is_a_500() -> None:
    """Nothing was sent yet, so the client can be told."""
    source = Source(ValueError("broken"))
    with TestClient(streaming(source)) as client:
        assert client.get("/").status_code == 500
        ((_, error),) = client.errors
    assert isinstance(error, ValueError)
    assert source.closed


@pytest.mark.wire
def test_a_stream_ends_when_the_client_is_gone() -> None:
    """A database cursor behind it must not stay open for a client that left."""
    source = Endless()
    tracer = RecordingTracer()
    app = streaming(source)
    app.tracers.append(tracer)
    with TestClient(app) as client:
        with client.connect() as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert peer.recv(1)
        (recording,) = tracer.wait()
    assert recording.end_reason == "client_disconnected"
    assert source.closed


def test_a_reply_after_a_stream_replaces_it() -> None:
    """The last reply wins; the iterator is closed all the same."""
    source = Source("never sent")
    app = streaming(source)

    @app.use
    async def replace(ctx: RequestContext) -> None:
        await ctx.next()
        ctx.text("instead")

    with TestClient(app) as client:
        assert client.get("/").text == "instead"
    assert source.closed


class Plain:
    """An asynchronous iterator that cannot be closed, and tells its own story of a lost client."""

    def __aiter__(self) -> "Plain":
        return self

    async def __anext__(self) -> bytes:
        raise ClientDisconnected("told by the source")


def test_a_stream_may_itself_find_the_client_gone() -> None:
    """A proxy's source does; the exception passes as it is, and a missing `aclose` is no second mistake."""
    app, tracer = App(), RecordingTracer()

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        ctx.stream(Plain())

    with TestClient(app, tracers=[tracer]) as client, client.connect() as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        (recording,) = tracer.wait()
    assert "told by the source" in str(recording.error)
