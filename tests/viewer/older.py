"""Files as older releases left them."""

import io
import tempfile
import zipfile
from pathlib import Path

import duckdb

_NEWER_COLUMNS = {
    "stored_spans": "scope_id",
    "logs": "scope_id",
    "metrics": "scope_id, details",
    "resources": "schema_url, dropped",
}

_UNDO = {
    3: (
        "DROP TABLE calls; DROP TABLE scopes; "
        "ALTER TABLE resources DROP COLUMN schema_url; ALTER TABLE resources DROP COLUMN dropped; "
        "ALTER TABLE stored_spans DROP COLUMN scope_id; ALTER TABLE logs DROP COLUMN scope_id; "
        "ALTER TABLE metrics DROP COLUMN scope_id"
    ),
    2: "DROP TABLE measures; DROP TABLE routes; ALTER TABLE metrics DROP COLUMN details",
}


def make_older(path: Path, version: int) -> None:
    """Makes the tables those of an older version."""
    with duckdb.connect(str(path)) as connection:
        for newer, statements in _UNDO.items():
            if newer > version:
                connection.execute(statements)
        connection.execute("UPDATE wirespan_store SET version = ?", [version])


def as_older(archive: bytes) -> bytes:
    """A Parquet export as it was before there were scopes, and the columns that came with them."""
    made = io.BytesIO()
    with (
        tempfile.TemporaryDirectory() as name,
        zipfile.ZipFile(io.BytesIO(archive)) as current,
        zipfile.ZipFile(made, "w") as older,
        duckdb.connect() as connection,
    ):
        current.extractall(name)
        for table, newer in _NEWER_COLUMNS.items():
            source, target = f"{name}/{table}.parquet", f"{name}/{table}-older.parquet"
            connection.execute(
                f"COPY (SELECT * EXCLUDE ({newer}) FROM '{source}') TO '{target}' (FORMAT parquet)"
            )
            older.write(target, f"{table}.parquet")
    return made.getvalue()
