"""The one thread that writes: group commit.

Requests that arrive while a transaction runs wait together and are the next transaction. So one sender waits
for one commit, and a thousand senders share one: the more there is to do, the less each span costs.

Invariant: a request's future is resolved after COMMIT has returned, which syncs the write-ahead log to disk.
"""

import asyncio
import contextlib
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from wirespan import _core
from wirespan.viewer.database import transaction
from wirespan.viewer.errors import StoreBusy, StoreError
from wirespan.viewer.health import Health, first_line
from wirespan.viewer.measurer import Measurer
from wirespan.viewer.schema import ARRIVAL_INTERVAL_NS, TABLE_OF_SIGNAL, TABLES

if TYPE_CHECKING:
    from wirespan.viewer.database import Database
    from wirespan.viewer.prune import Pruner

Committed: TypeAlias = tuple[int, int]
"""First and last `seq` of a commit."""

_log: Final = logging.getLogger("wirespan.viewer")

_MAX_WAITING_BYTES: Final = 256 * 1024**2
_MAX_GROUP: Final = 1024
_LAG: Final = 65_536
"""Records that are not measured, at most: a question of statistics waits for them."""
_PATIENCE_S: Final = 5.0
"""How long a question waits while the disk is slower than that; it then has older numbers."""

_LAST_SEQ: Final = """
    SELECT max(seq) FROM (
        SELECT max(seq) AS seq FROM stored_spans UNION ALL
        SELECT max(seq) FROM logs UNION ALL
        SELECT max(seq) FROM metrics
    )
"""
_RECENT: Final = 65_536
"""Spans of an earlier process that are known when their sender repeats them."""
_RECENT_SPANS: Final = "SELECT trace_lo, span_id, start_ns FROM stored_spans WHERE seq > ?"
_HAS_OLDER_SPANS: Final = "SELECT count(*) > 0 FROM stored_spans WHERE seq <= ?"
_STORED_SPANS: Final = """
    SELECT trace_lo, span_id, start_ns FROM stored_spans
    SEMI JOIN incoming USING (trace_lo, span_id, start_ns)
"""
"""Zone maps of `start_ns` cut this to the row groups of the time in question."""
_INSERTS: Final = {
    signal: f"INSERT INTO {table} SELECT * FROM incoming"  # noqa: S608 - our own names
    for signal, table in TABLE_OF_SIGNAL.items()
}
_NEW_SOURCES: Final = tuple(
    f"INSERT INTO {table} SELECT DISTINCT ON ({key}) * FROM incoming "  # noqa: S608 - our own names
    f"WHERE {key} NOT IN (SELECT {key} FROM {table})"
    for table, key in (("resources", "resource_id"), ("scopes", "scope_id"))
)
_STORED_SOURCES: Final = "SELECT resource_id FROM resources UNION ALL SELECT scope_id FROM scopes"


@dataclass(slots=True, eq=False)
class _Job:
    """A batch to store, or None to remove everything, and who waits for it."""

    batch: _core.Batch | None
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"
    bytes: int


@dataclass(slots=True, eq=False)
class _Subscriber:
    loop: asyncio.AbstractEventLoop
    callback: Callable[[Committed], None] = field(repr=False)


class Writer:
    """Owns the thread and the numbering.

    Args:
        database: What it writes to.
        pruner: Asked after each commit, and every `idle_s` seconds without one.
        idle_s: Seconds.

    Attributes:
        health: Whether it can write.
    """

    def __init__(self, database: "Database", pruner: "Pruner", *, idle_s: float = 5.0) -> None:
        self.health = Health(database.path)
        self._pruner = pruner
        self._idle_s = idle_s
        self._jobs: queue.SimpleQueue[_Job | threading.Event | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._closed = False
        self._subscribers: list[_Subscriber] = []
        self._database = database
        self._look()
        self._thread = threading.Thread(target=self._run, name="wirespan-store", daemon=True)
        self._thread.start()

    # On any event loop.

    async def add(self, batch: _core.Batch) -> None:
        """See `Store.add`."""
        await self._put(batch, batch.memory_bytes)

    async def clear(self) -> None:
        """See `Store.clear`."""
        await self._put(None, 0)

    async def _put(self, batch: _core.Batch | None, size: int) -> None:
        loop = asyncio.get_running_loop()
        job = _Job(batch, loop, loop.create_future(), size)
        with self._lock:
            if self._closed:
                raise StoreError("the store is closed")
            if self._waiting_bytes and self._waiting_bytes + size > _MAX_WAITING_BYTES:
                raise StoreBusy("the store cannot write as fast as records arrive: send again later")
            self._waiting_bytes += size
            self._jobs.put(job)
        await job.done

    def catch_up(self) -> None:
        """Returns when the requests that are stored are measured. Blocks: not for an event loop."""
        if self._measurer.until >= self.last_seq:
            return
        measured = threading.Event()
        with self._lock:
            if self._closed:
                raise StoreError("the store is closed")
            self._jobs.put(measured)
        measured.wait(_PATIENCE_S)

    def subscribe(self, callback: Callable[[Committed], None]) -> Callable[[], None]:
        """See `Store.subscribe`."""
        subscriber = _Subscriber(asyncio.get_running_loop(), callback)
        with self._lock:
            self._subscribers.append(subscriber)

        def end() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._subscribers.remove(subscriber)

        return end

    def close(self) -> None:
        """Writes what waits and ends the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()
        # Given up as well: DuckDB complains of objects that live until the interpreter ends.
        cursor = self.__dict__.pop("_cursor", None)
        if cursor is not None:
            cursor.close()

    # On the writer's thread, the first one also when it is made.

    def _look(self) -> None:
        """Reads from the database what the next rows depend on."""
        self._cursor = self._database.cursor()
        self._measurer = Measurer(self._cursor)
        self._sources = self._stored_sources()
        self._next_arrival_ns = 0
        self.last_seq = self._highest_seq()
        self._recent = _core.RecentSpans()
        first = self.last_seq - _RECENT
        for span in self._cursor.execute(_RECENT_SPANS, [first]).fetchall():
            self._recent.remember(*span)
        if (self._cursor.execute(_HAS_OLDER_SPANS, [first]).fetchone() or (False,))[0]:
            self._recent.begin(time.time_ns())

    def _run(self) -> None:
        more = True
        while more:
            group, asked, more = self._next_group()
            if group:
                self._store(group)
            if asked or not group or self.last_seq - self._measurer.until >= _LAG:
                self._measure()
            for measured in asked:
                measured.set()
            if more:
                self._prune()

    def _next_group(self) -> tuple[list[_Job], list[threading.Event], bool]:
        """All jobs that wait, those who ask for measures, and whether there may be more later."""
        group: list[_Job] = []
        asked: list[threading.Event] = []
        with contextlib.suppress(queue.Empty):
            while len(group) < _MAX_GROUP:
                job = self._jobs.get_nowait() if group or asked else self._jobs.get(timeout=self._idle_s)
                if job is None:
                    return group, asked, False
                if isinstance(job, _Job):
                    group.append(job)
                else:
                    asked.append(job)
        return group, asked, True

    def _store(self, group: list[_Job]) -> None:
        error: StoreError | None = None
        first = self.last_seq + 1
        try:
            self._commit(group)
            self.health.worked()
        except Exception as caught:  # noqa: BLE001 - whatever it is, the senders must hear of it
            error = self.health.failed(caught, len(group))
            self._recover()
        with self._lock:
            self._waiting_bytes -= sum(job.bytes for job in group)
            subscribers = list(self._subscribers)
        if error is None and self.last_seq >= first:
            for subscriber in subscribers:
                _call(subscriber.loop, subscriber.callback, (first, self.last_seq))
        # After the subscribers: whoever waits on the same loop finds them told.
        for loop, jobs in _by_loop(group).items():
            _call(loop, _resolve, jobs, error)

    def _recover(self) -> None:
        """After an error: a COMMIT may have written its rows, or DuckDB may have given up."""
        try:
            if self._database.is_lost():
                self._database.reopen()
                _log.warning("the store was opened again after an error")
            self._look()
        except Exception as error:  # noqa: BLE001 - told to the senders; the next request tries again
            _log.error("the store cannot be opened again: %s", first_line(error))

    def _commit(self, group: list[_Job]) -> None:
        known, next_seq = set(self._sources), self.last_seq + 1
        try:
            with transaction(self._cursor):
                for batches in _steps(group):
                    if batches:
                        next_seq = self._insert(batches, next_seq, known)
                    else:
                        self._remove_all()
                        known.clear()
        except BaseException:
            self._recent.forget()
            self._next_arrival_ns = 0
            raise
        self._recent.keep(time.time_ns())
        self._sources = known
        self.last_seq = next_seq - 1

    def _note_arrival(self, next_seq: int) -> None:
        now = time.time_ns()
        if now >= self._next_arrival_ns:
            self._cursor.execute("INSERT INTO arrivals VALUES (?, ?)", [next_seq, now])
            self._next_arrival_ns = now + ARRIVAL_INTERVAL_NS

    def _insert(self, batches: dict[str, list[_core.Batch]], next_seq: int, known: set[int]) -> int:
        self._note_arrival(next_seq)
        for signal, parts in batches.items():
            if signal == "traces":
                self._recall(parts)
            records, *sources = _core.stack(parts, next_seq, self._recent)
            if not len(records):  # all came before
                continue
            self._execute_on(records, _INSERTS[signal])
            found = {number for part in parts for number in part.source_ids}
            if not found <= known:
                for table, sql in zip(sources, _NEW_SOURCES, strict=True):
                    self._execute_on(table, sql)
                known |= found
            next_seq += len(records)
        return next_seq

    def _recall(self, parts: list[_core.Batch]) -> None:
        """Remembers spans that come again after so long that they were forgotten."""
        doubtful = self._recent.doubtful(parts)
        if len(doubtful):
            for span in self._execute_on(doubtful, _STORED_SPANS):
                self._recent.remember(*span)

    def _measure(self) -> None:
        try:
            self._measurer.catch_up(self._cursor, self.last_seq)
            self.health.measured()
        except Exception as caught:  # noqa: BLE001 - the spans are safe; statistics have older numbers
            self.health.failed(caught, 0)
            self._recover()

    def _execute_on(self, table: _core.Table, sql: str) -> list[tuple[Any, ...]]:
        self._cursor.register("incoming", table)
        try:
            return self._cursor.execute(sql).fetchall()
        finally:
            with contextlib.suppress(Exception):  # refused after an error; the next table takes its place
                self._cursor.unregister("incoming")

    def _remove_all(self) -> None:
        self._next_arrival_ns = 0
        self._recent.clear()
        for table in TABLES:
            self._cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def _prune(self) -> None:
        try:
            if self._pruner.prune_if_due(self._cursor):
                self._sources = self._stored_sources()
        except Exception as caught:  # noqa: BLE001 - what was received is safe; the next time it may work
            _log.error("the store could not remove old rows: %s", first_line(caught))
            self._recover()

    def _stored_sources(self) -> set[int]:
        return {number for (number,) in self._cursor.execute(_STORED_SOURCES).fetchall()}

    def _highest_seq(self) -> int:
        row = self._cursor.execute(_LAST_SEQ).fetchone()
        return int(row[0]) if row and row[0] is not None else 0


def _steps(group: list[_Job]) -> list[dict[str, list[_core.Batch]]]:
    """Batches by signal, those before and after a clear apart; an empty step is a clear."""
    steps: list[dict[str, list[_core.Batch]]] = []
    for is_clear, jobs in itertools.groupby(group, lambda job: job.batch is None):
        step: dict[str, list[_core.Batch]] = {}
        for job in () if is_clear else jobs:
            batch = cast("_core.Batch", job.batch)
            step.setdefault(batch.signal, []).append(batch)
        steps.append(step)
    return steps


def _by_loop(group: list[_Job]) -> dict[asyncio.AbstractEventLoop, list[_Job]]:
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in group:
        loops.setdefault(job.loop, []).append(job)
    return loops


def _resolve(jobs: list[_Job], error: StoreError | None) -> None:
    for job in jobs:
        if job.done.done():  # whoever waited was cancelled
            continue
        if error is None:
            job.done.set_result(None)
        else:
            job.done.set_exception(error)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(function, *args)
