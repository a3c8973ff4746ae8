"""How long the viewer's queries take over many stored spans: `python -m bench.viewer_queries`.

The spans are made inside DuckDB, in the tables of the store: four a trace, the first of them a request. Each
query runs once to warm up and then several times; the table shows the median and the slowest.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import describe
from wirespan.viewer.database import Database

if TYPE_CHECKING:
    import duckdb

Query = tuple[str, str, Any]  # what it is, SQL, parameters

_ROUNDS = 7
_CHUNK = 1_000_000
_SECOND_NS = 1_000_000_000
_FIRST_NS = 1_790_000_000 * _SECOND_NS
_STEP_NS = 100_000  # 10,000 spans a second

_MAKE = """
    INSERT INTO stored_spans
    SELECT i + 1, hash(i // 4), hash(i // 4 + 7777777777), hash(i * 31 + 1),
        CASE WHEN NOT root THEN hash((i - i % 4) * 31 + 1) END,
        $first + i * $step + (random() * 5e8)::BIGINT, (exp(random() * 8) * 10000)::BIGINT,
        'service-' || (hash(i) % 5), CASE WHEN root THEN 'GET ' || route ELSE 'SELECT t' || (i % 7) END,
        CASE WHEN root THEN 2 ELSE 3 END, CASE WHEN random() < 0.02 THEN 2 ELSE 0 END, NULL, root,
        CASE WHEN root THEN 'GET' END, CASE WHEN root THEN route END,
        CASE WHEN root THEN replace(route, '{id}', (hash(i + 5) % 100000)::VARCHAR) END,
        CASE WHEN root THEN CASE WHEN random() < 0.02 THEN 500 ELSE 200 END END, NULL,
        CASE WHEN root THEN 'completed' END,
        CASE WHEN root THEN (random() * 1e5)::BIGINT END, CASE WHEN root THEN (random() * 1e5)::BIGINT END,
        CASE WHEN root THEN (random() * 1e5)::BIGINT END, CASE WHEN root THEN (random() * 1e6)::BIGINT END,
        CASE WHEN root THEN (random() * 1e6)::BIGINT END, CASE WHEN root THEN (random() * 1e5)::BIGINT END,
        CASE WHEN root THEN 'queue=' || (hash(i) % 100000) || ',run=' || (hash(i + 1) % 1000000) END,
        hash(i) % 5, 'wirespan@0.1.0',
        '{"http.request.method":"GET","server.port":8080,"client.address":"10.0.0.' || (i % 250)
            || '","user.id":' || (hash(i) % 1000000) || ',"network.peer.port":' || (i % 60000) || '}',
        NULL, NULL, NULL, 257, NULL
    FROM (SELECT i, i % 4 = 0 AS root, '/api/r' || (hash(i) % 40) || '/{id}' AS route
          FROM range($low, $high) AS numbers(i))
"""

_LIST = "SELECT * EXCLUDE (attributes) FROM stored_spans WHERE is_request"
_PERCENTILES = """
    SELECT service, method, route, count(*), quantile_cont(duration_ns, [0.5, 0.95, 0.99])
    FROM stored_spans WHERE is_request AND start_ns BETWEEN $low AND $high GROUP BY ALL
"""


def main(spans: int) -> None:
    """Makes the spans, runs the queries, prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "bench.duckdb", 64 * 1024**3)
        cursor = database.cursor()
        for low in range(0, spans, _CHUNK):
            bounds = {"low": low, "high": min(low + _CHUNK, spans)}
            cursor.execute(_MAKE, {"first": _FIRST_NS, "step": _STEP_NS} | bounds)
        cursor.execute("CHECKPOINT")
        print(describe())
        print(f"{spans:,} spans, {database.size_bytes() / 1e6:,.0f} MB")
        for name, sql, params in _queries(cursor, spans):
            median_ms, slowest_ms, rows = _time(database, sql, params)
            print(f"{name:60} {median_ms:7.1f} ms   slowest {slowest_ms:7.1f} ms   {rows} rows")
        cursor.close()
        database.close()


def _queries(cursor: duckdb.DuckDBPyConnection, spans: int) -> list[Query]:
    middle = cursor.execute(
        "SELECT trace_hi, trace_lo FROM stored_spans WHERE seq = ?", [spans // 2]
    ).fetchone() or (0, 0)
    length_ns = spans * _STEP_NS
    tenth = {"low": _FIRST_NS + length_ns // 2, "high": _FIRST_NS + length_ns * 6 // 10}
    whole = {"low": _FIRST_NS, "high": _FIRST_NS + length_ns + _SECOND_NS}
    newest = "ORDER BY seq DESC LIMIT 100"
    return [
        (
            "one trace",
            "SELECT * FROM stored_spans WHERE trace_lo = ? AND trace_hi = ?",
            [middle[1], middle[0]],
        ),
        ("newest requests", f"{_LIST} {newest}", []),
        (
            "newest of a route over 5 ms",
            f"{_LIST} AND route = '/api/r7/{{id}}' AND duration_ns > 5000000 {newest}",
            [],
        ),
        ("newest errors", f"{_LIST} AND http_status >= 500 {newest}", []),
        ("newest with an attribute that is rare", f"{_LIST} AND {_USER} {newest}", []),
        ("percentiles of a tenth of the time", _PERCENTILES, tenth),
        ("percentiles of everything", _PERCENTILES, whole),
    ]


_USER = """attributes LIKE '%"user.id":12345,%'"""


def _time(database: Database, sql: str, params: Any) -> tuple[float, float, int]:
    times: list[float] = []
    rows = 0
    for _ in range(_ROUNDS + 1):
        began = time.perf_counter()
        with database.reading() as cursor:
            rows = len(cursor.execute(sql, params).fetchall())
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times[1:]), max(times[1:]), rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spans", type=int, default=10_000_000)
    main(parser.parse_args().spans)
