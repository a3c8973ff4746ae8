"""Which kind of application something is, and how each kind is called."""

import asyncio
import functools
import sys
from typing import Any

import flask
import pytest

from wirespan.app import App
from wirespan.asgi import as_asgi, interface_of
from wirespan.loading import StartError


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "from", "app": scope["type"]})


class Asgi2:
    """An application of ASGI 2: first the scope, then the channels."""

    def __init__(self, scope: Any) -> None:
        self.scope = scope

    async def __call__(self, receive: Any, send: Any) -> None:
        await send({"type": "from", "app": self.scope["type"]})


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        (App(), "native"),
        (asgi, "asgi"),
        (functools.partial(asgi), "asgi"),
        (lambda *arguments: None, "asgi"),
        (dict, "asgi"),  # without a signature
        (Asgi2, "asgi2"),
        (wsgi, "wsgi"),
        (flask.Flask("shop"), "wsgi"),
    ],
)
def test_interface_is_told_by_the_call(app: Any, expected: str) -> None:
    """Nobody has to say what they wrote."""
    assert interface_of(app) == expected


@pytest.mark.parametrize(
    ("app", "message"),
    [
        (3, "a int is not an application: it cannot be called"),
        (lambda: None, "is it a factory"),
        (lambda a, b, c, d: None, "takes 4 arguments"),
    ],
)
def test_what_is_no_application_is_refused(app: Any, message: str) -> None:
    """With the reason, before anything is bound."""
    with pytest.raises(StartError, match=message):
        interface_of(app)


@pytest.mark.parametrize(("app", "interface"), [(asgi, "asgi"), (Asgi2, "asgi2")])
def test_both_asgi_versions_are_called_alike(app: Any, interface: str) -> None:
    """The binding knows only the newer one."""
    sent: list[Any] = []

    async def run() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        await as_asgi(app, interface, 1)({"type": "http"}, None, send)  # type: ignore[arg-type]

    asyncio.run(run())
    assert sent == [{"type": "from", "app": "http"}]


def test_wsgi_needs_a2wsgi(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is optional, so the message says how to get it."""
    monkeypatch.setitem(sys.modules, "a2wsgi", None)
    with pytest.raises(StartError, match="pip install a2wsgi"):
        as_asgi(wsgi, "wsgi", 1)
