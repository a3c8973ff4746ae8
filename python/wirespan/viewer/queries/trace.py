"""One trace: its waterfall with everything that is known about each span, and the logs in their places."""

import json
from collections.abc import Sequence
from typing import Any, Final

from wirespan.viewer.filters import IS_ERROR
from wirespan.viewer.queries.reading import (
    KINDS,
    STATE_COLUMNS,
    STATES,
    STATUSES,
    Source,
    states_of,
    trace_halves,
    trace_hex,
    word,
)
from wirespan.viewer.waterfall import Node, Problem, Waterfall, arrange

MAX_LOGS: Final = 1_000
_SPANS: Final = (
    "SELECT span_id, parent_id, start_ns, duration_ns, kind, service, name, status, status_message, "  # noqa: S608
    f"{IS_ERROR}, method, route, path, http_status, end_reason, timeline, resource_id, scope, attributes, "
    f"events, links, trace_state, flags, dropped, error_type, {STATE_COLUMNS} "
    "FROM stored_spans WHERE trace_hi = ? AND trace_lo = ? ORDER BY seq"
)
_STATES_FROM: Final = 25
_LOGS: Final = (
    "SELECT span_id, time_ns, severity, severity_text, body, service, attributes FROM logs "
    "WHERE trace_hi = ? AND trace_lo = ? ORDER BY time_ns, seq LIMIT ?"
)
_RESOURCES: Final = "SELECT resource_id, service, attributes FROM resources"
_HOST_KEYS: Final = ("host.id", "host.name")


def trace(source: Source, trace_id: str) -> dict[str, Any] | None:
    """A trace with its spans in order; None when there is no span of it.

    Raises:
        FilterError: the id is none.
    """
    halves = trace_halves(source, trace_id)
    rows = source.read(_SPANS, halves) if halves is not None else []
    if halves is None or not rows:
        return None
    resources = _resources(source, rows)
    waterfall = arrange(_node(row, resources) for row in rows)
    logs = source.read(_LOGS, (*halves, MAX_LOGS + 1))
    return _shown(trace_hex(*halves), waterfall, resources, logs)


def _resources(source: Source, rows: Sequence[tuple[Any, ...]]) -> dict[int, tuple[str, dict[str, Any]]]:
    """What the spans' processes say about themselves, by id; one that was pruned says only its service."""
    wanted = {row[16]: row[5] for row in rows}
    marks = ", ".join("?" * len(wanted))
    found = source.read(f"{_RESOURCES} WHERE resource_id IN ({marks})", list(wanted))  # question marks only
    said = {identity: (service, json.loads(attributes)) for identity, service, attributes in found}
    return {identity: said.get(identity, (service, {})) for identity, service in wanted.items()}


def _node(row: tuple[Any, ...], resources: dict[int, tuple[str, dict[str, Any]]]) -> Node:
    states = states_of(row[_STATES_FROM:])
    return Node(
        span_id=f"{row[0]:016x}",
        parent_id=None if row[1] is None else f"{row[1]:016x}",
        start_ns=row[2],
        duration_ns=row[3],
        kind=row[4],
        clock=_clock(row[16], resources[row[16]][1]),
        has_states=states is not None,
        facts={"row": row, "states": states, "resource": list(resources).index(row[16])},
    )


def _clock(resource_id: int, attributes: dict[str, Any]) -> str:
    host = next((str(attributes[key]) for key in _HOST_KEYS if attributes.get(key)), None)
    return f"host {host}" if host else f"resource {resource_id}"


def _shown(
    trace_id: str,
    waterfall: Waterfall,
    resources: dict[int, tuple[str, dict[str, Any]]],
    logs: Sequence[tuple[Any, ...]],
) -> dict[str, Any]:
    start_ns = waterfall.start_ns
    skews: dict[int, int] = {}
    for node in waterfall.nodes:
        index = node.facts["resource"]
        skews[index] = max(skews.get(index, 0), node.skew_ns, key=abs)
    by_id = {node.span_id: node for node in waterfall.nodes}
    return {
        "trace_id": trace_id,
        "start_us": start_ns // 1_000,
        "duration_ns": waterfall.end_ns - start_ns,
        "services": [
            {"name": service, "skew_ns": skews[index], "resource": attributes}
            for index, (service, attributes) in enumerate(resources.values())
        ],
        "spans": [_span(node, start_ns) for node in waterfall.nodes],
        "logs": [_log(row, by_id, start_ns) for row in logs[:MAX_LOGS]],
        "logs_truncated": len(logs) > MAX_LOGS,
        "critical_path": [
            {"span_id": part.span_id, "offset_ns": part.start_ns - start_ns, "duration_ns": part.duration_ns}
            for part in waterfall.critical_path
        ],
        "problems": [_problem(problem, start_ns) for problem in waterfall.problems],
    }


def _problem(problem: Problem, start_ns: int) -> dict[str, Any]:
    return {
        "span_id": problem.span_id,
        "kind": problem.kind,
        "message": problem.message,
        "offset_ns": None if problem.start_ns is None else problem.start_ns - start_ns,
        "duration_ns": problem.duration_ns,
    }


def _span(node: Node, start_ns: int) -> dict[str, Any]:
    row = node.facts["row"]
    has_http = any(value is not None for value in row[10:14])
    return {
        "span_id": node.span_id,
        "parent_id": node.parent_id,
        "depth": node.depth,
        "service": row[5],
        "name": row[6],
        "kind": word(KINDS, node.kind),
        "status": word(STATUSES, row[7]),
        "status_message": row[8],
        "error": bool(row[9]),
        "error_type": row[24],
        "offset_ns": node.start_ns - start_ns,
        "skew_ns": node.skew_ns,
        "duration_ns": node.duration_ns,
        "self_ns": node.self_ns,
        "states": node.facts["states"],
        "timeline": timeline(row[15], node.duration_ns),
        "http": {"method": row[10], "route": row[11], "path": row[12], "status": row[13]}
        if has_http
        else None,
        "end_reason": row[14],
        "attributes": _object(row[18]),
        "resource": node.facts["resource"],
        "scope": row[17],
        "events": [_event(event, node, start_ns) for event in _list(row[19])],
        "links": [{name: link[name] for name in _LINK} for link in _list(row[20])],
        "trace_state": row[21],
        "flags": row[22],
        "dropped": row[23],
    }


_LINK: Final = ("trace_id", "span_id", "attributes")


def _event(event: dict[str, Any], node: Node, start_ns: int) -> dict[str, Any]:
    return {
        "offset_ns": event["time_ns"] + node.skew_ns - start_ns,
        "name": event["name"],
        "attributes": event["attributes"],
    }


def _log(row: tuple[Any, ...], by_id: dict[str, Node], start_ns: int) -> dict[str, Any]:
    span_id = None if row[0] is None else f"{row[0]:016x}"
    node = by_id.get(span_id) if span_id is not None else None
    return {
        "span_id": span_id,
        "offset_ns": row[1] + (node.skew_ns if node is not None else 0) - start_ns,
        "severity": row[2],
        "severity_text": row[3],
        "body": row[4] or "",
        "service": row[5],
        "attributes": _object(row[6]),
    }


def timeline(text: str | None, duration_ns: int) -> list[dict[str, Any]] | None:
    """The states in order of time, from `queue=1200,run=5000`; None where there is none or it makes no sense.

    A timeline that its sender has cut ends with `...`: the rest of the span then has no state.
    """
    if not text:
        return None
    pieces: list[dict[str, Any]] = []
    for piece in text.split(","):
        state, _, digits = piece.partition("=")
        if piece == "...":
            rest = duration_ns - sum(item["duration_ns"] for item in pieces)
            return [*pieces, {"state": None, "duration_ns": max(rest, 0)}]
        if state not in STATES or not (digits.isascii() and digits.isdigit()):
            return None
        pieces.append({"state": state, "duration_ns": int(digits)})
    return pieces


def _object(text: str | None) -> dict[str, Any]:
    return dict(json.loads(text)) if text else {}


def _list(text: str | None) -> list[dict[str, Any]]:
    return list(json.loads(text)) if text else []
