"""Requests whose spans pass through us to a backend, so that what it gives back can be compared."""

import http.client
import json
import signal
import threading
import urllib.request
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from cli.commands import Serving
from docs.test_pages import ROOT, blocks
from otel.receiver import Receiver

TESTS = Path(__file__).parents[1]
ALL = PLAIN, QUEUED, SLOW, BROKEN = tuple(digit * 32 for digit in "abcd")  # trace ids
SETTINGS = {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_BSP_SCHEDULE_DELAY": "100"}
WORDS = ("interop.store:app", "--port", "0", "--service-name", "shop", "--otlp")


class Tee(Receiver):
    """Passes on what comes and keeps it: its sender has its answer when the backend has given it.

    Args:
        takes: paths that the backend knows; what goes to others ends here.
    """

    def __init__(self, backend: str, takes: Collection[str]) -> None:
        super().__init__()
        self._backend = backend
        self._takes = takes

    def keep(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        if path in self._takes:
            assert headers["content-encoding"] == "gzip"
            form = {name: headers[name] for name in ("content-type", "content-encoding")}
            request = urllib.request.Request(self._backend + path, body, form)
            urllib.request.urlopen(request, timeout=20).close()
        super().keep(path, body, headers)

    def spans(self, trace_ids: Iterable[str] = ALL) -> dict[str, Span]:
        """What was sent of some traces."""
        return comparable(trace_ids, *self.requests)


def comparable(
    trace_ids: Iterable[str], *requests: ExportTraceServiceRequest, but: Iterable[str] = ()
) -> dict[str, Span]:
    """Spans by id, with what has no meaning made equal: the order of attributes, and fields that are empty.

    Args:
        but: names of fields that the backend leaves out.
    """
    wanted = {bytes.fromhex(trace_id) for trace_id in trace_ids}
    spans = {}
    for request in requests:
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    if span.trace_id in wanted:
                        spans[span.span_id.hex()] = _normal(span, but)
    return spans


def _normal(span: Span, but: Iterable[str]) -> Span:
    normal = Span()
    normal.CopyFrom(span)
    # Jaeger adds its own, when it answers.
    kept = [pair for pair in span.attributes if not pair.key.startswith("@jaeger@")]
    del normal.attributes[:]
    normal.attributes.extend(sorted(kept, key=_name))
    for event in normal.events:
        event.attributes.sort(key=_name)
    for field in but:
        normal.ClearField(field)  # type: ignore[arg-type]
    if normal.status == Status():
        normal.ClearField("status")
    return normal


def _name(pair: KeyValue) -> str:
    return pair.key


def state_ns(span: Span, name: str) -> int:
    """The time that a request was in a state."""
    [value] = [pair.value for pair in span.attributes if pair.key == f"wirespan.state.{name}_ns"]
    return int(value.int_value)


def get(port: int, path: str, trace_id: str) -> int:
    """The status of a request in a trace of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"traceparent": f"00-{trace_id}-{'1' * 16}-01"})
    status = connection.getresponse().status
    connection.close()
    return status


@contextmanager
def store(url: str, **settings: str) -> Iterator[Serving]:
    """Serves `store`; at the end all its spans and metrics have arrived."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (SETTINGS | settings).items():
            patch.setenv(name, value)
        with Serving(*WORDS, url, cwd=TESTS) as server:
            yield server
            server.signal(signal.SIGTERM)
            code, _, said = server.end()
    assert code == 0, said


def exercise(server: Serving) -> None:
    """One request of each kind."""
    assert get(server.port, "/items/7", PLAIN) == 200
    blocking = threading.Thread(target=get, args=(server.port, "/report", "e" * 32))
    blocking.start()
    server.wait_for("the loop is blocked")
    assert get(server.port, "/items/8", QUEUED) == 200
    blocking.join()
    assert get(server.port, "/slow", SLOW) == 200
    assert get(server.port, "/broken", BROKEN) == 500


@contextmanager
def sent(backend: str, takes: Collection[str] = ("/v1/traces",)) -> Iterator[Tee]:
    """Traffic has been at a backend when this is entered."""
    with Tee(backend, takes) as tee:
        with store(tee.url) as server:
            exercise(server)
        assert len(tee.spans()) == 8  # four requests, and two spans below each of two
        yield tee


def documented(language: str) -> list[str]:
    """The queries that docs/backends.md shows."""
    found = [code.strip() for _, code in blocks(ROOT / "docs" / "backends.md", language)]
    assert found
    return found


def answer(url: str) -> Any:
    """JSON from a backend.

    Raises:
        urllib.error.HTTPError: if it refuses.
    """
    with urllib.request.urlopen(url, timeout=20) as response:
        return json.load(response)
