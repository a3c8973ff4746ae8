"""The ASGI lifespan protocol, with applications that keep to it and such that do not."""

import asyncio
import logging
from typing import Any

import pytest

from wirespan.asgi import Lifespan
from wirespan.loading import StartError


def scripted(*answers: dict[str, Any] | BaseException, log: list[str]) -> Any:
    """An application that takes one event and gives one answer for each that is listed."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["pool"] = "open"
        for answer in answers:
            log.append((await receive())["type"])
            if isinstance(answer, BaseException):
                raise answer
            await send(answer)

    return app


STARTED = {"type": "lifespan.startup.complete"}
STOPPED = {"type": "lifespan.shutdown.complete"}


def test_startup_and_shutdown_are_each_sent_once() -> None:
    """The state that start-up leaves is there for requests."""
    log: list[str] = []

    async def run() -> dict[str, Any]:
        lifespan = Lifespan(scripted(STARTED, STOPPED, log=log))
        await lifespan.startup()
        await lifespan.shutdown(1.0)
        await lifespan.shutdown(1.0)
        return lifespan.state

    assert asyncio.run(run()) == {"pool": "open"}
    assert log == ["lifespan.startup", "lifespan.shutdown"]


def test_application_that_asks_for_more_events_is_ended() -> None:
    """Nothing comes after the shutdown; it must not keep the process alive."""
    ended: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for answer in (STARTED, STOPPED):
            await receive()
            await send(answer)
        try:
            await receive()
        finally:
            ended.append("cancelled")

    async def run() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await lifespan.shutdown(0.01)

    asyncio.run(run())
    assert ended == ["cancelled"]


def test_failed_startup_has_the_applications_message() -> None:
    """The operator reads why the database was not reached."""
    app = scripted({"type": "lifespan.startup.failed", "message": "no database"}, log=[])
    with pytest.raises(StartError, match="the application's start-up failed: no database"):
        asyncio.run(Lifespan(app).startup())


async def refuses(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http", "only http is supported"


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_application_without_lifespan_is_fine(mode: str, caplog: pytest.LogCaptureFixture) -> None:
    """As the specification asks: the server goes on without it, and silently."""

    async def run() -> None:
        lifespan = Lifespan(refuses, mode)
        await lifespan.startup()
        await lifespan.shutdown(1.0)

    asyncio.run(run())
    assert not caplog.records


def test_lifespan_can_be_demanded() -> None:
    """With `on`, an application that does not take part is an error."""
    with pytest.raises(StartError, match="does not support lifespan: AssertionError: only http"):
        asyncio.run(Lifespan(refuses, "on").startup())


def test_error_after_the_startup_event_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """It is more likely a mistake than a framework without lifespan."""
    asyncio.run(Lifespan(scripted(ValueError("typo"), log=[])).startup())
    assert "that raised ValueError: typo" in caplog.text


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"type": "lifespan.shutdown.failed", "message": "lost"}, "shutdown failed: lost"),
        ({"type": "lifespan.shutdown.failed"}, "shutdown failed: it gave no reason"),
    ],
)
def test_failed_shutdown_is_logged(
    answer: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can be told otherwise: the server is going down."""

    async def run() -> None:
        lifespan = Lifespan(scripted(STARTED, answer, log=[]))
        await lifespan.startup()
        await lifespan.shutdown(1.0)

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert message in caplog.text


def test_shutdown_that_hangs_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    """The deadline holds for the application's code too."""
    cancelled = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(STARTED)
        await receive()
        try:
            await asyncio.Future()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def run() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await lifespan.shutdown(0.01)

    asyncio.run(run())
    assert cancelled
    assert "it took longer than 0.01 s" in caplog.text


def test_message_out_of_turn_is_the_applications_error() -> None:
    """It sees at once what it did wrong."""
    app = scripted({"type": "lifespan.shutdown.complete"}, log=[])
    with pytest.raises(StartError, match=r"'lifespan.shutdown.complete' is not expected now"):
        asyncio.run(Lifespan(app, "on").startup())
