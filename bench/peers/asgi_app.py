"""The benchmark's answers as a bare ASGI application: no framework, so the server is what is measured."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TEXT = (b"content-type", b"text/plain")
_JSON = (b"content-type", b"application/json")


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """ASGI entry point."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"] == "/":
        await _reply(send, _TEXT, b"Hello, World!")
    elif scope["path"].startswith("/users/"):
        user = scope["path"].removeprefix("/users/")
        await _reply(send, _JSON, json.dumps({"id": user}).encode())
    else:
        await _reply(send, _TEXT, str(await _body_len(receive)).encode())


async def _reply(send: Send, content_type: tuple[bytes, bytes], body: bytes) -> None:
    headers = [content_type, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body_len(receive: Receive) -> int:
    total, more = 0, True
    while more:
        message = await receive()
        total += len(message.get("body", b""))
        more = message.get("more_body", False)
    return total


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
