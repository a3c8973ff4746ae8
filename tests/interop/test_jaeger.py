"""Jaeger with the configuration of examples/backends: what was sent is what it gives back."""

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from interop.collector import Collector
from interop.process import eventually, example, free_port
from interop.program import build
from interop.traffic import ALL, BROKEN, QUEUED, SLOW, Tee, answer, comparable, sent, state_ns
from otel.receiver import read_spans

pytestmark = [pytest.mark.interop, pytest.mark.timeout(1800)]


class Jaeger:
    """What was sent to it, and its API."""

    def __init__(self, tee: Tee, url: str) -> None:
        self.tee = tee
        self.url = url

    def found(self, **words: str) -> set[str]:
        """Trace ids that a search in the page would give."""
        query = urlencode({"service": "shop", **words})
        return {trace["traceID"] for trace in answer(f"{self.url}/api/traces?{query}")["data"]}


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    program, folder = build("jaeger"), tmp_path_factory.mktemp("jaeger")
    otlp, page, grpc = (f"127.0.0.1:{free_port()}" for _ in range(3))
    changes = {
        "0.0.0.0:4318": otlp,
        "0.0.0.0:16686": page,
        "0.0.0.0:16685": grpc,
        "/badger/": f"{folder}/badger/",
    }
    configuration = example("jaeger/jaeger.yaml", folder, changes)
    with (
        Collector(program, int(otlp.rpartition(":")[2]), folder, configuration) as running,
        sent(running.url) as tee,
    ):
        jaeger = Jaeger(tee, f"http://{page}")
        eventually(lambda: jaeger.found() >= set(ALL), "Jaeger does not have the traces")
        yield jaeger


def test_every_span_comes_back(jaeger: Jaeger) -> None:
    """All fields but the flags, which Jaeger does not keep."""
    traces = [answer(f"{jaeger.url}/api/v3/traces/{trace_id}")["result"] for trace_id in ALL]
    read = [read_spans(json.dumps(trace).encode(), {"content-type": "application/json"}) for trace in traces]
    assert comparable(ALL, *read, but=["flags"]) == comparable(ALL, *jaeger.tee.requests, but=["flags"])


def test_traces_are_found(jaeger: Jaeger) -> None:
    """By attribute, compared for equality, and by duration."""
    assert jaeger.found(tags='{"error": "true"}') == {BROKEN}
    assert jaeger.found(tags='{"http.route": "/slow"}') == {SLOW}
    assert jaeger.found(tags='{"http.route": "/items/{id:int}"}', minDuration="100ms") == {QUEUED}
    [queued] = [span for span in jaeger.tee.spans([QUEUED]).values() if span.name.startswith("GET")]
    exactly = json.dumps({"wirespan.state.queue_ns": str(state_ns(queued, "queue"))})
    assert jaeger.found(tags=exactly) == {QUEUED}
