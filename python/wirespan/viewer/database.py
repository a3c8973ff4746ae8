"""The DuckDB database behind the store: opened, checked, measured, closed."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from wirespan.viewer.errors import StoreError
from wirespan.viewer.schema import VERSION, create_statements

if TYPE_CHECKING:
    import duckdb

_MISSING: Final = "the viewer needs duckdb: pip install 'wirespan[view]'"

_CONFIG: Final = {
    # 10 million spans with texts that repeat take 1 GB on disk; what does not fit is read again from there.
    "memory_limit": "2GB",
    # At 16 MB, the default, a busy store would checkpoint many times a second. A log of this size is read again in
    # about 3 s after a kill.
    "wal_autocheckpoint": "256MB",
    # Users may ask anything in SQL (`sql.py`): no files, no network, no extensions.
    "enable_external_access": "false",
    # Insertion order is seq already; without it bulk inserts need no buffers.
    "preserve_insertion_order": "true",
}


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


class Database:
    """One open database. Connections of other threads are cursors of the first."""

    def __init__(self, path: Path | None, connection: "duckdb.DuckDBPyConnection") -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path | None) -> Self:
        """Opens the file or makes it, and checks that it is ours.

        Raises:
            StoreError: See `Store.open`.
        """
        duckdb = load_duckdb()
        try:
            connection = duckdb.connect(":memory:" if path is None else str(path), config=_CONFIG)
        except duckdb.Error as error:
            raise StoreError(_explain(path, error)) from error
        try:
            connection.execute("SET lock_configuration = true")
            _check_version(path, connection)
        except BaseException:
            connection.close()
            raise
        return cls(path, connection)

    def cursor(self) -> "duckdb.DuckDBPyConnection":
        """A connection of its own to the same data."""
        return self._connection.cursor()

    @contextlib.contextmanager
    def reading(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """A cursor inside a read-only transaction."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor
        finally:
            cursor.close()  # ends the transaction

    def size_bytes(self) -> int:
        """Bytes on disk with the write-ahead log; in memory, bytes of the tables."""
        if self.path is None:
            with self.reading() as cursor:
                row = cursor.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchone()
            return int(row[0]) if row else 0
        wal = self.path.with_name(self.path.name + ".wal")
        return sum(_size(file) for file in (self.path, wal))

    def close(self) -> None:
        """Checkpoints and closes."""
        self._connection.close()


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
    if row is None or row[0] != VERSION:
        found = "no version" if row is None else f"version {row[0]}"
        raise StoreError(
            f"{path} was written by another release of wirespan (tables of {found}, this one has {VERSION}): "
            "export it with that release, or give another file"
        )


def _explain(path: Path | None, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0]
    if "lock" in reason.lower():
        return f"{path} is in use by another process: stop that one, or give another file ({reason})"
    if path is not None and not path.parent.is_dir():
        return f"cannot open {path}: there is no directory {path.parent}"
    return f"cannot open {path}: {reason}. If the file is damaged, move it away; a new one is made"
