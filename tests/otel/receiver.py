"""An OTLP receiver in a thread, which reads with OpenTelemetry's own classes."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Receiver:
    """For `with`. Keeps what it gets: the requests, and the headers of each."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._arrival = threading.Condition()
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.paths.append(self.path)
                kept.headers.append({name.lower(): value for name, value in self.headers.items()})
                with kept._arrival:
                    kept.requests.append(ExportTraceServiceRequest.FromString(body))
                    kept._arrival.notify_all()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def take(self, timeout_s: float = 10) -> ExportTraceServiceRequest:
        """Waits for the oldest request that was not taken yet."""
        with self._arrival:
            assert self._arrival.wait_for(lambda: self.requests, timeout_s), "nothing was exported"
            return self.requests.pop(0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
