"""Prometheus with the configuration of examples/backends: the metrics of states, and their exemplars."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from interop.process import EXAMPLES, Process, eventually, example, free_port
from interop.program import build
from interop.traffic import PLAIN, QUEUED, answer, documented, exercise, get, store
from otel.receiver import Receiver

pytestmark = [pytest.mark.interop, pytest.mark.timeout(1800)]

COUNT = 'sum(http_server_request_duration_seconds_count{http_route="/items/{id:int}"})'


def options() -> list[str]:
    """Those of the compose file that are not about files."""
    words = (EXAMPLES / "prometheus" / "compose.yaml").read_text().split()
    return [word for word in words if word.startswith(("--web.", "--enable-"))]


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[str]:
    program, port = build("prometheus"), free_port()
    configuration = example("prometheus/prometheus.yml", tmp_path, {})
    place = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={tmp_path}/data"]
    command = [str(program), f"--config.file={configuration}", *place, *options()]
    with Process(command, port, tmp_path / "prometheus.log") as running:
        eventually(lambda: answers(running.url, "vector(1)"), "Prometheus does not answer")
        yield running.url


def answers(url: str, query: str) -> list[dict[str, Any]]:
    """The series that a query gives."""
    words = urlencode({"query": query})
    result: list[dict[str, Any]] = answer(f"{url}/api/v1/query?{words}")["data"]["result"]
    return result


def test_promql_of_the_docs(prometheus: str) -> None:
    """Percentiles of each state, and the shares of a route's time."""
    metrics = f"{prometheus}/api/v1/otlp/v1/metrics"
    settings = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": metrics, "OTEL_METRIC_EXPORT_INTERVAL": "200"}
    with Receiver() as receiver, store(receiver.url, **settings) as server:
        get(server.port, "/items/1", PLAIN)
        eventually(lambda: answers(prometheus, COUNT), "no report arrived")  # a rate needs two
        exercise(server)
    percentiles, shares = documented("promql")
    p99 = {series(found): float(found["value"][1]) for found in answers(prometheus, percentiles)}
    assert 0.1 < p99["/items/{id:int}", "queue"] < 0.5
    share = {series(found): float(found["value"][1]) for found in answers(prometheus, shares)}
    items = {state: value for (route, state), value in share.items() if route == "/items/{id:int}"}
    assert len(items) == 6
    assert sum(items.values()) == pytest.approx(1)
    assert max(items, key=lambda state: items[state]) == "queue"
    assert QUEUED in exemplars(prometheus)


def series(found: dict[str, Any]) -> tuple[str, str]:
    return found["metric"]["http_route"], found["metric"]["wirespan_state"]


def exemplars(url: str) -> set[str]:
    """Trace ids that Prometheus keeps beside the duration of requests."""
    words = {"query": "http_server_request_duration_seconds_bucket", "start": 0, "end": time.time() + 60}
    found = answer(f"{url}/api/v1/query_exemplars?{urlencode(words)}")["data"]
    return {exemplar["labels"]["trace_id"] for one in found for exemplar in one["exemplars"]}
