"""The store: everything that was received, in one DuckDB file or in memory.

One thread writes (`writer.py`), any thread reads. A read runs in a transaction of its own, read only, so
it sees whole commits and never half a batch, and waits for no writer.

Invariant: `add` returns after the commit is on disk. What was acknowledged survives a kill.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from wirespan._core import Batch
from wirespan.viewer.database import Database
from wirespan.viewer.prune import Limits, Pruner
from wirespan.viewer.writer import Committed, Writer

if TYPE_CHECKING:
    import duckdb

Row: TypeAlias = tuple[Any, ...]

DEFAULT_MAX_BYTES: Final = 4 * 1024**3
DEFAULT_MAX_AGE_S: Final = 7 * 24 * 3600.0

_FACTS: Final = """
    SELECT (SELECT count(*) FROM stored_spans), (SELECT count(*) FROM stored_spans WHERE is_request),
        (SELECT count(*) FROM logs), (SELECT count(*) FROM metrics),
        (SELECT min(start_ns) FROM stored_spans), (SELECT max(start_ns) FROM stored_spans)
"""


class Snapshot:
    """The store at one moment. Made by `Store.statistics`."""

    def __init__(self, cursor: "duckdb.DuckDBPyConnection") -> None:
        self._cursor = cursor

    def read(self, sql: str, params: Sequence[object] | dict[str, object] | None = None) -> list[Row]:
        """See `Store.read`."""
        return self._cursor.execute(sql, params).fetchall()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store holds.

    Attributes:
        spans: Rows of `stored_spans`, `requests` among them.
        requests: Spans of requests.
        logs: Log records.
        metric_points: Data points.
        bytes: What the data takes on disk, with the write-ahead log; without a file, in memory.
        oldest_ns: Start of the oldest span, None without spans.
        newest_ns: Start of the newest one.
        last_seq: The highest `seq` given out.
        pruned: Rows that were removed because of size or age since the store was opened.
        problem: Why nothing can be stored, such as a full disk; None where it can.
    """

    spans: int
    requests: int
    logs: int
    metric_points: int
    bytes: int
    oldest_ns: int | None
    newest_ns: int | None
    last_seq: int
    pruned: int
    problem: str | None


class Store:
    """Everything that was received. Made by `Store.open`.

    Attributes:
        clears: How often it was cleared.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._pruner = Pruner(database, limits)
        self._writer = Writer(database, self._pruner)
        self.clears = 0

    @classmethod
    def open(
        cls,
        path: Path | str | None = None,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_age_s: float = DEFAULT_MAX_AGE_S,
    ) -> Self:
        """Opens the file, or makes it.

        Args:
            path: The DuckDB file; None keeps everything in memory.
            max_bytes: The oldest rows are removed when there is more.
            max_age_s: Rows that arrived longer ago than this are removed.

        Raises:
            StoreError: `duckdb` is not installed, or the file is in use, damaged, or not ours.
        """
        database = Database.open(None if path is None else Path(path), max_bytes)
        return cls(database, Limits(max_bytes, max_age_s))

    @property
    def path(self) -> Path | None:
        """The file; None in memory."""
        return self._database.path

    async def add(self, batch: Batch) -> None:
        """Stores the records of one request. They are on disk when it returns.

        Raises:
            StoreBusy: More waits to be written than is sensible. The sender should try again later.
            StoreError: It could not be written, for example because the disk is full.
        """
        if batch.accepted:
            await self._writer.add(batch)

    def read(self, sql: str, params: Sequence[object] | dict[str, object] | None = None) -> list[Row]:
        """The rows of one query. Blocks: call it from a pool thread.

        Raises:
            duckdb.Error: The query is wrong, or wants to change something.
        """
        with self.reading() as cursor:
            return cursor.execute(sql, params).fetchall()

    @contextmanager
    def reading(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """A cursor inside a read-only transaction: several queries that see the same rows.

        Statements of users must be checked to be one SELECT before: a COMMIT would end the protection.
        """
        with self._database.reading() as cursor:
            yield cursor

    @contextmanager
    def statistics(self) -> Iterator["Snapshot"]:
        """What several queries read that must see the same rows, with all requests measured.

        Blocks: call it from a pool thread.
        """
        self._writer.catch_up()
        with self.reading() as cursor:
            yield Snapshot(cursor)

    def subscribe(self, callback: Callable[[Committed], None]) -> Callable[[], None]:
        """Calls `callback((first_seq, last_seq))` after each commit, on the event loop that runs now.

        Returns:
            A function that ends it.
        """
        return self._writer.subscribe(callback)

    async def clear(self) -> None:
        """Removes everything. `seq` goes on where it was."""
        await self._writer.clear()
        self.clears += 1

    def facts(self) -> Facts:
        """What the store holds. Blocks, like `read`."""
        spans, requests, logs, points, oldest, newest = self.read(_FACTS)[0]
        return Facts(
            spans,
            requests,
            logs,
            points,
            self._database.size_bytes(),
            oldest,
            newest,
            self._writer.last_seq,
            self._pruner.removed,
            self._writer.health.problem,
        )

    def close(self) -> None:
        """Writes what waits and closes the file. Later calls of `add` fail."""
        self._writer.close()
        self._database.close()
