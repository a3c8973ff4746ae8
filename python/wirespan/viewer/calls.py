"""The narrow table of calls: requests whose parent is a span of another service, with the name of that.

A call is found when both its spans are there, whichever came first: in a trace over several machines the
callee mostly is done, and sent, before its caller. So rows are only ever added, and no span waits anywhere.

Parent and child are looked for among the spans of one `catch_up` and the `REACH` that arrived before: a look
at trace and span ids of two million rows takes some ten milliseconds. A pair further apart is no call here;
the page of its trace shows it all the same.
"""

from typing import Final

from wirespan.viewer.measures import REQUEST_COLUMNS

CALL_COLUMNS: Final = f"""
    {REQUEST_COLUMNS},
    caller VARCHAR NOT NULL
"""
"""Of the callee what `measures` has, but for the states: the same filters fit."""

REACH: Final = 2_000_000

_SPAN: Final = "seq, trace_hi, trace_lo, span_id, parent_id, service, is_request"


def new_calls(after: int, reach: int = REACH) -> str:
    """SQL that adds the calls of which one span has a higher `seq`; their callees are in `measures` already.

    Ids are compared alone first, which skips nearly all older rows before anything else of them is read. A
    group has a column too many, since DuckDB gives one of small numbers a table for all of their range.
    """
    older = f"SELECT {_SPAN} FROM stored_spans WHERE seq > {after - reach} AND seq <= {after}"  # noqa: S608 - our own names and numbers
    known = f"WHERE seq > {after - reach} AND seq IN (SELECT seq FROM pairs)"  # noqa: S608
    return f"""
        INSERT INTO calls
        WITH fresh AS MATERIALIZED (SELECT {_SPAN} FROM stored_spans WHERE seq > {after}),
        near AS MATERIALIZED (
            FROM fresh
            UNION ALL {older} AND span_id IN (SELECT parent_id FROM fresh WHERE is_request)
            UNION ALL {older} AND parent_id IN (SELECT span_id FROM fresh)
        ),
        pairs AS MATERIALIZED (
            SELECT child.seq, min(parent.service) AS caller FROM near child JOIN near parent
            ON parent.span_id = child.parent_id AND parent.trace_lo = child.trace_lo
                AND parent.trace_hi = child.trace_hi
            WHERE child.is_request AND parent.service <> child.service
            GROUP BY child.seq, child.trace_lo
        )
        SELECT called.*, caller
        FROM (SELECT seq, start_ns, duration_ns, route_id, failed, http_status, end_reason
            FROM measures {known}) called
        JOIN pairs USING (seq) ANTI JOIN (SELECT seq FROM calls {known}) stored USING (seq)
    """  # noqa: S608 - our own names and numbers
