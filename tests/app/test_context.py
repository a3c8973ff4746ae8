"""RequestContext: what a handler reads and what it replies."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from wirespan import App, RequestContext, _core, current
from wirespan.errors import ClientDisconnected, LimitExceeded, ProtocolError, UsageError
from wirespan.testing import TestClient

Handler = Callable[[RequestContext], Awaitable[None]]


def ask(handler: Handler, path: str = "/", **request: Any) -> tuple[httpx.Response, BaseException | None]:
    """One request to an application of one handler: the reply, and the exception that the engine logged."""
    app = App()
    app.route("/", methods=["GET", "POST"])(handler)
    with TestClient(app) as client:
        reply = client.request("POST" if "content" in request else "GET", path, **request)
        return reply, client.errors[0][1] if client.errors else None


def test_an_empty_context_has_empty_values() -> None:
    """Tracers get it before the head is parsed, and must not fail."""
    ctx = RequestContext()
    assert (ctx.method, ctx.path, ctx.query_string, ctx.client) == ("", "", "", None)
    assert dict(ctx.headers) == {}
    assert ctx.cookies == {}
    assert dict(ctx.query) == {}
    assert ctx.get("x") is None
    assert current() is None


def test_head_of_the_request() -> None:
    """Everything is read from the engine, decoded."""

    async def handler(ctx: RequestContext) -> None:
        assert current() is ctx
        assert ctx.cookies is ctx.cookies
        assert ctx.query is ctx.query
        ctx.set("user", 7)
        ctx.json(
            {
                "accept": ctx.headers["Accept"],
                "cookie": ctx.cookies["c"],
                "query": ctx.query.get_all("q"),
                "client": ctx.client is not None and ctx.client[0],
                "user": ctx.get("user"),
                "other": ctx.get("other", "none"),
            }
        )

    reply, _ = ask(handler, "/?q=a%20b&q=2", headers={"accept": "x/y", "cookie": "c=1"})
    assert reply.json() == {
        "accept": "x/y",
        "cookie": "1",
        "query": ["a b", "2"],
        "client": "127.0.0.1",
        "user": 7,
        "other": "none",
    }


async def reads_query(ctx: RequestContext) -> None:
    ctx.json(dict(ctx.query))


async def reads_form(ctx: RequestContext) -> None:
    ctx.json(dict(await ctx.form()))


class Point(msgspec.Struct):
    x: int


async def reads_point(ctx: RequestContext) -> None:
    point = await ctx.read_json(Point)
    ctx.json({"x": point.x})


async def reads_any(ctx: RequestContext) -> None:
    ctx.json(await ctx.read_json())


FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize(
    ("handler", "request_", "status", "text"),
    [
        (reads_query, {"path": "/?a=1"}, 200, '{"a":"1"}'),
        (reads_query, {"path": "/?a=%ff"}, 400, "query: not UTF-8 after percent-decoding"),
        (reads_form, {"content": "a=%C3%A9+b", "headers": FORM}, 200, '{"a":"é b"}'),
        (
            reads_form,
            {"content": "a=%ff", "headers": FORM},
            400,
            "form body: not UTF-8 after percent-decoding",
        ),
        (reads_form, {"content": "&" * 1_000, "headers": FORM}, 400, "form body: more than 1000 names"),
        (
            reads_form,
            {"content": "a=1"},
            415,
            "form body: content-type must be application/x-www-form-urlencoded",
        ),
        (reads_point, {"content": '{"x":1}'}, 200, '{"x":1}'),
        (reads_point, {"content": '{"x":"1"}'}, 400, "JSON body: Expected `int`, got `str` - at `$.x`"),
        (reads_point, {"content": "{"}, 400, "JSON body: Input data was truncated"),
        (reads_any, {"content": "[1]"}, 200, "[1]"),
        (reads_any, {"content": "[" * 100_000}, 400, "JSON body: maximum recursion depth exceeded"),
        (reads_any, {"content": b'"\xff"'}, 400, "JSON body: "),
    ],
)
def test_wrong_input_is_a_reply_that_says_where(
    handler: Handler, request_: dict[str, Any], status: int, text: str
) -> None:
    """The client can mend its request; the handler needs no code for it, and nothing is logged."""
    reply, error = ask(handler, **request_)
    assert (reply.status_code, error) == (status, None)
    assert reply.text.startswith(text)


def test_the_body_is_read_once_and_kept() -> None:
    """Middleware and handler may both ask for it, in any way that loses nothing."""

    async def handler(ctx: RequestContext) -> None:
        body = await ctx.body()
        assert await ctx.body() is body
        assert ctx.content is body
        assert b"".join([piece async for piece in ctx.stream()]) == body
        ctx.bytes(body, content_type="x/y")

    reply, error = ask(handler, content=b"abc")
    assert (reply.content, reply.headers["content-type"], error) == (b"abc", "x/y", None)
    assert ask(handler)[0].content == b""


def test_the_body_can_be_taken_piece_by_piece() -> None:
    """Uploads larger than memory."""

    async def handler(ctx: RequestContext) -> None:
        size = 0
        async for piece in ctx.stream():
            size += len(piece)
        ctx.text(str(size))

    assert ask(handler, content=b"x" * 100_000)[0].text == "100000"


async def streams_then_body(ctx: RequestContext) -> None:
    async for _ in ctx.stream():
        pass
    await ctx.body()


async def streams_twice(ctx: RequestContext) -> None:
    ctx.stream()
    ctx.stream()


async def content_first(ctx: RequestContext) -> None:
    ctx.bytes(ctx.content)


async def redirects_wrongly(ctx: RequestContext) -> None:
    ctx.redirect("/", 200)


async def redirects_to_text(ctx: RequestContext) -> None:
    ctx.redirect("/a b\r\nx: y")


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (streams_then_body, "read twice"),
        (streams_twice, "read twice"),
        (content_first, "before the body was read"),
        (redirects_wrongly, "does not redirect"),
        (redirects_to_text, "percent-encoded"),
    ],
)
def test_misuse_is_a_clear_error(handler: Handler, message: str) -> None:
    """It is the author of the handler who must act."""
    reply, error = ask(handler, content=b"abc")
    assert reply.status_code == 500
    assert isinstance(error, UsageError)
    assert message in str(error)


def test_a_stream_that_nobody_would_send_is_refused() -> None:
    """Without a chain there is no one to send it."""

    async def source() -> Any:
        yield b""

    with pytest.raises(UsageError, match="hidden way"):
        RequestContext().stream(source())


def core_error(status: int) -> _core.CoreError:
    error = _core.CoreError("too much")
    error.fault, error.status = "peer", status
    return error


@pytest.mark.parametrize(
    ("raised", "expected", "status"),
    [
        (core_error(413), LimitExceeded, 413),
        (core_error(400), ProtocolError, 400),
        (_core.Disconnected("gone"), ClientDisconnected, 500),
    ],
)
def test_failing_reads_become_our_exceptions(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: type[Exception], status: int
) -> None:
    """The client is told what it did, where there is still a client; the cause is kept."""
    seen: list[BaseException] = []

    async def read(ctx: RequestContext) -> bytes:
        raise raised

    async def handler(ctx: RequestContext) -> None:
        try:
            await ctx.body()
        except Exception as error:
            seen.append(error)
            raise

    monkeypatch.setattr(RequestContext, "read", read)
    reply, _ = ask(handler, content=b"abc")
    assert reply.status_code == status
    (error,) = seen
    assert type(error) is expected
    assert error.__cause__ is raised


@pytest.mark.wire
def test_a_body_over_the_limit_is_told_to_the_client() -> None:
    """413 with the handler none the wiser, and LimitExceeded where it wants to know."""
    seen: list[BaseException] = []

    async def handler(ctx: RequestContext) -> None:
        try:
            await ctx.body()
        except LimitExceeded as error:
            seen.append(error)
            raise

    app = App()
    app.post("/")(handler)
    with TestClient(app, limit_body_bytes=10) as client:
        assert client.post("/", content=iter([b"x" * 20])).status_code == 413
    assert [error.limit for error in seen if isinstance(error, LimitExceeded)] in ([], ["limit_body_bytes"])


def test_replies_set_status_type_and_body() -> None:
    """Without `status`, the one in `ctx.status` counts."""

    async def handler(ctx: RequestContext) -> None:
        ctx.status = 201
        match ctx.query.get("as"):
            case "json":
                ctx.json({"a": 1})
            case "text":
                ctx.text("é", 202)
            case "html":
                ctx.html("<p>")
            case "empty":
                ctx.empty()
            case _:
                ctx.redirect("/elsewhere?a=%20", 303)

    def facts(kind: str) -> tuple[int, str, str | None]:
        reply, _ = ask(handler, f"/?as={kind}")
        return reply.status_code, reply.text, reply.headers.get("content-type")

    assert facts("json") == (201, '{"a":1}', "application/json")
    assert facts("text") == (202, "é", "text/plain; charset=utf-8")
    assert facts("html") == (201, "<p>", "text/html; charset=utf-8")
    assert facts("empty") == (204, "", None)
    reply, _ = ask(handler)
    assert (reply.status_code, reply.headers["location"]) == (303, "/elsewhere?a=%20")


def test_cookies_are_added_not_replaced() -> None:
    """Each has a line of its own (RFC 6265 section 3)."""

    async def handler(ctx: RequestContext) -> None:
        ctx.set_cookie("a", "1", http_only=True)
        ctx.delete_cookie("b", path="/x")
        ctx.empty()

    reply, _ = ask(handler)
    assert reply.headers.get_list("set-cookie") == [
        "a=1; Path=/; HttpOnly",
        "b=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/x",
    ]


@pytest.mark.parametrize(
    ("status", "detail", "text"),
    [
        (404, None, "Not Found"),
        (499, None, "499"),
        (403, "no", "no"),
        (422, {"field": "x"}, '{"field":"x"}'),
    ],
)
def test_abort_replies_and_stops(status: int, detail: object, text: str) -> None:
    """An unknown status has no phrase, and is no error."""

    async def handler(ctx: RequestContext) -> None:
        ctx.abort(status, detail)

    reply, error = ask(handler)
    assert (reply.status_code, reply.text, error) == (status, text, None)


def test_abort_drops_a_stream() -> None:
    """The error is the reply, not what was begun before it."""

    async def source() -> Any:
        yield b"never"

    async def handler(ctx: RequestContext) -> None:
        ctx.stream(source())
        ctx.abort(409, "changed")

    reply, _ = ask(handler)
    assert (reply.status_code, reply.text) == (409, "changed")
