"""Fixtures for every folder of tests."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from harness import Client, Recorder, Server, wait_for
from wirespan.opentelemetry import status

NOBODY = "http://127.0.0.1:9"  # the port of RFC 863: whoever listens on the default one gets nothing


@pytest.fixture(autouse=True, scope="session")
def no_default_receiver() -> Iterator[None]:
    """What a test exports without saying where to goes nowhere, from the processes that it starts, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", NOBODY)
        yield


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_counts() -> Iterator[None]:
    """Shells start what runs in the background with SIGINT ignored, and so would all that tests start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def unsent() -> set[str]:
    """Receivers that somebody still has spans for."""
    receivers = (each["destination"] for each in status() if each["queued"])
    return {receiver for receiver in receivers if receiver.startswith("http")}


@pytest.fixture(autouse=True)
def no_spans_are_left() -> Iterator[None]:
    """Spans that nobody takes any more are lost at the very end, with a complaint that names no test."""
    before = unsent()
    yield
    wait_for(lambda: unsent() <= before, "this test must close its exporter")


@pytest.fixture
def recorder() -> Recorder:
    """A tracer that keeps what it saw."""
    return Recorder()


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    """Both event loops."""
    return str(request.param)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers (see `Server`) that stop with the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Server(*args, **options))


@pytest.fixture
def client(serve: Callable[..., Server]) -> Iterator[Client]:
    """A connection to a server that answers `hello`."""
    with serve().connect() as connected:
        yield connected
