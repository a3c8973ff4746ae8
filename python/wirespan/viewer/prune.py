"""Keeps the store within its size and age: the oldest rows go first, and are counted and logged.

DuckDB frees whole row groups (122,880 rows) at a checkpoint, and only what is freed counts here. The file itself
does not shrink: the space inside is used again.
"""

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wirespan.viewer.schema import TABLE_OF_SIGNAL

if TYPE_CHECKING:
    import duckdb

    from wirespan.viewer.database import Database

_log: Final = logging.getLogger("wirespan.viewer")

_INTERVAL_S: Final = 5.0
_SHARE: Final = 0.1
"""Part of the rows that goes when there are too many bytes."""

_END_OF_ROW: Final = {"stored_spans": "start_ns + duration_ns", "logs": "time_ns", "metrics": "time_ns"}

_UNUSED_RESOURCES: Final = "DELETE FROM resources WHERE resource_id NOT IN (" + (
    " UNION ".join(f"SELECT resource_id FROM {table}" for table in TABLE_OF_SIGNAL.values()) + ")"  # noqa: S608 - our own names
)
_FIRST_AND_LAST: Final = "SELECT min(low), max(high) FROM (" + (
    " UNION ALL ".join(
        f"SELECT min(seq) AS low, max(seq) AS high FROM {table}"  # noqa: S608 - our own names
        for table in TABLE_OF_SIGNAL.values()
    )
    + ")"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept: bytes, and seconds."""

    max_bytes: int
    max_age_s: float


class Pruner:
    """Removes the oldest rows. Used by the writer, on its thread.

    Attributes:
        removed: Rows so far.
    """

    def __init__(self, database: "Database", limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._next = 0.0
        self.removed = 0

    def prune_if_due(self, cursor: "duckdb.DuckDBPyConnection") -> bool:
        """Looks at size and age, at most once in a few seconds. True when rows were removed."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _INTERVAL_S
        return self.prune(cursor)

    def prune(self, cursor: "duckdb.DuckDBPyConnection") -> bool:
        """Looks at size and age now. True when rows were removed."""
        removed = self._remove_old(cursor) + self._remove_surplus(cursor)
        if removed:
            self.removed += removed
            cursor.execute(_UNUSED_RESOURCES)
            cursor.execute("CHECKPOINT")
            _log.info("the store removed its %d oldest rows", removed)
        return removed > 0

    def _remove_old(self, cursor: "duckdb.DuckDBPyConnection") -> int:
        oldest_ns = int((time.time() - self._limits.max_age_s) * 1e9)
        return sum(
            _delete(cursor, f"DELETE FROM {table} WHERE {end} < ?", oldest_ns)  # noqa: S608 - our own names
            for table, end in _END_OF_ROW.items()
        )

    def _remove_surplus(self, cursor: "duckdb.DuckDBPyConnection") -> int:
        if self._database.size_bytes() <= self._limits.max_bytes:
            return 0
        cursor.execute("CHECKPOINT")  # what is only in the log takes less in the tables
        low, high = _row(cursor, _FIRST_AND_LAST)
        if low is None or self._database.size_bytes() <= self._limits.max_bytes:
            return 0
        first_kept = low + int((high - low) * _SHARE) + 1
        return sum(
            _delete(cursor, f"DELETE FROM {table} WHERE seq < ?", first_kept)  # noqa: S608 - our own names
            for table in TABLE_OF_SIGNAL.values()
        )


def _delete(cursor: "duckdb.DuckDBPyConnection", sql: str, bound: int) -> int:
    return int(_row(cursor, sql, bound)[0] or 0)


def _row(cursor: "duckdb.DuckDBPyConnection", sql: str, *params: int) -> tuple[int | None, ...]:
    return cursor.execute(sql, list(params)).fetchone() or (None, None)
