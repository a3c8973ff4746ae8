"""Files as older releases left them."""

from pathlib import Path

import duckdb

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
