"""The store: what was acknowledged is there, in order, and nothing else."""

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from viewer.older import make_older
from viewer.otlp import batch, request, span
from wirespan import _core
from wirespan.viewer import database, writer
from wirespan.viewer.errors import StoreBusy, StoreError
from wirespan.viewer.store import Store


def test_added_records_are_read_back_with_rising_numbers(store: Store) -> None:
    """`seq` is the cursor of live views: it may neither repeat nor go back."""

    async def add() -> None:
        await asyncio.gather(*(store.add(batch(3)) for _ in range(20)))

    asyncio.run(add())
    numbers = [seq for (seq,) in store.read("SELECT seq FROM stored_spans ORDER BY seq")]
    assert numbers == list(range(1, 61))
    facts = store.facts()
    assert (facts.spans, facts.requests, facts.last_seq, facts.pruned) == (60, 60, 60, 0)
    assert facts.oldest_ns is not None
    assert facts.newest_ns is not None
    assert facts.newest_ns >= facts.oldest_ns
    assert facts.bytes > 0
    assert store.path is not None


def test_a_transaction_takes_a_bounded_number_of_requests(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of many need not wait for the last."""
    monkeypatch.setattr(writer, "_MAX_GROUP", 1)
    commits: list[tuple[int, int]] = []

    async def add() -> None:
        store.subscribe(commits.append)
        await asyncio.gather(*(store.add(batch()) for _ in range(4)))

    asyncio.run(add())
    assert commits == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_resources_are_stored_once(store: Store) -> None:
    """A sender repeats its resource in each request."""

    async def add() -> None:
        for service in ("shop", "shop", "bank"):
            await store.add(batch(service=service))

    asyncio.run(add())
    assert store.read("SELECT service, attributes FROM resources ORDER BY service") == [
        ("bank", '{"service.name":"bank"}'),
        ("shop", '{"service.name":"shop"}'),
    ]


def test_a_reopened_store_goes_on_counting(tmp_path: Path) -> None:
    path = tmp_path / "viewer.duckdb"
    for expected in (2, 4):
        store = Store.open(path)
        asyncio.run(store.add(batch(2)))
        assert store.facts().last_seq == expected
        store.close()


def test_views_show_ids_as_hex(store: Store) -> None:
    asyncio.run(store.add(batch()))
    [(trace_id, span_id, parent_id, error)] = store.read(
        "SELECT trace_id, span_id, parent_id, error FROM requests"
    )
    assert (len(trace_id), len(span_id), parent_id, error) == (32, 16, None, False)


def test_subscribers_hear_of_each_commit(store: Store) -> None:
    """The live view polls nothing."""

    async def listen() -> list[tuple[int, int]]:
        heard: list[tuple[int, int]] = []
        end = store.subscribe(heard.append)
        await store.add(batch(2))
        await store.add(batch(3))
        end()
        end()
        await store.add(batch())
        return heard

    assert asyncio.run(listen()) == [(1, 2), (3, 5)]


def test_clear_removes_everything_and_counts_on(store: Store) -> None:
    async def change() -> None:
        await store.add(batch(2))
        await asyncio.gather(store.add(batch()), store.clear(), store.add(batch()))

    asyncio.run(change())
    assert store.read("SELECT seq FROM stored_spans") == [(4,)]
    assert store.read("SELECT count(*) FROM resources") == [(1,)]
    assert store.clears == 1


def test_reads_cannot_write(store: Store) -> None:
    with pytest.raises(duckdb.Error, match="read-only"):
        store.read("DELETE FROM stored_spans")


def test_readers_see_whole_commits_while_many_write(store: Store) -> None:
    """A trace that is half there would be shown as broken."""
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            with store.reading() as cursor:
                row = cursor.execute("SELECT count(*) FROM stored_spans").fetchone()
                again = cursor.execute("SELECT count(*) FROM stored_spans").fetchone()
            assert row == again
            assert row is not None
            seen.append(row[0])

    async def write() -> None:
        for _ in range(30):
            await asyncio.gather(*(store.add(batch(7)) for _ in range(3)))

    reader = threading.Thread(target=read)
    reader.start()
    asyncio.run(write())
    done.set()
    reader.join()
    assert len(seen) > 1, "the writer must not starve readers"
    assert [count % 7 for count in seen] == [0] * len(seen)


def test_a_store_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open()
    asyncio.run(store.add(batch(5)))
    assert store.facts().spans == 5
    assert store.facts().bytes > 0
    assert store.path is None
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "viewer.duckdb")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        asyncio.run(store.add(batch()))
    with pytest.raises(StoreError, match="is closed"):
        store.read("SELECT 1")


def test_an_empty_batch_is_no_work(store: Store) -> None:
    store.close()
    asyncio.run(store.add(batch(0)))


def test_what_waits_is_written_before_the_store_closes(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "viewer.duckdb")

    async def add() -> None:
        tasks = [asyncio.create_task(store.add(batch())) for _ in range(50)]
        await asyncio.sleep(0)
        await asyncio.to_thread(store.close)
        await asyncio.gather(*tasks)

    asyncio.run(add())
    store = Store.open(tmp_path / "viewer.duckdb")
    assert store.facts().spans == 50
    store.close()


def test_too_much_that_waits_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded where the disk is slower than the senders."""
    monkeypatch.setattr(writer, "_MAX_WAITING_BYTES", 1)

    async def add() -> list[object]:
        return await asyncio.gather(*(store.add(batch()) for _ in range(5)), return_exceptions=True)

    results = asyncio.run(add())
    assert results[0] is None, "a single batch is taken whatever its size"
    assert any(isinstance(result, StoreBusy) for result in results)


def test_a_cancelled_sender_harms_nobody(store: Store) -> None:
    async def add() -> None:
        cancelled = asyncio.create_task(store.add(batch()))
        other = asyncio.create_task(store.add(batch()))
        await asyncio.sleep(0)
        cancelled.cancel()
        await other

    asyncio.run(add())
    assert store.facts().spans == 2


def test_a_loop_that_is_gone_harms_nobody(store: Store) -> None:
    loop = asyncio.new_event_loop()

    async def start() -> None:
        store.subscribe(lambda _: None)
        task = asyncio.ensure_future(store.add(batch()))
        await asyncio.sleep(0)
        task.cancel()

    loop.run_until_complete(start())
    loop.close()
    asyncio.run(store.add(batch()))
    assert store.facts().spans == 2


def test_a_failed_write_is_told_to_its_senders_and_later_ones_work(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One whose reason we do not know: the log has all of it. `test_store_full.py` has those that we do."""
    inserts = writer._INSERTS["traces"]
    monkeypatch.setitem(writer._INSERTS, "traces", "INSERT INTO no_such_table SELECT 1")
    with pytest.raises(StoreError, match=r"could not write: .*no_such_table"):
        asyncio.run(store.add(batch()))
    assert "could not write 1 requests" in caplog.text
    monkeypatch.setitem(writer._INSERTS, "traces", inserts)
    asyncio.run(store.add(batch()))
    assert store.read("SELECT seq FROM stored_spans") == [(1,)]


def test_a_file_in_use_is_refused_with_its_name(tmp_path: Path) -> None:
    """Two viewers on one file is what a user does by accident. The lock is between processes."""
    path = tmp_path / "viewer.duckdb"
    program = (
        "import sys; from wirespan.viewer.store import Store; store = Store.open(sys.argv[1]);"
        "print('ready', flush=True); sys.stdin.read(); store.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        with pytest.raises(StoreError) as refused:
            Store.open(path)
        other.communicate()
    said = str(refused.value)
    assert said.startswith(f"{path} is in use by another process (")
    assert said.endswith(f", pid {other.pid}): stop that one, or give another file (--db, --view-db)")


def test_a_lock_whose_holder_is_unknown_is_told_without_one() -> None:
    said = database._explain(Path("x.duckdb"), OSError("IO Error: Could not set lock on file"))
    assert (
        said == "x.duckdb is in use by another process: stop that one, or give another file (--db, --view-db)"
    )


def test_a_directory_is_told_apart_from_a_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a directory: give the file in it, such as"):
        Store.open(tmp_path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "viewer.duckdb"
    path.write_bytes(b"this is not a database" * 1000)
    with pytest.raises(StoreError, match=r"cannot open .*viewer\.duckdb: .*If the file is damaged"):
        Store.open(path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no directory"):
        Store.open(tmp_path / "missing" / "viewer.duckdb")


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE important (x INTEGER)")
    with pytest.raises(StoreError, match="of another program"):
        Store.open(path)


@pytest.mark.parametrize(
    ("change", "found"),
    [("UPDATE wirespan_store SET version = 0", "version 0"), ("DELETE FROM wirespan_store", "no version")],
)
def test_tables_of_another_release_are_refused(tmp_path: Path, change: str, found: str) -> None:
    path = tmp_path / "viewer.duckdb"
    Store.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute(change)
    with pytest.raises(StoreError, match=rf"another release of wirespan .*{found}"):
        Store.open(path)


def test_missing_duckdb_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(StoreError, match=r"^the viewer needs duckdb: pip install 'wirespan\[view\]'$"):
        database.load_duckdb()


def test_a_database_that_gave_up_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fatal error, such as a full disk, DuckDB refuses everything until the file is opened anew."""
    store = Store.open(tmp_path / "a.duckdb")
    asyncio.run(store.add(batch(2)))

    def give_up(*_: object) -> None:
        store._database.close()
        raise duckdb.FatalException("database has been invalidated")

    with monkeypatch.context() as patched:
        patched.setattr(store._writer, "_execute_on", give_up)
        with pytest.raises(StoreError, match="could not write"):
            asyncio.run(store.add(batch(1)))
    asyncio.run(store.add(batch(1)))
    assert store.facts().spans == 3
    assert store.facts().last_seq == 3
    store.close()


def test_a_store_in_memory_that_gave_up_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store.open()

    def give_up(*_: object) -> None:
        store._database.close()
        raise duckdb.FatalException("database has been invalidated")

    monkeypatch.setattr(store._writer, "_execute_on", give_up)
    with pytest.raises(StoreError, match="could not write"):
        asyncio.run(store.add(batch(1)))
    assert "start the viewer again" in caplog.text
    store.close()


def test_spans_of_an_earlier_process_are_known(tmp_path: Path) -> None:
    again = batch(2)
    for _ in range(2):
        store = Store.open(tmp_path / "a.duckdb")
        asyncio.run(store.add(again))
        assert store.facts().spans == 2
        store.close()


def test_spans_whose_transaction_failed_are_taken_when_they_come_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = batch(2)
    with monkeypatch.context() as patched:
        patched.setattr(store._writer, "_execute_on", lambda *_: 1 / 0)
        with pytest.raises(StoreError):
            asyncio.run(store.add(again))
    asyncio.run(store.add(again))
    assert store.facts().spans == 2


def test_spans_that_come_again_after_hours_are_stored_once(tmp_path: Path) -> None:
    """A sender with a queue on disk repeats what is long forgotten here; other spans beside it are taken."""
    store = Store.open(tmp_path / "a.duckdb")
    old = [span() for _ in range(3)]
    asyncio.run(store.add(_decoded(*old)))
    store._writer._recent.clear()
    store._writer._recent.begin(time.time_ns())
    asyncio.run(store.add(_decoded(*old[:2], span())))
    assert store.facts().spans == 4
    asyncio.run(store.add(_decoded(*old)))
    assert store.facts().spans == 4
    store.close()


def test_a_process_that_does_not_know_all_its_file_asks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_RECENT", 2)
    old = [span() for _ in range(5)]
    for _ in range(2):
        store = Store.open(tmp_path / "a.duckdb")
        asyncio.run(store.add(_decoded(*old)))
        assert store.facts().spans == 5
        store.close()


def _decoded(*spans: Span) -> _core.Batch:
    return _core.decode("traces", "protobuf", request(*spans).SerializeToString())


def test_requests_have_their_measures_and_other_spans_none(store: Store) -> None:
    mixed = request(span(), span(kind=3, parent_span_id=b"12345678"), span(name="GET /b"))
    for _ in range(2):  # what is repeated is there once
        asyncio.run(store.add(_core.decode("traces", "protobuf", mixed.SerializeToString())))
    assert measured(store) == store.read(_REQUESTS)
    assert [row[1:4] for row in measured(store)] == [
        ("shop", None, "GET /users/{id}"),
        ("shop", None, "GET /b"),
    ]
    asyncio.run(store.clear())
    for table in ("measures", "routes", "calls"):
        assert store.read(f"SELECT count(*) FROM {table}") == [(0,)]


def measured(store: Store) -> list[tuple[object, ...]]:
    with store.statistics() as source:
        return source.read(_MEASURED)


def test_a_file_of_the_first_version_is_upgraded(tmp_path: Path) -> None:
    """Nobody has to throw away what was stored before."""
    path = tmp_path / "viewer.duckdb"
    store = Store.open(path)
    asyncio.run(store.add(batch(3)))
    store.close()
    make_older(path, 1)
    for count in (4, 5):
        store = Store.open(path)
        asyncio.run(store.add(batch(1, service="other")))
        assert measured(store) == store.read(_REQUESTS)
        assert store.read("SELECT count(*), count(scope_id) FROM requests") == [(count, 0)]
        assert store.read("SELECT version, (SELECT count(*) FROM routes) FROM wirespan_store") == [(3, 2)]
        assert store.facts().requests == count
        store.close()


_MEASURED = (
    "SELECT seq, service, method, route, start_ns, duration_ns, failed, http_status, run_ns "
    "FROM measures JOIN routes USING (route_id) ORDER BY seq"
)
_REQUESTS = (
    "SELECT seq, service, method, CASE WHEN method IS NULL THEN name ELSE route END, start_ns, duration_ns, "
    "status = 2 OR coalesce(http_status >= 500, false), http_status, run_ns "
    "FROM stored_spans WHERE is_request ORDER BY seq"
)
