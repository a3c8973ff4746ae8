"""Event streams whose client leaves while nothing is sent: the application hears of it at once."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from harness import DEADLINE_S, Recorder, Server, request

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]
LONG_S = 60.0


class Events:
    """One event, then silence; knows when it was ended."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    async def __call__(self) -> AsyncIterator[bytes]:
        try:
            yield b"data: 1\n\n"
            await asyncio.sleep(LONG_S)
        finally:
            self.ended.set()


def starlette_app(events: Events, *, middleware: bool) -> Any:
    from starlette.applications import Starlette  # noqa: PLC0415 - each framework only where it is tested
    from starlette.middleware import Middleware  # noqa: PLC0415
    from starlette.middleware.base import BaseHTTPMiddleware  # noqa: PLC0415
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import StreamingResponse  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    async def endpoint(_: Request) -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    async def pass_on(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    around = [Middleware(BaseHTTPMiddleware, dispatch=pass_on)] if middleware else []
    return Starlette(routes=[Route("/", endpoint)], middleware=around)


def litestar_app(events: Events) -> Any:
    from litestar import Litestar, get  # noqa: PLC0415
    from litestar.response import Stream  # noqa: PLC0415

    @get("/")
    async def endpoint() -> Stream:
        return Stream(events())

    return Litestar([endpoint], logging_config=None)


APPS: dict[str, Callable[[Events], Any]] = {
    "starlette": lambda events: starlette_app(events, middleware=False),
    "starlette behind middleware": lambda events: starlette_app(events, middleware=True),
    "litestar": litestar_app,
}


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("name", APPS)
def test_silent_event_stream_ends_with_its_client(
    serve: Serve, recorder: Recorder, loop: str, name: str, leave: str
) -> None:
    events = Events()
    server = serve(asgi=APPS[name](events), tracers=[recorder], loop=loop)
    client = server.connect()
    client.send(request())
    client.read_until(b"data: 1\n\n")
    getattr(client, leave)()
    assert events.ended.wait(DEADLINE_S)
    stats = recorder.one()
    assert (stats.status_code, stats.end_reason) == (200, "client_disconnected")
    assert server.errors == []
