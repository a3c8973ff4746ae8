"""Keeps the store within its size and age: the oldest rows go first, and are counted and logged."""

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

    from wirespan.viewer.database import Database

_log: Final = logging.getLogger("wirespan.viewer")

_INTERVAL_S: Final = 5.0
_SHARE: Final = 0.1
"""Part of the rows that goes when there are too many bytes: in pieces that DuckDB can free as whole row groups."""

_TIMES: Final = {"stored_spans": "start_ns + duration_ns", "logs": "time_ns", "metrics": "time_ns"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept: bytes, and seconds."""

    max_bytes: int
    max_age_s: float


class Pruner:
    """Removes the oldest rows. Used by the writer, on its thread."""

    def __init__(self, database: "Database", limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._next = 0.0
        self.removed = 0

    def prune_if_due(self, cursor: "duckdb.DuckDBPyConnection") -> None:
        """Looks at size and age, at most once in a few seconds."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _INTERVAL_S
            self.prune(cursor)

    def prune(self, cursor: "duckdb.DuckDBPyConnection") -> None:
        """Looks at size and age now."""
        removed = self._remove_old(cursor) + self._remove_surplus(cursor)
        if removed:
            self.removed += removed
            cursor.execute(
                "DELETE FROM resources WHERE resource_id NOT IN (SELECT resource_id FROM stored_spans "
                "UNION SELECT resource_id FROM logs UNION SELECT resource_id FROM metrics)"
            )
            cursor.execute("FORCE CHECKPOINT")
            _log.info("removed the %d oldest rows of the store", removed)

    def _remove_old(self, cursor: "duckdb.DuckDBPyConnection") -> int:
        oldest_ns = int((time.time() - self._limits.max_age_s) * 1e9)
        return sum(
            _deleted(cursor, f"DELETE FROM {table} WHERE {at} < ?", oldest_ns)  # noqa: S608 - our own names
            for table, at in _TIMES.items()
        )

    def _remove_surplus(self, cursor: "duckdb.DuckDBPyConnection") -> int:
        if self._database.size_bytes() <= self._limits.max_bytes:
            return 0
        bounds = " UNION ALL ".join(f"SELECT min(seq) lo, max(seq) hi FROM {table}" for table in _TIMES)  # noqa: S608
        row = cursor.execute(f"SELECT min(lo), max(hi) FROM ({bounds})").fetchone()  # noqa: S608
        if row is None or row[0] is None:
            return 0
        first_kept = row[0] + int((row[1] - row[0] + 1) * _SHARE) + 1
        return sum(
            _deleted(cursor, f"DELETE FROM {table} WHERE seq < ?", first_kept)  # noqa: S608
            for table in _TIMES
        )


def _deleted(cursor: "duckdb.DuckDBPyConnection", sql: str, bound: int) -> int:
    row = cursor.execute(sql, [bound]).fetchone()
    return int(row[0]) if row else 0
