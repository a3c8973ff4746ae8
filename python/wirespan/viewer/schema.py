"""The store's tables, and why they are as they are.

Times are unix nanoseconds, durations nanoseconds, ids unsigned integers: a scan over ten million of them
takes milliseconds, over texts a second. The views `spans` and `requests` give ids as hex text and times as
timestamps, for people who write SQL.

Statistics read the narrow tables `measures` and `calls`, which `measurer.py` fills.
`python -m bench.viewer_queries` measures all questions with ten million spans; bench/README.md says how long
they take.

No index: one trace is a scan of `trace_lo`. Trace ids are random, so zone maps skip nothing there; but 80 MB
of them are scanned so fast that an ART index of ten million keys (some 0.5 GB of memory,
written whole at each checkpoint) would not pay. Rows lie in order of arrival, so zone maps of `seq` and
`start_ns` cut a list of the newest and a range of time to a few row groups.

`seq` rises with arrival over all signals. The columns of `stored_spans`, `logs` and `metrics` after it are
those that `receiver/src/table/` builds, in order.
"""

from typing import Final

from wirespan.viewer.calls import CALL_COLUMNS, new_calls
from wirespan.viewer.measures import MEASURE_COLUMNS, ROUTE_COLUMNS, new_measures, new_routes

VERSION: Final = 3
"""Version of the tables. A file of an older one is upgraded, one of a newer one refused."""

SPAN_COLUMNS: Final = """
    seq BIGINT NOT NULL,
    trace_hi UBIGINT NOT NULL,
    trace_lo UBIGINT NOT NULL,
    span_id UBIGINT NOT NULL,
    parent_id UBIGINT,
    start_ns BIGINT NOT NULL,
    duration_ns BIGINT NOT NULL,
    service VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    kind UTINYINT NOT NULL,
    status UTINYINT NOT NULL,
    status_message VARCHAR,
    is_request BOOLEAN NOT NULL,
    method VARCHAR,
    route VARCHAR,
    path VARCHAR,
    http_status USMALLINT,
    error_type VARCHAR,
    end_reason VARCHAR,
    queue_ns BIGINT,
    read_ns BIGINT,
    schedule_ns BIGINT,
    run_ns BIGINT,
    await_ns BIGINT,
    write_ns BIGINT,
    timeline VARCHAR,
    resource_id UBIGINT NOT NULL,
    scope VARCHAR NOT NULL,
    attributes VARCHAR NOT NULL,
    events VARCHAR,
    links VARCHAR,
    trace_state VARCHAR,
    flags UINTEGER NOT NULL,
    dropped VARCHAR,
    scope_id UBIGINT
"""

LOG_COLUMNS: Final = """
    seq BIGINT NOT NULL,
    trace_hi UBIGINT,
    trace_lo UBIGINT,
    span_id UBIGINT,
    time_ns BIGINT NOT NULL,
    severity UTINYINT NOT NULL,
    severity_text VARCHAR,
    body VARCHAR,
    service VARCHAR NOT NULL,
    resource_id UBIGINT NOT NULL,
    scope VARCHAR NOT NULL,
    attributes VARCHAR NOT NULL,
    scope_id UBIGINT
"""

METRIC_COLUMNS: Final = """
    seq BIGINT NOT NULL,
    time_ns BIGINT NOT NULL,
    start_ns BIGINT,
    service VARCHAR NOT NULL,
    resource_id UBIGINT NOT NULL,
    scope VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    unit VARCHAR,
    description VARCHAR,
    kind VARCHAR NOT NULL,
    temporality VARCHAR,
    monotonic BOOLEAN,
    attributes VARCHAR NOT NULL,
    value DOUBLE,
    count UBIGINT,
    sum DOUBLE,
    min DOUBLE,
    max DOUBLE,
    bounds DOUBLE[],
    counts UBIGINT[],
    quantiles VARCHAR,
    exemplars VARCHAR,
    details VARCHAR,
    scope_id UBIGINT
"""

RESOURCE_COLUMNS: Final = """
    resource_id UBIGINT NOT NULL,
    service VARCHAR NOT NULL,
    attributes VARCHAR NOT NULL,
    schema_url VARCHAR,
    dropped UINTEGER
"""

SCOPE_COLUMNS: Final = """
    scope_id UBIGINT NOT NULL,
    attributes VARCHAR NOT NULL,
    schema_url VARCHAR,
    dropped UINTEGER
"""
"""Of scopes that say more than their name and version, which are in each row. Most say no more."""

ARRIVAL_COLUMNS: Final = """
    seq BIGINT NOT NULL,
    at_ns BIGINT NOT NULL
"""
"""The next `seq` at a time, at most once in `ARRIVAL_INTERVAL_NS`. So all rows from one `seq` to the next
arrived within that long after its time. Rows are as old as their arrival: the times that senders give may be
wrong, and what is imported is old on purpose."""

ARRIVAL_INTERVAL_NS: Final = 60 * 10**9

TABLES: Final = {
    "stored_spans": SPAN_COLUMNS,
    "logs": LOG_COLUMNS,
    "metrics": METRIC_COLUMNS,
    "resources": RESOURCE_COLUMNS,
    "scopes": SCOPE_COLUMNS,
    "arrivals": ARRIVAL_COLUMNS,
    "routes": ROUTE_COLUMNS,
    "measures": MEASURE_COLUMNS,
    "calls": CALL_COLUMNS,
}

TABLE_OF_SIGNAL: Final = {"traces": "stored_spans", "logs": "logs", "metrics": "metrics"}
"""The tables that have a `seq`, by the name of the signal in OTLP's paths."""

VIEWS: Final = """
CREATE OR REPLACE VIEW spans AS
SELECT printf('%016x%016x', trace_hi, trace_lo) AS trace_id, printf('%016x', span_id) AS span_id,
    CASE WHEN parent_id IS NOT NULL THEN printf('%016x', parent_id) END AS parent_id,
    make_timestamp_ns(start_ns) AS start_time, duration_ns / 1e6 AS duration_ms,
    status = 2 OR coalesce(http_status >= 500, false) AS error,
    * EXCLUDE (trace_hi, trace_lo, span_id, parent_id)
FROM stored_spans;
CREATE OR REPLACE VIEW requests AS SELECT * FROM spans WHERE is_request;
"""


UPGRADES: Final = {
    1: f"""
        ALTER TABLE metrics ADD COLUMN details VARCHAR;
        CREATE TABLE routes ({ROUTE_COLUMNS});
        CREATE TABLE measures ({MEASURE_COLUMNS});
        {new_routes("stored_spans")};
        {new_measures("stored_spans")};
    """,
    2: f"""
        CREATE TABLE calls ({CALL_COLUMNS});
        {new_calls(0)};
        CREATE TABLE scopes ({SCOPE_COLUMNS});
        {"".join(f"ALTER TABLE {table} ADD COLUMN scope_id UBIGINT;" for table in TABLE_OF_SIGNAL.values())}
        ALTER TABLE resources ADD COLUMN schema_url VARCHAR;
        ALTER TABLE resources ADD COLUMN dropped UINTEGER;
        {VIEWS}
    """,
}
"""SQL that makes tables of the next version of those of each older one."""


def create_statements() -> str:
    """SQL that makes all tables and views in an empty database."""
    tables = "".join(f"CREATE TABLE {name} ({columns});\n" for name, columns in TABLES.items())
    return (
        f"{tables}{VIEWS}"
        "CREATE TABLE wirespan_store (version INTEGER NOT NULL);\n"
        f"INSERT INTO wirespan_store VALUES ({VERSION});\n"
    )
