"""An OTLP receiver in a thread, which reads with OpenTelemetry's own classes."""

import base64
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from google.protobuf import json_format  # type: ignore[import-untyped]
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from harness import DEADLINE_S

METRICS = "/v1/metrics"


def plain(body: bytes, headers: dict[str, str]) -> bytes:
    """The body without its compression."""
    return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


def read_metrics(body: bytes, headers: dict[str, str]) -> ExportMetricsServiceRequest:
    """A report in either encoding."""
    body = plain(body, headers)
    request = ExportMetricsServiceRequest()
    if headers["content-type"] == "application/json":
        json_format.Parse(body, request)
    else:
        request.ParseFromString(body)
    return request


def read_spans(body: bytes, headers: dict[str, str]) -> ExportTraceServiceRequest:
    """Spans in either encoding."""
    body = plain(body, headers)
    read = ExportTraceServiceRequest()
    if headers["content-type"] != "application/json":
        read.ParseFromString(body)
        return read
    # OTLP's JSON has ids in hexadecimal digits; the mapping of protobuf wants base64.
    request = json.loads(body, object_hook=_with_base64_ids)
    json_format.ParseDict(request, read)
    return read


def _with_base64_ids(fields: dict[str, Any]) -> dict[str, Any]:
    for name in ("traceId", "spanId", "parentSpanId"):
        if name in fields:
            fields[name] = base64.b64encode(bytes.fromhex(fields[name])).decode()
    return fields


class Receiver:
    """For `with`. Keeps what it gets: the requests, and the headers of each; metrics apart from spans."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.metrics_headers: list[dict[str, str]] = []
        self.metrics_paths: list[str] = []
        self._arrived = threading.Condition()
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.keep(self.path, body, {name.lower(): value for name, value in self.headers.items()})
                self.send_response(200)
                self.send_header("content-type", self.headers["content-type"])
                answer = b"{}" if "json" in self.headers["content-type"] else b""
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def keep(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        with self._arrived:
            if path.partition("?")[0] == METRICS:
                self.metrics_paths.append(path)
                self.metrics.append(read_metrics(body, headers))
                self.metrics_headers.append(headers)
            else:
                self.paths.append(path)
                self.headers.append(headers)
                self.requests.append(read_spans(body, headers))
            self._arrived.notify_all()

    def take(self, timeout_s: float = DEADLINE_S) -> ExportTraceServiceRequest:
        """Waits for the oldest request that was not taken yet."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self.requests, timeout_s), "nothing was exported"
            return self.requests.pop(0)

    def wait_for_metrics(self, count: int) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.metrics) >= count, timeout=DEADLINE_S)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
