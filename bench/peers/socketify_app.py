"""The benchmark's answers on socketify: `socketify_app.py PORT [async]`.

`async` measures coroutine handlers; without it they are plain functions, socketify's fastest way.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from socketify import App


def hello(res: Any, _req: Any) -> None:
    """GET / ."""
    res.write_header("content-type", "text/plain")
    res.end("Hello, World!")


async def hello_async(res: Any, _req: Any) -> None:
    """GET / as a coroutine."""
    res.write_header("content-type", "text/plain")
    res.cork_end("Hello, World!")


def user(res: Any, req: Any) -> None:
    """GET /users/:id ."""
    res.write_header("content-type", "application/json")
    res.end(json.dumps({"id": req.get_parameter(0)}))


def main() -> None:
    """Serves until it is killed."""
    app = App()
    app.get("/", hello_async if "async" in sys.argv[2:] else hello)
    app.get("/users/:id", user)
    app.listen(int(sys.argv[1]))
    app.run()


main()
