"""The benchmark's answers on granian's own interface, RSGI."""

from __future__ import annotations

import json
from typing import Any

_TEXT = [("content-type", "text/plain")]
_JSON = [("content-type", "application/json")]


async def app(scope: Any, protocol: Any) -> None:
    """RSGI entry point."""
    if scope.path == "/":
        protocol.response_bytes(200, _TEXT, b"Hello, World!")
    elif scope.path.startswith("/users/"):
        body = json.dumps({"id": scope.path.removeprefix("/users/")})
        protocol.response_str(200, _JSON, body)
    else:
        body = str(len(await protocol()))
        protocol.response_str(200, _TEXT, body)
