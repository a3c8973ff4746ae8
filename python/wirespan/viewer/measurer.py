"""Keeps the narrow tables, `measures` and `calls`, up with the spans.

They are filled for many commits at once: adding the rows of one costs as much as those of a hundred. So a
sender does not wait for them, and whoever reads statistics has them brought up before.

How far they are is the highest `seq` in `measures`: nothing else has to be stored, and a kill at any moment
leaves requests that are measured next time.
"""

from typing import TYPE_CHECKING

from wirespan.viewer.calls import new_calls
from wirespan.viewer.database import transaction
from wirespan.viewer.measures import new_measures, new_routes

if TYPE_CHECKING:
    import duckdb


class Measurer:
    """Used by the writer, on its thread.

    Attributes:
        until: the `seq` up to which requests are measured; any thread may read it.
    """

    def __init__(self, cursor: "duckdb.DuckDBPyConnection") -> None:
        row = cursor.execute("SELECT max(seq) FROM measures").fetchone()
        self.until: int = row[0] or 0 if row else 0

    def catch_up(self, cursor: "duckdb.DuckDBPyConnection", last_seq: int) -> None:
        """Measures the requests up to this one, in one transaction."""
        if self.until >= last_seq:
            return
        fresh = f"(SELECT * FROM stored_spans WHERE seq > {self.until})"  # noqa: S608 - our own number
        with transaction(cursor):
            for statement in (new_routes(fresh), new_measures(fresh), new_calls(self.until)):
                cursor.execute(statement)
        self.until = last_seq
