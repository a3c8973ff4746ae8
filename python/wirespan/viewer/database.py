"""The DuckDB database behind the store: opened, checked, measured, closed."""

import contextlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from wirespan.viewer.errors import StoreError
from wirespan.viewer.health import ANOTHER_FILE, first_line
from wirespan.viewer.schema import UPGRADES, VERSION, create_statements

if TYPE_CHECKING:
    import duckdb
    from duckdb import DuckDBPyConnection

_log: Final = logging.getLogger("wirespan.viewer")

_MISSING: Final = "the viewer needs duckdb: pip install 'wirespan[view]'"

# What does not fit is read again from the file: ten million spans take 1 GB there.
CACHE_BYTES: Final = 2 * 1024**3

# At 16 MB, DuckDB's default, a busy store would checkpoint many times a second. A log of this size is
# replayed in seconds after a kill.
_LOG_BYTES: Final = 256 * 1024**2

# Blocks in use; free blocks inside the file are not counted, they are used again.
_SIZE_OF_FILE: Final = "SELECT used_blocks * block_size FROM pragma_database_size()"
_SIZE_IN_MEMORY: Final = """
    SELECT sum(memory_usage_bytes) FROM duckdb_memory()
    WHERE tag IN ('BASE_TABLE', 'IN_MEMORY_TABLE', 'METADATA', 'OVERFLOW_STRINGS', 'TRANSACTION')
"""


def load_duckdb() -> Any:
    """The module.

    Raises:
        StoreError: It is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise StoreError(_MISSING) from error
    return duckdb


@contextlib.contextmanager
def transaction(cursor: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """All that the block writes, or nothing of it."""
    cursor.execute("BEGIN")
    try:
        yield
        cursor.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(Exception):  # the first error says more
            cursor.execute("ROLLBACK")
        raise


class Database:
    """One open database. Connections of other threads are cursors of the first."""

    def __init__(self, path: Path | None, connection: "duckdb.DuckDBPyConnection", max_bytes: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._connection: duckdb.DuckDBPyConnection | None = connection

    @classmethod
    def open(cls, path: Path | None, max_bytes: int) -> Self:
        """Opens the file or makes it, and checks that it is ours.

        Args:
            path: The file, None for memory.
            max_bytes: How large it may become; the write-ahead log takes a quarter of it at most.

        Raises:
            StoreError: See `Store.open`.
        """
        return cls(path, _connect(path, max_bytes), max_bytes)

    def is_lost(self) -> bool:
        """Whether DuckDB has given up after an error, such as a full disk: nothing works until `reopen`."""
        duckdb = load_duckdb()
        try:
            with self.reading() as cursor:
                cursor.execute("SELECT version FROM wirespan_store")
        except (duckdb.Error, StoreError):
            return True
        return False

    def reopen(self) -> None:
        """Opens the file anew; what was committed is there. What is being read ends with an error.

        Raises:
            StoreError: The store is in memory, so its data is gone, or the file cannot be opened.
        """
        if self.path is None:
            raise StoreError("it was in memory, and is lost: start the viewer again")
        self.close()
        self._connection = _connect(self.path, self._max_bytes)

    def cursor(self) -> "duckdb.DuckDBPyConnection":
        """A connection of its own to the same data.

        Raises:
            StoreError: The database is closed.
        """
        if self._connection is None:
            raise StoreError("the store is closed")
        return self._connection.cursor()

    @contextlib.contextmanager
    def reading(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """A cursor inside a read-only transaction."""
        cursor = self.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor
        finally:
            cursor.close()  # ends the transaction

    def size_bytes(self) -> int:
        """Bytes that the data takes in the file and its write-ahead log; in memory, bytes of the tables."""
        with self.reading() as cursor:
            row = cursor.execute(_SIZE_IN_MEMORY if self.path is None else _SIZE_OF_FILE).fetchone()
        used = int(row[0]) if row and row[0] else 0
        return used if self.path is None else used + _size(self.path.with_name(self.path.name + ".wal"))

    def close(self) -> None:
        """Checkpoints and closes. Calling it again does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _connect(path: Path | None, max_bytes: int) -> "duckdb.DuckDBPyConnection":
    duckdb = load_duckdb()
    try:
        connection: DuckDBPyConnection = duckdb.connect(
            ":memory:" if path is None else str(path), config=_config(path, max_bytes)
        )
    except duckdb.Error as error:
        raise StoreError(_explain(path, error)) from error
    try:
        connection.execute("SET lock_configuration = true")
        _check_version(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _config(path: Path | None, max_bytes: int) -> dict[str, str]:
    config = {
        "memory_limit": f"{CACHE_BYTES}B",
        # Sums by two small numbers, such as route and step, need no hash table: half the time.
        "perfect_ht_threshold": "20",
        "wal_autocheckpoint": f"{min(_LOG_BYTES, max_bytes // 4)}B",
        # Users may ask anything in SQL (`sql.py`): no files, no network, no extensions.
        "enable_external_access": "false",
    }
    if path is None:
        # The tables are what fills the memory, and nothing of them may land in the working directory.
        config |= {"memory_limit": f"{max_bytes + CACHE_BYTES}B", "temp_directory": ""}
    return config


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _check_version(path: Path | None, connection: "duckdb.DuckDBPyConnection") -> None:
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        connection.execute("BEGIN; " + create_statements() + "COMMIT;")
        return
    if "wirespan_store" not in tables:
        raise StoreError(f"{path} is a DuckDB database of another program: give another file")
    row = connection.execute("SELECT version FROM wirespan_store").fetchone()
    if row is not None and row[0] in UPGRADES:
        _upgrade(path, connection, row[0])
    elif row is None or row[0] != VERSION:
        found = "no version" if row is None else f"version {row[0]}"
        raise StoreError(
            f"{path} was written by another release of wirespan (tables of {found}, this one has {VERSION}): "
            "export it with that release, or give another file"
        )


def _upgrade(path: Path | None, connection: "duckdb.DuckDBPyConnection", version: int) -> None:
    """In one transaction: whatever happens, the file is of one version or the other."""
    _log.info("upgrading the tables of %s from version %d to %d", path, version, VERSION)
    steps = "".join(UPGRADES[number] for number in range(version, VERSION))
    connection.execute(f"BEGIN; {steps} UPDATE wirespan_store SET version = {VERSION}; COMMIT; CHECKPOINT;")  # noqa: S608 - our own words


def _explain(path: Path | None, error: Exception) -> str:
    reason = first_line(error)
    if "lock" in reason.lower():
        return f"{path} is in use by {_holder(reason)}: stop that one, or {ANOTHER_FILE}"
    if path is not None and path.is_dir():
        return f"{path} is a directory: give the file in it, such as {path / 'viewer.duckdb'}"
    if path is not None and not path.parent.is_dir():
        return f"cannot open {path}: there is no directory {path.parent}"
    return f"cannot open {path}: {reason}. If the file is damaged, move it away; a new one is made"


def _holder(reason: str) -> str:
    """Who has the file, where DuckDB found out."""
    found = re.search(r"held in (.+) \(PID (\d+)\)", reason)
    return f"another process ({found[1]}, pid {found[2]})" if found else "another process"
