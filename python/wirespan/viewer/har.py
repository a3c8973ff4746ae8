"""A trace as HAR, which browsers' developer tools and others open: one entry for each HTTP span.

The six states become HAR's phases: `queue` is blocked, `read` is send, `schedule`, `run` and `await` are
wait, `write` is receive. A span without states has waited all the time.

Source: HTTP Archive 1.2.
"""

import datetime
from typing import Any, Final

from wirespan._core import __version__

_PHASES: Final = {
    "blocked": ("queue",),
    "send": ("read",),
    "wait": ("schedule", "run", "await"),
    "receive": ("write",),
}


def har(trace: dict[str, Any]) -> dict[str, Any]:
    """The HAR document.

    Args:
        trace: as the API has it.
    """
    entries = [_entry(span, trace["start_us"]) for span in trace["spans"] if span["http"] is not None]
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "wirespan", "version": __version__},
            "comment": f"trace {trace['trace_id']}",
            "entries": entries,
        }
    }


def _entry(span: dict[str, Any], start_us: int) -> dict[str, Any]:
    http, attributes = span["http"], span["attributes"]
    start = datetime.datetime.fromtimestamp((start_us + span["offset_ns"] // 1_000) / 1e6, datetime.UTC)
    return {
        "startedDateTime": start.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "time": span["duration_ns"] / 1e6,
        "request": {
            "method": http["method"] or "",
            "url": _url(http, attributes),
            "httpVersion": f"HTTP/{attributes.get('network.protocol.version', '1.1')}",
            "cookies": [],
            "headers": _headers(attributes, "http.request.header."),
            "queryString": [],
            "headersSize": -1,
            "bodySize": attributes.get("http.request.body.size", -1),
        },
        "response": {
            "status": http["status"] or 0,
            "statusText": "",
            "httpVersion": f"HTTP/{attributes.get('network.protocol.version', '1.1')}",
            "cookies": [],
            "headers": _headers(attributes, "http.response.header."),
            "content": {"size": attributes.get("http.response.body.size", 0), "mimeType": ""},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": attributes.get("http.response.body.size", -1),
        },
        "cache": {},
        "timings": _timings(span),
        "comment": f"{span['service']}: {span['kind']} span {span['span_id']}",
    }


def _url(http: dict[str, Any], attributes: dict[str, Any]) -> str:
    full = attributes.get("url.full")
    if full:
        return str(full)
    scheme, host = attributes.get("url.scheme", "http"), attributes.get("server.address", "localhost")
    port = attributes.get("server.port")
    query = attributes.get("url.query")
    return f"{scheme}://{host}{f':{port}' if port else ''}{http['path'] or '/'}{f'?{query}' if query else ''}"


def _headers(attributes: dict[str, Any], prefix: str) -> list[dict[str, str]]:
    return [
        {"name": key.removeprefix(prefix), "value": str(value)}
        for key, values in attributes.items()
        if key.startswith(prefix)
        for value in (values if isinstance(values, list) else [values])
    ]


def _timings(span: dict[str, Any]) -> dict[str, float]:
    states = span["states"]
    if states is None:
        return {
            "blocked": -1,
            "dns": -1,
            "connect": -1,
            "send": 0,
            "wait": span["duration_ns"] / 1e6,
            "receive": 0,
        }
    phases = {phase: sum(states[state] for state in parts) / 1e6 for phase, parts in _PHASES.items()}
    return {"dns": -1, "connect": -1, **phases}
