"""Stored values as OTLP JSON has them: attributes, and the data points of metrics.

Source: OTLP 1.7, section JSON Protobuf Encoding, and protobuf's JSON mapping: 64-bit integers are texts, and
so are floating point numbers that JSON has no number for.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, Final

METRIC_COLUMNS: Final = (
    "seq, time_ns, start_ns, name, unit, description, kind, temporality, monotonic, attributes, value, "
    "count, sum, min, max, bounds, counts, quantiles, exemplars, details, resource_id, scope, scope_id"
)
_TEMPORALITIES: Final = {"delta": 1, "cumulative": 2}
_FIELDS: Final = {"exponential_histogram": "exponentialHistogram"}
"""Names of kinds where OTLP has another one."""
_NO_ID: Final = frozenset("0")


def otlp_attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP has them."""
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    """A JSON value with its OTLP type."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": otlp_attributes(value)}}
        case None:
            return {}
        case _:
            return {"stringValue": str(value)}


def metric(row: Sequence[Any]) -> dict[str, Any]:
    """A metric with the one data point of this row; its columns are `METRIC_COLUMNS`."""
    _, time_ns, start_ns, name, unit, description, kind, temporality, monotonic, attributes = row[:10]
    exemplars, details = row[18:20]
    point: dict[str, Any] = {
        "timeUnixNano": str(time_ns),
        "startTimeUnixNano": str(start_ns or 0),
        "attributes": otlp_attributes(json.loads(attributes)),
        **_numbers(row),
        **json.loads(details or "{}"),
    }
    if "asInt" in point:
        del point["asDouble"]
    if exemplars:
        point["exemplars"] = [_exemplar(exemplar) for exemplar in json.loads(exemplars)]
    data: dict[str, Any] = {"dataPoints": [point]}
    if kind not in {"gauge", "summary"}:
        data["aggregationTemporality"] = _TEMPORALITIES.get(temporality, 0)
    if kind == "sum":
        data["isMonotonic"] = bool(monotonic)
    described = {"name": name, "unit": unit or "", "description": description or ""}
    return {**described, _FIELDS.get(kind, kind): data}


def _numbers(row: Sequence[Any]) -> dict[str, Any]:
    """What the columns of numbers say of a point; each kind has some of them."""
    kind, value, count, total, least, most, bounds, counts, quantiles = row[6], *row[10:18]
    found = {"asDouble": value, "sum": total, "min": least, "max": most}
    numbers: dict[str, Any] = {key: _double(number) for key, number in found.items() if number is not None}
    if count is not None:
        numbers["count"] = str(count)
    if kind == "histogram":
        numbers["explicitBounds"] = [_double(bound) for bound in bounds]
        numbers["bucketCounts"] = [str(number) for number in counts]
    if quantiles:
        numbers["quantileValues"] = json.loads(quantiles)
    return numbers


def _exemplar(stored: dict[str, Any]) -> dict[str, Any]:
    exemplar: dict[str, Any] = {
        "timeUnixNano": str(stored["time_ns"]),
        "filteredAttributes": otlp_attributes(stored["attributes"]),
    }
    for key, name in (("traceId", "trace_id"), ("spanId", "span_id")):
        if not _NO_ID.issuperset(stored[name]):
            exemplar[key] = stored[name]
    match stored["value"]:
        case int() as value:
            exemplar["asInt"] = str(value)
        case None:
            pass
        case value:
            exemplar["asDouble"] = value
    return exemplar


def _double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
