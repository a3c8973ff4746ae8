"""Makes a store of many spans for `bench.viewer_queries`: `python -m bench.viewer_data FILE`.

The rows are made inside DuckDB, in the tables of the store, ten thousand spans a second of pretended time. A
trace is a request, a call to another service with its SERVER span, and two database calls: half are requests.
There are 5 services, 24 routes, durations that are log-normal with a median for each route, 2% errors, and
the attributes that wirespan's exporter sends: 30 keys for a request. One request in a hundred has a given
tenant or browser, one in a hundred thousand a given user.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.machine import describe
from wirespan.viewer.database import Database
from wirespan.viewer.measurer import Measurer

if TYPE_CHECKING:
    import duckdb

SECOND_NS = 1_000_000_000
STEP_NS = 100_000
MAX_BYTES = 64 * 1024**3
_CHUNK = 1_000_000
_STATES = ("queue", "read", "schedule", "run", "await", "write")

_REQUEST_ATTRIBUTES = """
    '{"http.request.method":"' || method || '","http.route":"' || route || '","url.path":"' || path
    || '","url.scheme":"http","url.query":"page=' || i % 9 || '","http.response.status_code":' || code
    || ',"http.request.body.size":' || i % 977 || ',"http.response.body.size":' || number % 20011
    || ',"network.protocol.version":"1.1","network.peer.address":"10.0.' || i % 7 || '.' || i % 250
    || '","network.peer.port":' || 32768 + number % 28000
    || ',"client.address":"10.1.' || i % 11 || '.'
    || i % 249
    || '","server.address":"shop.example","server.port":8080,"user_agent.original":"Mozilla/5.0 (X11; Linux '
    || 'x86_64) AppleWebKit/537.36 Chrome/' || number % 100 || '.0","http.request.header.x-request-id":"'
    || printf('%016x', hash(i + 3)) || '","user.id":' || number % 100000
    || ',"tenant":"tenant-' || number % 100
    || '","thread.name":"worker-' || i % 4 || '","wirespan.connection.id":' || i // 50
    || ',"wirespan.connection.request":' || i % 50 || ',"wirespan.end_reason":"completed"'
    || ',"wirespan.state.timeline":"' || timeline || '"'
"""
_CALL_ATTRIBUTES = """
    '{"db.system.name":"postgresql","db.namespace":"shop","db.operation.name":"SELECT","db.collection.name":"t'
    || i % 7 || '","db.query.text":"SELECT id, state, total FROM t' || i % 7 || ' WHERE user_id = $1 ORDER '
    || 'BY id DESC LIMIT 20","server.address":"db.example","server.port":5432}'
"""


def _make() -> str:
    """The statement that makes the rows from `$low` to `$high`."""
    shares = (0.02, 0.03, 0.05, 0.4, 0.48, 0.02)
    states = ", ".join(
        f"(duration_ns * {share})::BIGINT AS {state}_ns" for state, share in zip(_STATES, shares, strict=True)
    )
    timeline = " || ',' || ".join(f"'{state}=' || {state}_ns" for state in _STATES)
    said = " || ".join(f"',\"wirespan.state.{state}_ns\":' || {state}_ns" for state in _STATES)
    own = ", ".join(f"CASE WHEN asked THEN {state}_ns END" for state in _STATES)
    return f"""
        INSERT INTO stored_spans
        WITH numbers AS (
            SELECT i, i % 4 AS place, place IN (0, 2) AS asked, hash(i) AS number,
                (number % 24)::INTEGER AS kind,
                '/api/v1/' || ['users', 'orders', 'items', 'carts', 'payments', 'reviews'][1 + kind % 6]
                    || ['', '/{{id}}', '/{{id}}/lines', '/{{id}}/state'][1 + kind // 6] AS route,
                replace(route, '{{id}}', (number % 100000)::VARCHAR) AS path,
                CASE WHEN kind % 5 = 0 THEN 'POST' ELSE 'GET' END AS method,
                CASE WHEN number % 50 = 0 THEN 500 WHEN number % 50 = 1 THEN 404 ELSE 200 END AS code,
                least(1e11, exp(0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))
                    * 1e6 * (1 + kind))::BIGINT AS duration_ns
            FROM range($low, $high) AS t(i)
        ), timed AS (SELECT *, {states} FROM numbers),
        drawn AS (SELECT *, {timeline} AS timeline FROM timed)
        SELECT i + 1, hash(i // 4), hash(i // 4 + 7777777777), hash(i * 31 + 1),
            CASE WHEN place > 0 THEN hash((i - 1) * 31 + 1) END, $first + i * $step, duration_ns,
            'service-' || (CASE WHEN place < 2 THEN kind % 2 ELSE 2 + kind % 3 END),
            CASE WHEN asked THEN method || ' ' || route ELSE 'SELECT t' || i % 7 END,
            CASE WHEN asked THEN 2 ELSE 3 END, CASE WHEN asked AND code = 500 THEN 2 ELSE 0 END, NULL, asked,
            CASE WHEN asked THEN method END, CASE WHEN asked THEN route END, CASE WHEN asked THEN path END,
            CASE WHEN asked THEN code END, CASE WHEN asked AND code = 500 THEN 'ValueError' END,
            CASE WHEN asked THEN 'completed' END, {own}, CASE WHEN asked THEN timeline END,
            kind % 5, 'wirespan@0.1.0',
            CASE WHEN asked THEN {_REQUEST_ATTRIBUTES} || {said} || '}}' ELSE {_CALL_ATTRIBUTES} END,
            NULL, NULL, NULL, 257, NULL, NULL
        FROM drawn
    """


def fill(cursor: duckdb.DuckDBPyConnection, spans: int) -> None:
    """Adds the spans; the last one begins now."""
    first = time.time_ns() - spans * STEP_NS
    for number in range(5):
        cursor.execute(
            "INSERT INTO resources VALUES (?, ?, ?, NULL, NULL)",
            [
                number,
                f"service-{number}",
                f'{{"service.name":"service-{number}","host.name":"web-{number}"}}',
            ],
        )
    for low in range(0, spans, _CHUNK):
        bounds = {"low": low, "high": min(low + _CHUNK, spans)}
        cursor.execute(_make(), {"first": first, "step": STEP_NS} | bounds)
    # All arrived now: rows without an arrival would be too old once others come.
    cursor.execute("INSERT INTO arrivals VALUES (1, ?)", [time.time_ns()])
    Measurer(cursor).catch_up(cursor, spans)
    cursor.execute("CHECKPOINT")


def main(path: Path, spans: int) -> None:
    """Makes the file."""
    database = Database.open(path, MAX_BYTES)
    cursor = database.cursor()
    fill(cursor, spans)
    cursor.close()
    print(describe())
    print(f"{spans:,} spans, {database.size_bytes() / 1e6:,.0f} MB")
    database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--spans", type=int, default=10_000_000)
    given = parser.parse_args()
    main(given.file, given.spans)
