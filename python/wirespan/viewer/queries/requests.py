"""The list of requests, newest first, and the same in order of arrival for those who follow it."""

from typing import Any, Final

from wirespan.viewer.filters import IS_ERROR, Filters
from wirespan.viewer.queries.reading import KINDS, STATE_COLUMNS, Source, states_of, trace_hex, word

_COLUMNS: Final = (
    "seq, trace_hi, trace_lo, span_id, start_ns, duration_ns, service, name, kind, method, route, path, "
    f"http_status, {IS_ERROR}, error_type, end_reason, {STATE_COLUMNS}"
)
_STATES_FROM: Final = 16
RATE_S: Final = 10


def newest(source: Source, filters: Filters) -> dict[str, Any]:
    """The newest requests, and the cursor for the ones before them."""
    rows = _read(source, filters, "DESC")
    more = len(rows) == filters.limit
    return {"requests": _unique(rows[::-1])[::-1], "next": rows[-1][0] if more else None}


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
