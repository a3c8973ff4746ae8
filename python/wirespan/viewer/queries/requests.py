"""The list of requests, newest first, and the same in order of arrival for those who follow it."""

import time
from dataclasses import replace
from typing import Any, Final

from wirespan.viewer.filters import IS_ERROR, Filters
from wirespan.viewer.queries.reading import KINDS, STATE_COLUMNS, Source, states_of, trace_hex, word

_COLUMNS: Final = (
    "seq, trace_hi, trace_lo, span_id, start_ns, duration_ns, service, name, kind, method, route, path, "
    f"http_status, {IS_ERROR}, error_type, end_reason, {STATE_COLUMNS}"
)
_STATES_FROM: Final = 16
SEARCH_S: Final = 0.2
"""How long one answer looks for attributes or text, in seconds."""
FIRST_PART: Final = 32_768
"""Rows of the first part that is looked through."""
GROWTH: Final = 8
"""The next part is larger when one took less than this part of `SEARCH_S`."""
RATE_S: Final = 10


def newest(source: Source, filters: Filters) -> dict[str, Any]:
    """The newest requests, and the cursor for the ones before them.

    A filter on attributes or text is looked for backwards in parts. After `SEARCH_S` the answer is what was
    found, which may be nothing, with the cursor of where to go on: `next` is None only at the very end.
    """
    if filters.is_costly:
        rows, cursor = _search(source, filters)
    else:
        rows = _read(source, filters, "DESC")
        cursor = rows[-1][0] if len(rows) == filters.limit else None
    return {"requests": _unique(rows[::-1])[::-1], "next": cursor}


def _search(source: Source, filters: Filters) -> tuple[list[tuple[Any, ...]], int | None]:
    oldest = int(source.read("SELECT coalesce(min(seq), 0) FROM stored_spans")[0][0])
    end = newest_seq(source) + 1
    high = end if filters.before is None else min(filters.before, end)
    low = oldest if filters.after is None else max(filters.after + 1, oldest)
    stop = time.monotonic() + SEARCH_S
    size, rows = FIRST_PART, list[tuple[Any, ...]]()
    while high > low and time.monotonic() < stop:
        began = time.monotonic()
        begin = max(low, high - size)
        part = replace(filters, before=high, after=begin - 1, limit=filters.limit - len(rows))
        rows += _read(source, part, "DESC")
        if len(rows) == filters.limit:
            return rows, rows[-1][0]
        high = begin
        if time.monotonic() - began < SEARCH_S / GROWTH:
            size *= 2
    return rows, high if high > low else None


def arrived(source: Source, filters: Filters) -> tuple[list[dict[str, Any]], int | None]:
    """The requests behind the cursor `after`, in order of arrival.

    Returns:
        The requests, and where to go on when the limit has cut them off; else None.
    """
    rows = _read(source, filters, "ASC")
    return _unique(rows), rows[-1][0] if len(rows) == filters.limit else None


def newest_seq(source: Source) -> int:
    """The cursor behind everything that is stored; 0 in an empty store."""
    return int(source.read("SELECT coalesce(max(seq), 0) FROM stored_spans")[0][0])


def rate(source: Source, now_ns: int) -> float:
    """Requests per second that began in the last ten seconds."""
    sql = "SELECT count(*) FROM stored_spans WHERE is_request AND start_ns >= ? AND start_ns < ?"
    return int(source.read(sql, [now_ns - RATE_S * 10**9, now_ns])[0][0]) / RATE_S


def _read(source: Source, filters: Filters, order: str) -> list[tuple[Any, ...]]:
    where = filters.where()
    # `order` is one of two words of this file; everything that a client sent is bound.
    sql = f"SELECT {_COLUMNS} FROM stored_spans WHERE {where.sql} ORDER BY seq {order} LIMIT ?"  # noqa: S608
    return source.read(sql, [*where.values, filters.limit])


def _unique(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Rows in order of arrival as the API has them; what a sender repeated is there once."""
    seen: dict[Any, tuple[Any, ...]] = {}
    for row in rows:
        seen.setdefault(row[1:4], row)
    return [_request(row) for row in seen.values()]


def _request(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "seq": row[0],
        "trace_id": trace_hex(row[1], row[2]),
        "span_id": f"{row[3]:016x}",
        "start_us": row[4] // 1_000,
        "duration_ns": row[5],
        "service": row[6],
        "name": row[7],
        "kind": word(KINDS, row[8]),
        "method": row[9],
        "route": row[10],
        "path": row[11],
        "status": row[12],
        "error": bool(row[13]),
        "error_type": row[14],
        "end_reason": row[15],
        "states": states_of(row[_STATES_FROM:]),
    }
