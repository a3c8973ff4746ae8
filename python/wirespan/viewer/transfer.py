"""Traces out of the store and in again, as OTLP JSON: what every OpenTelemetry tool reads.

A file has one export request a line, as the Collector's file exporter writes it. What is imported and
exported again is the same. Compared with what was sent, some things are not stored: the type of an attribute
that is bytes or no number (`NaN`), which is a text; how many attributes of events and links were dropped; of
log records flags, event name, the time of observation beside their own, and the type of a body that is none.

Source: OTLP 1.7, section JSON Protobuf Encoding: ids in hex, 64-bit numbers as text.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from wirespan import _core
from wirespan.viewer.otlp import METRIC_COLUMNS, metric, otlp_attributes
from wirespan.viewer.queries.reading import Source, trace_halves, trace_hex
from wirespan.viewer.store import Store

CHUNK: Final = 1_000
"""Rows of a line: a line is held in memory by whoever reads it."""
_SPANS: Final = (
    "seq, trace_hi, trace_lo, span_id, parent_id, start_ns, duration_ns, name, kind, status, status_message, "
    "attributes, events, links, trace_state, flags, dropped, resource_id, scope, scope_id"
)
_LOGS: Final = (
    "seq, trace_hi, trace_lo, span_id, time_ns, severity, severity_text, body, attributes, "
    "resource_id, scope, scope_id"
)
_encode: Final = msgspec.json.Encoder().encode
Row = Sequence[Any]


class ImportFailed(ValueError):  # noqa: N818 - it is what happened
    """The data cannot be read. The message says where."""


def otlp(source: Source, trace_id: str) -> dict[str, Any]:
    """The spans of one trace as one export request, with the times that their senders gave."""
    halves = trace_halves(source, trace_id)
    sql = f"SELECT {_SPANS} FROM stored_spans WHERE trace_hi = ? AND trace_lo = ? ORDER BY seq"  # noqa: S608
    return _spans_request(source, source.read(sql, halves) if halves is not None else [])


async def export_otlp(source: Source) -> AsyncIterator[bytes]:
    """Everything that is stored, in lines."""
    for table, columns, build in (
        ("stored_spans", _SPANS, _spans_request),
        ("logs", _LOGS, _logs_request),
        ("metrics", METRIC_COLUMNS, _metrics_request),
    ):
        seq = -1
        while rows := await asyncio.to_thread(_chunk, source, table, columns, seq):
            seq = rows[-1][0]
            yield _encode(await asyncio.to_thread(build, source, rows)) + b"\n"


def _chunk(source: Source, table: str, columns: str, seq: int) -> list[tuple[Any, ...]]:
    sql = f"SELECT {columns} FROM {table} WHERE seq > ? ORDER BY seq LIMIT {CHUNK}"  # noqa: S608
    return source.read(sql, [seq])


async def import_otlp(store: Store, body: bytes) -> dict[str, int]:
    """Takes in OTLP JSON: one export request, or one a line.

    Returns:
        How many records of each kind.

    Raises:
        ImportFailed: a line is no export request; the lines before it are stored.
    """
    taken = {"spans": 0, "logs": 0, "metric_points": 0}
    for number, line in enumerate(_lines(body), 1):
        for signal, name in (("traces", "spans"), ("logs", "logs"), ("metrics", "metric_points")):
            if _FIELDS[signal] in line:
                taken[name] += await _take(store, signal, line, number)
    return taken


_FIELDS: Final = {"traces": b'"resourceSpans"', "logs": b'"resourceLogs"', "metrics": b'"resourceMetrics"'}


def _lines(body: bytes) -> Iterable[bytes]:
    """The requests of a body. JSON that was made for people has line breaks, too."""
    lines = [line for line in body.splitlines() if line.strip()]
    if lines and not any(field in lines[0] for field in _FIELDS.values()):
        lines = [body]
    for number, line in enumerate(lines, 1):
        if not any(field in line for field in _FIELDS.values()):
            raise ImportFailed(
                f"line {number} is no OTLP export request: it has no resourceSpans, resourceLogs or "
                "resourceMetrics"
            )
        yield line


async def _take(store: Store, signal: str, line: bytes, number: int) -> int:
    try:
        batch = await asyncio.to_thread(_core.decode, signal, "json", line)
    except _core.CoreError as error:
        raise ImportFailed(f"line {number}: {error}") from error
    await store.add(batch)
    return int(batch.accepted)


def _spans_request(source: Source, rows: Sequence[Row]) -> dict[str, Any]:
    return {"resourceSpans": _grouped(source, rows, "scopeSpans", "spans", _span)}


def _logs_request(source: Source, rows: Sequence[Row]) -> dict[str, Any]:
    return {"resourceLogs": _grouped(source, rows, "scopeLogs", "logRecords", _log)}


def _metrics_request(source: Source, rows: Sequence[Row]) -> dict[str, Any]:
    return {"resourceMetrics": _grouped(source, rows, "scopeMetrics", "metrics", metric)}


def _grouped(
    source: Source, rows: Sequence[Row], scopes: str, items: str, make: Callable[[Row], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Rows by resource and scope, the last three columns of each."""
    groups: dict[int, dict[tuple[str, int | None], list[dict[str, Any]]]] = {}
    for row in rows:
        groups.setdefault(row[-3], {}).setdefault(tuple(row[-2:]), []).append(make(row))
    resources = _described(source, "resources", "resource_id", groups)
    details = _described(
        source, "scopes", "scope_id", {key for scopes in groups.values() for _, key in scopes}
    )
    return [
        {
            **_with(resources.get(resource), "resource", {}),
            scopes: [
                {**_with(details.get(key), "scope", _scope(text)), items: made}
                for (text, key), made in by_scope.items()
            ],
        }
        for resource, by_scope in groups.items()
    ]


def _described(source: Source, table: str, key: str, wanted: Iterable[int | None]) -> dict[int | None, Row]:
    """Attributes, schema URL and count of dropped attributes of resources or scopes."""
    numbers = [number for number in wanted if number is not None]
    marks = ", ".join("?" * len(numbers))
    sql = f"SELECT {key}, attributes, schema_url, dropped FROM {table} WHERE {key} IN ({marks})"  # noqa: S608
    return {row[0]: row[1:] for row in source.read(sql, numbers)} if numbers else {}


def _with(described: Row | None, name: str, facts: dict[str, Any]) -> dict[str, Any]:
    """A resource or scope, and the schema URL beside it."""
    if described is None:
        return {name: facts}
    attributes, schema_url, dropped = described
    facts = {**facts, "attributes": otlp_attributes(json.loads(attributes))}
    if dropped:
        facts["droppedAttributesCount"] = dropped
    return {name: facts, **({"schemaUrl": schema_url} if schema_url else {})}


def _scope(text: str) -> dict[str, str]:
    name, at, version = text.rpartition("@")
    return {"name": name, "version": version} if at else {"name": text}


def _span(row: Row) -> dict[str, Any]:
    _, high, low, span_id, parent_id, start, duration, name, kind, status, message = row[:11]
    attributes, events, links, trace_state, flags, dropped = row[11:17]
    span: dict[str, Any] = {
        "traceId": trace_hex(high, low),
        "spanId": f"{span_id:016x}",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + duration),
        "attributes": otlp_attributes(json.loads(attributes)),
        "events": [_event(event) for event in json.loads(events or "[]")],
        "links": [_link(link) for link in json.loads(links or "[]")],
        "status": {"code": status, **({"message": message} if message else {})},
        "flags": flags,
    }
    if parent_id is not None:
        span["parentSpanId"] = f"{parent_id:016x}"
    if trace_state:
        span["traceState"] = trace_state
    return span | _dropped(dropped)


def _dropped(text: str | None) -> dict[str, int]:
    """What the sender did not send: counts by kind, such as `{"attributes": 3}`."""
    counts = json.loads(text) if text else {}
    return {f"dropped{kind.capitalize()}Count": count for kind, count in counts.items()}


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "timeUnixNano": str(event["time_ns"]),
        "name": event["name"],
        "attributes": otlp_attributes(event["attributes"]),
    }


def _link(link: dict[str, Any]) -> dict[str, Any]:
    more = {"traceState": link.get("trace_state"), "flags": link.get("flags")}
    return {
        "traceId": link["trace_id"],
        "spanId": link["span_id"],
        "attributes": otlp_attributes(link["attributes"]),
        **{name: value for name, value in more.items() if value},
    }


def _log(row: Row) -> dict[str, Any]:
    _, high, low, span_id, time_ns, severity, severity_text, body, attributes = row[:9]
    record: dict[str, Any] = {
        "timeUnixNano": str(time_ns),
        "severityNumber": severity,
        "severityText": severity_text or "",
        "body": {"stringValue": body or ""},
        "attributes": otlp_attributes(json.loads(attributes)),
    }
    if high is not None:
        record["traceId"] = trace_hex(high, low)
    if span_id is not None:
        record["spanId"] = f"{span_id:016x}"
    return record
