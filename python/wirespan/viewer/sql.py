"""SQL of a user, who may read everything that is stored and do nothing else.

Five fences, each of which holds alone:

- only statements that DuckDB itself calls SELECT or EXPLAIN, and one at a time;
- they run in a transaction that was begun as READ ONLY and is given up (`Store.reading`);
- the store has switched off files, network and extensions and locked its settings (`database.py`);
- a time limit, by interrupt, and limits of rows and of bytes;
- a limit of memory, which the kernel keeps (`memory.py`).
"""

import datetime
import decimal
import math
import threading
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wirespan.viewer.database import CACHE_BYTES, load_duckdb
from wirespan.viewer.memory import bounded_memory
from wirespan.viewer.store import Store

if TYPE_CHECKING:
    import duckdb

TIMEOUT_S: Final = 10.0
MAX_ROWS: Final = 10_000
MAX_BYTES: Final = 32 * 1024**2
"""Of all rows in JSON."""
EXTRA_BYTES: Final = CACHE_BYTES + 1024**3
"""How much the process may grow meanwhile: DuckDB's cache of the file, and what the query makes."""
MAX_LENGTH: Final = 100_000
_ALLOWED: Final = frozenset({"SELECT", "EXPLAIN"})


class QueryError(ValueError):
    """The query cannot be run. The message is DuckDB's or says what is allowed."""


class QueryTimeout(QueryError):  # noqa: N818 - it is one of several errors, and says so
    """The query took too long."""


def query(
    store: Store, text: str, *, timeout_s: float = TIMEOUT_S, max_rows: int = MAX_ROWS
) -> dict[str, Any]:
    """Runs a query.

    Returns:
        `columns`, `rows` with values that JSON has, and whether there were more rows.

    Raises:
        QueryError: it is no single SELECT, or it is wrong.
        QueryTimeout: it took too long.
    """
    duckdb = load_duckdb()
    try:
        _check(duckdb.extract_statements(_bounded(text)))
        with bounded_memory(EXTRA_BYTES, timeout_s), store.reading() as cursor:
            return _run(cursor, text, timeout_s, max_rows)
    except TimeoutError:
        raise QueryTimeout(f"other queries took longer than {timeout_s:g} s: try again") from None
    except (duckdb.OutOfMemoryException, MemoryError):
        raise QueryError("the query needs more memory than it may have: ask for less at a time") from None
    except duckdb.InterruptException:
        raise QueryTimeout(f"the query was stopped after {timeout_s:g} s") from None
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def _bounded(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise QueryError(f"the query is longer than {MAX_LENGTH} characters")
    return text


def _check(statements: "list[duckdb.Statement]") -> None:
    if len(statements) != 1:
        raise QueryError(f"one SELECT is allowed, and this is {len(statements)} statements")
    name = statements[0].type.name
    if name not in _ALLOWED:
        raise QueryError(f"only SELECT is allowed, not {name}")


def _run(cursor: "duckdb.DuckDBPyConnection", text: str, timeout_s: float, max_rows: int) -> dict[str, Any]:
    timer = threading.Timer(timeout_s, cursor.interrupt)
    timer.start()
    try:
        cursor.execute(text)
        rows, truncated = _rows(cursor, max_rows)
    finally:
        timer.cancel()
    return {
        "columns": [column[0] for column in cursor.description or ()],
        "rows": rows,
        "truncated": truncated,
    }


def _rows(cursor: "duckdb.DuckDBPyConnection", max_rows: int) -> tuple[list[list[Any]], bool]:
    """The first rows, and whether there are more. One at a time: what is not sent never becomes Python."""
    rows: list[list[Any]] = []
    size = 0
    while found := cursor.fetchone():
        row = [plain(value) for value in found]
        size += len(msgspec.json.encode(row))
        if size > MAX_BYTES and not rows:
            raise QueryError(f"one row takes more than {MAX_BYTES // 1024**2} MiB: select less of it")
        if len(rows) == max_rows or size > MAX_BYTES:
            return rows, True
        rows.append(row)
    return rows, False


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
