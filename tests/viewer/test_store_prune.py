"""Size cap and age limit: the oldest rows go, the newest stay."""

import asyncio
import time
from pathlib import Path

import duckdb
import pytest

from viewer.otlp import batch, request, span
from wirespan import _core
from wirespan.viewer import prune
from wirespan.viewer.database import Database
from wirespan.viewer.prune import Limits, Pruner
from wirespan.viewer.store import Store
from wirespan.viewer.writer import Writer

HOUR_S = 3600


def age(database: Database, opened: Writer) -> None:
    """As if two hours had passed."""
    cursor = database.cursor()
    cursor.execute("UPDATE arrivals SET at_ns = at_ns - ?", [2 * HOUR_S * 10**9])
    cursor.close()
    opened._next_arrival_ns = 0


def test_rows_that_arrived_too_long_ago_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their own times do not count: clocks are wrong, and what is imported is old on purpose."""
    caplog.set_level("INFO", "wirespan.viewer")
    database = Database.open(tmp_path / "viewer.duckdb", 10**9)
    pruner = Pruner(database, Limits(10**9, HOUR_S))
    pruner._next = float("inf")  # it looks when the test says so
    opened = Writer(database, pruner)
    ancient = request(span(start_time_unix_nano=1, end_time_unix_nano=2)).SerializeToString()

    async def add() -> None:
        await opened.add(batch(3))
        age(database, opened)
        await opened.add(_core.decode("traces", "protobuf", ancient))

    asyncio.run(add())
    opened.close()
    cursor = database.cursor()
    assert pruner.prune(cursor)
    assert not pruner.prune(cursor)
    assert cursor.execute("SELECT seq FROM stored_spans").fetchall() == [(4,)]
    assert cursor.execute("SELECT seq FROM measures").fetchall() == [(4,)]
    assert cursor.execute("SELECT count(*) FROM routes").fetchall() == [(1,)]
    assert cursor.execute("SELECT seq FROM arrivals").fetchall() == [(4,)]
    assert pruner.removed == 3
    cursor.close()
    database.close()
    assert "removed its 3 oldest rows" in caplog.text


@pytest.mark.parametrize("in_memory", [False, True])
def test_the_oldest_tenth_goes_until_the_size_fits(tmp_path: Path, in_memory: bool) -> None:
    database = Database.open(None if in_memory else tmp_path / "viewer.duckdb", 10**9)
    cursor = database.cursor()
    cursor.execute(
        "INSERT INTO logs SELECT i, NULL, NULL, NULL, ?, 9, NULL, md5(i::VARCHAR), 's', 1, '', '{}', NULL "
        "FROM range(1, 1000001) t(i)",
        [time.time_ns()],
    )
    cursor.execute("CHECKPOINT")
    full = database.size_bytes()
    pruner = Pruner(database, Limits(int(full * 0.8), HOUR_S))
    rounds = 0
    while pruner.prune(cursor):
        rounds += 1
    assert 1 <= rounds <= 4
    assert database.size_bytes() <= full * 0.8
    row = cursor.execute("SELECT min(seq), max(seq), count(*) FROM logs").fetchone()
    assert row is not None
    assert row[1] == 1_000_000, "the newest stay"
    assert row[2] == 1_000_000 - row[0] + 1 == 1_000_000 - pruner.removed
    cursor.close()
    database.close()


def test_an_empty_store_over_its_size_is_left_alone(tmp_path: Path) -> None:
    """The tables themselves take a few blocks."""
    database = Database.open(tmp_path / "viewer.duckdb", 10**9)
    cursor = database.cursor()
    assert not Pruner(database, Limits(0, HOUR_S)).prune(cursor)
    cursor.close()
    database.close()


def test_resources_without_rows_go_and_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer remembers which resources are stored; after pruning it must forget."""
    monkeypatch.setattr(prune, "_INTERVAL_S", 0.0)
    database = Database.open(tmp_path / "viewer.duckdb", 10**9)
    pruner = Pruner(database, Limits(10**9, HOUR_S))
    opened = Writer(database, pruner, idle_s=0.01)

    async def add() -> None:
        await opened.add(batch(service="first"))
        age(database, opened)
        await opened.add(batch(service="second"))
        while not pruner.removed:
            await asyncio.sleep(0.01)
        await opened.add(batch(service="first"))

    asyncio.run(add())
    with database.reading() as cursor:
        rows = cursor.execute("SELECT service FROM resources ORDER BY service").fetchall()
    assert rows == [("first",), ("second",)]
    opened.close()
    database.close()


def test_an_idle_store_forgets_its_last_rows_too(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "viewer.duckdb", 10**9)
    pruner = Pruner(database, Limits(10**9, HOUR_S))
    pruner._next = float("inf")  # it looks when the test says so
    opened = Writer(database, pruner)
    asyncio.run(opened.add(batch(3)))
    age(database, opened)
    opened.close()
    cursor = database.cursor()
    assert pruner.prune(cursor)
    assert cursor.execute("SELECT count(*) FROM stored_spans").fetchall() == [(0,)]
    cursor.close()
    database.close()


def test_a_failed_look_is_logged_and_writing_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> bool:
        raise OSError("no space")

    monkeypatch.setattr(Pruner, "prune_if_due", fail)
    store = Store.open(tmp_path / "viewer.duckdb")

    async def add() -> None:
        await store.add(batch())
        await store.add(batch())

    asyncio.run(add())
    store.close()
    assert "could not remove old rows" in caplog.text


def test_pruning_that_fails_halfway_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request without its measures would be in the list and in no statistics."""
    database = Database.open(tmp_path / "viewer.duckdb", 10**9)
    pruner = Pruner(database, Limits(10**9, HOUR_S))
    pruner._next = float("inf")
    opened = Writer(database, pruner)
    asyncio.run(opened.add(batch(3)))
    age(database, opened)
    opened.close()
    cursor = database.cursor()
    with monkeypatch.context() as patched:
        patched.setattr(prune, "_OLD_ARRIVALS", "DELETE FROM no_such_table WHERE seq < ?")
        with pytest.raises(duckdb.Error, match="no_such_table"):
            pruner.prune(cursor)
    assert cursor.execute("SELECT count(*) FROM stored_spans").fetchall() == [(3,)]
    assert pruner.prune(cursor)
    cursor.close()
    database.close()
