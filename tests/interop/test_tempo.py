"""Tempo with the configuration of examples/backends: spans come back, and TraceQL finds states."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from interop.process import Process, eventually, example, free_port
from interop.program import build
from interop.traffic import ALL, QUEUED, Tee, answer, comparable, documented, sent

pytestmark = [pytest.mark.interop, pytest.mark.timeout(1800)]

ROUTES = {"/items/{id:int}", "/report", "/slow", "/broken"}


class Tempo:
    """What was sent to it, and its API."""

    def __init__(self, tee: Tee, url: str) -> None:
        self.tee = tee
        self.url = url

    def found(self, query: str) -> set[str]:
        """Trace ids."""
        words = urlencode({"q": query})
        return {trace["traceID"] for trace in answer(f"{self.url}/api/search?{words}")["traces"]}

    def series(self, query: str) -> dict[str, float]:
        """The largest value of each route in the last hour."""
        words = urlencode({"q": query, "since": "1h", "step": "5m"})
        series = answer(f"{self.url}/api/metrics/query_range?{words}")["series"]
        return {
            one["labels"][0]["value"]["stringValue"]: max(sample.get("value", 0) for sample in one["samples"])
            for one in series
        }


@pytest.fixture(scope="module")
def tempo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tempo]:
    program, folder = build("tempo"), tmp_path_factory.mktemp("tempo")
    otlp, http, grpc, gossip = (free_port() for _ in range(4))
    changes = {
        "0.0.0.0:4318": f"127.0.0.1:{otlp}",
        "http_listen_port: 3200": f"http_listen_port: {http}\n  grpc_listen_port: {grpc}",
        "/var/tempo": f"{folder}/tempo",
    }
    configuration = example("tempo/tempo.yaml", folder, changes)
    command = [str(program), f"-config.file={configuration}", f"-memberlist.bind-port={gossip}"]
    with Process(command, otlp, folder / "tempo.log") as running, sent(running.url) as tee:
        yield Tempo(tee, f"http://127.0.0.1:{http}")


def test_every_span_comes_back(tempo: Tempo) -> None:
    read = []
    for trace_id in ALL:
        trace = answer(f"{tempo.url}/api/v2/traces/{trace_id}")["trace"]
        read.append(json_format.ParseDict(trace, ExportTraceServiceRequest()))
    assert comparable(ALL, *read) == tempo.tee.spans(ALL)


def test_traceql_of_the_docs(tempo: Tempo) -> None:
    """The first finds the request that waited for the loop, the second has the percentiles of each route."""
    queued, percentiles = documented("traceql")
    eventually(lambda: tempo.found("{}") >= set(ALL), "Tempo does not find the traces")
    assert tempo.found(queued) == {QUEUED}
    # Percentiles are of what the generator has, which gets spans later.
    eventually(lambda: set(tempo.series(percentiles)) == ROUTES, "Tempo has no percentiles of each route")
    queue_ns = tempo.series(percentiles)
    assert queue_ns["/items/{id:int}"] > 100_000_000 > queue_ns["/slow"]
