"""ASGI 3.0, `http`: what an application is given and what it may do."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pytest

from harness import Client, Recorder, Server, request
from wirespan.serving import serving

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"ok"}


async def read(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def test_scope_is_complete(serve: Serve) -> None:
    scopes: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(dict(scope))
        await send(START)
        await send(BODY)

    server = serve(asgi=app)
    with server.connect() as client:
        client.send(b"GET /a%20b?c=%20d HTTP/1.1\r\nHost: x\r\nX-Name: v\r\nx-name: w\r\n\r\n")
        assert client.response().body == b"ok"
        peer = client.socket.getsockname()
    scope = scopes[0]
    assert scope["type"] == "http"
    assert scope["asgi"]["version"] == "3.0"
    assert scope["http_version"] == "1.1"
    assert (scope["method"], scope["scheme"]) == ("GET", "http")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b", b"/a%20b", b"c=%20d")
    assert scope["root_path"] == ""
    assert list(scope["headers"]) == [(b"host", b"x"), (b"x-name", b"v"), (b"x-name", b"w")]
    assert tuple(scope["client"]) == peer
    assert tuple(scope["server"]) == tuple(server.address)
    assert "wirespan" in scope["extensions"]


def test_body_comes_with_more_body(serve: Serve) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = await read(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body[:2], "more_body": True})
        await send({"type": "http.response.body", "body": body[2:]})

    with serve(asgi=app).connect() as client:
        client.send(request(method="POST", body=b"hello"))
        response = client.response()
        assert (response.body, response.get("transfer-encoding")) == (b"hello", "chunked")


def test_disconnect_is_told_when_the_client_is_gone(serve: Serve, recorder: Recorder) -> None:
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await read(receive)
        told.append((await receive())["type"])

    with serve(asgi=app, tracers=[recorder]).connect() as client:
        client.send(request())
        recorder.wait_started()
        client.close()
        assert recorder.one().end_reason == "client_disconnected"
    assert told == ["http.disconnect"]


def test_disconnect_is_told_when_the_response_is_complete(serve: Serve, recorder: Recorder) -> None:
    """Starlette listens for it in a task of its own while it streams."""
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await read(receive)
        waiting = asyncio.create_task(receive())
        await asyncio.sleep(0)
        assert not waiting.done()
        await send(START)
        await send(BODY)
        told.append((await waiting)["type"])

    with serve(asgi=app, tracers=[recorder]).connect() as client:
        client.send(request())
        assert client.response().body == b"ok"
        recorder.one()
    assert told == ["http.disconnect"]


def test_send_raises_oserror_when_the_client_is_gone(serve: Serve, recorder: Recorder) -> None:
    raised: list[BaseException] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        except OSError as error:
            raised.append(error)

    with serve(asgi=app, tracers=[recorder]).connect() as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        client.reset()
        assert recorder.one().end_reason == "client_disconnected"
    assert len(raised) == 1


WRONG: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "body before start": [BODY],
    "unknown type": [{"type": "http.nonsense"}],
    "no type": [{}],
    "start alone": [START],
    "status is text": [{"type": "http.response.start", "status": "200", "headers": []}, BODY],
    "header is text": [{"type": "http.response.start", "status": 200, "headers": [("a", "b")]}, BODY],
    "header splits": [
        {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b\r\nc: d")]},
        BODY,
    ],
    "body is text": [START, {"type": "http.response.body", "body": "ok"}],
}


@pytest.mark.parametrize("case", WRONG)
def test_application_that_breaks_the_protocol_is_a_500(serve: Serve, recorder: Recorder, case: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/ok":
            await send(START)
            await send(BODY)
        for message in WRONG[case]:
            await send(message)

    server = serve(asgi=app, tracers=[recorder])
    with server.connect() as client:
        response = client.get()
        assert response.status == 500
        assert b"c: d" not in response.raw
    assert recorder.one().end_reason == "handler_error"
    with server.connect() as client:
        assert client.get("/ok").body == b"ok"


def test_second_start_is_an_error_of_the_application(serve: Serve, recorder: Recorder) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send(START)

    with serve(asgi=app, tracers=[recorder]).connect() as client:
        client.send(request())
        assert b"0\r\n\r\n" not in client.read_all(), "cut off, not ended"
        assert recorder.one().end_reason == "handler_error"


def test_failing_application_says_nothing_to_the_client(serve: Serve) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("secret")

    server = serve(asgi=app)
    with server.connect() as client:
        response = client.get()
        assert response.status == 500
        assert b"secret" not in response.raw
    assert any(isinstance(error, LookupError) for _, error in server.errors)


def test_failure_after_the_start_closes_the_connection(serve: Serve) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        raise LookupError

    with serve(asgi=app).connect() as client:
        client.send(request())
        assert client.read_all().endswith(b"\r\n\r\n1\r\nx\r\n")


def test_sending_waits_for_a_slow_client(serve: Serve) -> None:
    sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1_024):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            sent += 1
        await send({"type": "http.response.body"})

    with serve(asgi=app).connect(receive_buffer=4_096) as client:
        client.send(request())
        client.read_until(b"\r\n\r\n")
        assert sent < 512, "32 MiB are more than all buffers on the way"
        assert len(client.read_until(b"\r\n0\r\n\r\n")) > 1_024 * 65_536


def test_each_request_has_a_context_of_its_own(serve: Serve) -> None:
    value: contextvars.ContextVar[str] = contextvars.ContextVar("value", default="unset")
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(value.get())
        value.set("set")
        await send(START)
        await send(BODY)

    with serve(asgi=app).connect() as client:
        for _ in range(3):
            assert client.get().body == b"ok"
    assert seen == ["unset"] * 3


def test_asyncio_tools_work(serve: Serve, loop: str) -> None:
    """The handler runs in a real task."""
    facts: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        facts.append(isinstance(task, asyncio.Task))
        facts.append(bool(task.get_stack()))
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            facts.append("timeout")
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))
        await send(START)
        await send(BODY)

    with serve(asgi=app, loop=loop).connect() as client:
        assert client.get().body == b"ok"
    assert facts == [True, True, "timeout"]


@pytest.mark.parametrize(
    "headers",
    [[[b"a", b"1"], [b"b", b"2"]], ((b"a", b"1"), [b"b", b"2"]), iter([(b"a", b"1"), iter((b"b", b"2"))])],
    ids=["lists", "mixed", "iterators"],
)
def test_response_headers_are_any_pairs(serve: Serve, headers: Any) -> None:
    """The specification says iterable of two-item iterables; many applications write lists."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(BODY)

    with serve(asgi=app).connect() as client:
        response = client.get()
    assert (response.status, response.get("a"), response.get("b")) == (200, "1", "2")


@pytest.mark.parametrize("pair", [[b"a"], [b"a", b"1", b"2"], b"ab", ("a", "1"), None])
def test_headers_that_are_no_pairs_of_bytes_are_refused(serve: Serve, pair: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [pair]})
        await send(BODY)

    server = serve(asgi=app)
    with server.connect() as client:
        assert client.get().status == 500
    assert isinstance(server.errors[0][1], TypeError)


def test_root_path_is_in_front_of_both_paths() -> None:
    """As under uvicorn: the proxy took the prefix off, and the application sees the whole path again."""
    scopes: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await send(START)
        await send(BODY)

    with (
        serving(app, root_path="/api", lifespan="off") as server,
        Client(("127.0.0.1", server.port)) as client,
    ):
        assert client.get("/a%20b").status == 200
    assert (scopes[0]["root_path"], scopes[0]["path"]) == ("/api", "/api/a b")
    assert scopes[0]["raw_path"] == b"/api/a%20b"
