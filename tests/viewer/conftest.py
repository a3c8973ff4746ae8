"""A viewer, and its receiver alone over a store, served by the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from viewer.running import Running, running
from wirespan import App
from wirespan.testing import TestClient
from wirespan.viewer.receiver import LIMIT_BYTES, add_receiver
from wirespan.viewer.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "viewer.duckdb")
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    app = App()
    add_receiver(app, store)
    with TestClient(app, limit_body_bytes=LIMIT_BYTES) as opened:
        yield opened


@pytest.fixture
def viewer() -> Iterator[Running]:
    """A whole viewer."""
    with running() as run:
        yield run
