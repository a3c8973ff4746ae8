"""Exports as the official messages read them."""

import base64
import json
from typing import Any, TypeVar

from google.protobuf import json_format  # type: ignore[import-untyped]  # its stubs are another package
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Request = TypeVar("Request", ExportTraceServiceRequest, ExportMetricsServiceRequest, ExportLogsServiceRequest)


def parsed(line: str, request: Request) -> Request:
    """Fills a message with a line of an export. protobuf's own JSON has ids in base64, OTLP's in hex."""

    def in_base64(pair: dict[str, Any]) -> dict[str, Any]:
        for key in {"traceId", "spanId", "parentSpanId"} & pair.keys():
            pair[key] = base64.b64encode(bytes.fromhex(pair[key])).decode()
        return pair

    json_format.ParseDict(json.loads(line, object_hook=in_base64), request)
    return request
