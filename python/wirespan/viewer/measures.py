"""The narrow table: of each request what its statistics need, and nothing else.

A row takes 25 bytes where a span takes 260. It goes when the span goes, and comes when `measurer.py` catches
up: `measures` has exactly the requests of `stored_spans`, by their `seq`, but for the last ones.

What requests are grouped by (service, method, route) is a number in it; the table `routes` says which.
"""

from typing import Final

from wirespan.viewer.filters import IS_ERROR, ROUTE
from wirespan.viewer.queries.reading import STATE_COLUMNS, STATES

ROUTE_COLUMNS: Final = """
    route_id INTEGER NOT NULL,
    service VARCHAR NOT NULL,
    method VARCHAR,
    route VARCHAR
"""

REQUEST_COLUMNS: Final = """
    seq BIGINT NOT NULL,
    start_ns BIGINT NOT NULL,
    duration_ns BIGINT NOT NULL,
    route_id INTEGER NOT NULL,
    failed BOOLEAN NOT NULL,
    http_status USMALLINT,
    end_reason VARCHAR
"""
"""What filters ask of a request."""

MEASURE_COLUMNS: Final = f"""
    {REQUEST_COLUMNS},
    {", ".join(f"{state}_ns BIGINT" for state in STATES)}
"""

_GROUP: Final = f"service, method, {ROUTE} AS route"


def new_routes(spans: str) -> str:
    """SQL that gives numbers to the routes of a table of spans that have none yet."""
    return (
        "INSERT INTO routes SELECT (SELECT coalesce(max(route_id), 0) FROM routes) + row_number() OVER (), * "  # noqa: S608 - our own names
        f"FROM (SELECT {_GROUP} FROM {spans} WHERE is_request "
        "EXCEPT SELECT service, method, route FROM routes)"
    )


def new_measures(spans: str) -> str:
    """SQL that adds the requests of a table of spans. All their routes have numbers."""
    return (
        f"INSERT INTO measures SELECT seq, start_ns, duration_ns, route_id, {IS_ERROR}, "  # noqa: S608 - our own names
        f"http_status, end_reason, {STATE_COLUMNS} "
        f"FROM (SELECT * EXCLUDE (route), {ROUTE} AS route FROM {spans} WHERE is_request) span "
        "JOIN routes ON span.service = routes.service AND span.method IS NOT DISTINCT FROM routes.method "
        "AND span.route IS NOT DISTINCT FROM routes.route"
    )


UNUSED_ROUTES: Final = "DELETE FROM routes WHERE route_id NOT IN (SELECT route_id FROM measures)"
