"""SQL of a user, who may read everything that is stored and do nothing else.

Four fences, each of which holds alone:

- only statements that DuckDB itself calls SELECT or EXPLAIN, and one at a time;
- they run in a transaction that was begun as READ ONLY and is rolled back;
- the store has switched off files, network and extensions and locked its settings (`store.py`);
- a time limit, by interrupt, and a limit of rows.
"""

import datetime
import decimal
import math
import threading
from typing import Any, Final, Protocol

import duckdb

TIMEOUT_S: Final = 10.0
MAX_ROWS: Final = 10_000
MAX_LENGTH: Final = 100_000
_ALLOWED: Final = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})


class QueryError(ValueError):
    """The query cannot be run. The message is DuckDB's or says what is allowed."""


class QueryTimeout(QueryError):  # noqa: N818 - it is one of several errors, and says so
    """The query took too long."""


class Cursors(Protocol):
    """A store that gives out cursors of its own connection."""

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for the caller alone, who closes it."""


def query(
    store: Cursors, text: str, *, timeout_s: float = TIMEOUT_S, max_rows: int = MAX_ROWS
) -> dict[str, Any]:
    """Runs a query.

    Returns:
        `columns`, `rows` with values that JSON has, and whether there were more rows.

    Raises:
        QueryError: it is no single SELECT, or it is wrong.
        QueryTimeout: it took too long.
    """
    _check(text)
    cursor = store.cursor()
    try:
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        try:
            return _run(cursor, text, timeout_s, max_rows)
        finally:
            cursor.execute("ROLLBACK")
    except duckdb.InterruptException:
        raise QueryTimeout(f"the query was stopped after {timeout_s:g} s") from None
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    finally:
        cursor.close()


def _check(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise QueryError(f"the query is longer than {MAX_LENGTH} characters")
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    if len(statements) != 1:
        raise QueryError(f"one SELECT is allowed, and this is {len(statements)} statements")
    if statements[0].type not in _ALLOWED:
        raise QueryError(f"only SELECT is allowed, not {statements[0].type.name}")


def _run(
    cursor: duckdb.DuckDBPyConnection, text: str, timeout_s: float, max_rows: int
) -> dict[str, Any]:
    timer = threading.Timer(timeout_s, cursor.interrupt)
    timer.start()
    try:
        cursor.execute(text)
        rows = cursor.fetchmany(max_rows + 1)
    finally:
        timer.cancel()
    return {
        "columns": [column[0] for column in cursor.description or ()],
        "rows": [[plain(value) for value in row] for row in rows[:max_rows]],
        "truncated": len(rows) > max_rows,
    }


def plain(value: Any) -> Any:
    """A value as JSON has it. What JSON has no form for becomes text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)
