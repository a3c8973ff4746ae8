"""Keeps the store within its size and age: the oldest rows go first, and are counted and logged.

DuckDB frees whole row groups (122,880 rows) at a checkpoint, and only what is freed counts here. The file
itself does not shrink: the space inside is used again.
"""

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wirespan.viewer.database import transaction
from wirespan.viewer.measures import UNUSED_ROUTES
from wirespan.viewer.schema import ARRIVAL_INTERVAL_NS, TABLE_OF_SIGNAL

if TYPE_CHECKING:
    import duckdb

    from wirespan.viewer.database import Database

_log: Final = logging.getLogger("wirespan.viewer")

_INTERVAL_S: Final = 5.0
_SHARE: Final = 0.1
"""Part of the rows that goes when there are too many bytes."""

_ALL: Final = 2**63 - 1
_FIRST_YOUNG: Final = """
    SELECT CASE WHEN count(*) = 0 THEN 0 ELSE coalesce(min(seq) FILTER (WHERE at_ns > ?), ?) END FROM arrivals
"""
_OLD_ARRIVALS: Final = "DELETE FROM arrivals WHERE seq < (SELECT max(seq) FROM arrivals WHERE seq <= ?)"
_USED: Final = " UNION ".join(
    f"SELECT {{key}} FROM {table} WHERE {{key}} IS NOT NULL"  # noqa: S608 - our own names
    for table in TABLE_OF_SIGNAL.values()
)
_UNUSED_SOURCES: Final = tuple(
    f"DELETE FROM {table} WHERE {key} NOT IN ({_USED.format(key=key)})"  # noqa: S608
    for table, key in (("resources", "resource_id"), ("scopes", "scope_id"))
)
_FIRST_AND_LAST: Final = """
    SELECT coalesce(min(low), 0), coalesce(max(high), 0) FROM (
        SELECT min(seq) AS low, max(seq) AS high FROM stored_spans UNION ALL
        SELECT min(seq), max(seq) FROM logs UNION ALL
        SELECT min(seq), max(seq) FROM metrics
    )
"""


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
        removed = _remove_before(cursor, self._first_young(cursor))
        if not removed and self._is_too_large(cursor):
            low, high = _row(cursor, _FIRST_AND_LAST)
            removed = _remove_before(cursor, low + int((high - low) * _SHARE) + 1)
        if removed:
            self.removed += removed
            for unused in (*_UNUSED_SOURCES, UNUSED_ROUTES):
                cursor.execute(unused)
            cursor.execute("CHECKPOINT")
            _log.info("the store removed its %d oldest rows", removed)
        return removed > 0

    def _first_young(self, cursor: "duckdb.DuckDBPyConnection") -> int:
        oldest_ns = time.time_ns() - int(self._limits.max_age_s * 1e9)
        return _row(cursor, _FIRST_YOUNG, oldest_ns - ARRIVAL_INTERVAL_NS, _ALL)[0]

    def _is_too_large(self, cursor: "duckdb.DuckDBPyConnection") -> bool:
        if self._database.size_bytes() <= self._limits.max_bytes:
            return False
        cursor.execute("CHECKPOINT")  # what is only in the log takes less in the tables
        return self._database.size_bytes() > self._limits.max_bytes


def _remove_before(cursor: "duckdb.DuckDBPyConnection", first_kept: int) -> int:
    """In one transaction: requests go with their measures and calls."""
    with transaction(cursor):
        removed = sum(
            _row(cursor, f"DELETE FROM {table} WHERE seq < ?", first_kept)[0]  # noqa: S608 - our own names
            for table in TABLE_OF_SIGNAL.values()
        )
        if removed:
            for table in ("measures", "calls"):
                _row(cursor, f"DELETE FROM {table} WHERE seq < ?", first_kept)  # noqa: S608 - our own names
            _row(cursor, _OLD_ARRIVALS, first_kept)
    return removed


def _row(cursor: "duckdb.DuckDBPyConnection", sql: str, *params: int) -> tuple[int, ...]:
    row: tuple[int, ...] | None = cursor.execute(sql, list(params)).fetchone()
    return row or (0,)
