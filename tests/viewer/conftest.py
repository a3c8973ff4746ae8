"""A fresh viewer for each test that asks for one."""

from collections.abc import Iterator

import pytest

from viewer.running import Running, running


@pytest.fixture
def viewer() -> Iterator[Running]:
    with running() as run:
        yield run
