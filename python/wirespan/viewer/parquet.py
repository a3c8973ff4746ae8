"""The whole store as Parquet: a zip with one file for each table, which any data tool reads.

The store itself may touch no files (`database.py`), so a database of its own, in memory, writes and reads
them; rows go from one to the other as Arrow. What is imported takes the way of everything that arrives: as
OTLP, through the receiver's decoder.
"""

import asyncio
import io
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wirespan.viewer.database import load_duckdb
from wirespan.viewer.store import Store
from wirespan.viewer.transfer import ImportFailed, export_otlp, import_otlp

if TYPE_CHECKING:
    import duckdb

MAX_BYTES: Final = 8 * 1024**3
"""Of an import after decompression."""
_PIECE: Final = 1 << 18
_NAMES: Final = {
    table: f"{table}.parquet" for table in ("stored_spans", "logs", "metrics", "resources", "scopes")
}
_LATER: Final = {
    "stored_spans": "NULL::UBIGINT AS scope_id",
    "logs": "NULL::UBIGINT AS scope_id",
    "metrics": "NULL::UBIGINT AS scope_id, NULL::VARCHAR AS details",
    "resources": "NULL::VARCHAR AS schema_url, NULL::UINTEGER AS dropped",
    "scopes": (
        "NULL::UBIGINT AS scope_id, NULL::VARCHAR AS attributes, NULL::VARCHAR AS schema_url, "
        "NULL::UINTEGER AS dropped"
    ),
}
"""What exports of older versions may lack: these columns, and the whole table of scopes."""


class _Rows:
    """A query's rows for another database: a new stream of them at each call, as DuckDB asks twice."""

    def __init__(self, query: "Callable[[], duckdb.DuckDBPyRelation]") -> None:
        self._query = query

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._query().__arrow_c_stream__(requested_schema)


async def export_parquet(store: Store) -> AsyncIterator[bytes]:
    """The zip, piece by piece."""
    with tempfile.TemporaryDirectory(prefix="wirespan-") as name:
        folder = Path(name)
        await asyncio.to_thread(_write, store, folder)
        with (folder / "all.zip").open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece


def _write(store: Store, folder: Path) -> None:
    other = load_duckdb().connect()
    try:
        with (
            store.reading() as cursor,
            zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_STORED) as archive,
        ):
            for table, file in _NAMES.items():
                path = folder / file
                other.register("incoming", _Rows(partial(cursor.sql, f"SELECT * FROM {table}")))  # noqa: S608
                other.execute(f"COPY incoming TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
                other.unregister("incoming")
                archive.write(path, file)
                path.unlink()
    finally:
        other.close()


async def import_parquet(store: Store, body: bytes) -> dict[str, int]:
    """Takes in such a zip, also of an older version: what it does not hold is empty.

    Returns:
        How many records of each kind.

    Raises:
        ImportFailed: it is no zip of an export, or a table has other columns.
    """
    taken = {"spans": 0, "logs": 0, "metric_points": 0}
    with tempfile.TemporaryDirectory(prefix="wirespan-") as name:
        folder = Path(name)
        await asyncio.to_thread(_unpack, body, folder)
        duckdb = load_duckdb()
        try:
            with _opened(duckdb, folder) as source:
                async for line in export_otlp(source):
                    for kind, count in (await import_otlp(store, line)).items():
                        taken[kind] += count
        except (duckdb.Error, TypeError, ValueError) as error:
            raise ImportFailed(f"the tables are not those of an export: {error}") from error
    return taken


def _unpack(body: bytes, folder: Path) -> None:
    """Writes the known names out, and nothing else that the zip may hold."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for table, file in _NAMES.items():
                if table == "scopes" and file not in archive.namelist():
                    continue
                info = archive.getinfo(file)
                if info.file_size > MAX_BYTES:
                    raise ImportFailed(f"{file} has more than {MAX_BYTES >> 30} GiB")
                (folder / file).write_bytes(archive.read(info))
    except KeyError as error:
        raise ImportFailed(f"the zip is no export: {error.args[0]}") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ImportFailed(f"this is no zip that can be read: {error}") from error


class _Files:
    """The unpacked tables as a source of queries."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        self._connection = connection

    def read(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query."""
        cursor = self._connection.cursor()
        try:
            return cursor.execute(sql, list(params)).fetchall()
        finally:
            cursor.close()


@contextmanager
def _opened(duckdb: Any, folder: Path) -> Iterator[_Files]:
    connection = duckdb.connect()
    try:
        for table, file in _NAMES.items():
            later, path = f"SELECT {_LATER[table]} WHERE false", folder / file
            rows = later
            if path.exists():
                rows = f"SELECT * FROM read_parquet('{path}') UNION ALL BY NAME {later}"  # noqa: S608
            connection.execute(f"CREATE VIEW {table} AS {rows}")
        yield _Files(connection)
    finally:
        connection.close()
