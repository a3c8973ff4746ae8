"""The viewer shows what a Collector passes on, and what the official SDKs of Go and JavaScript send."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interop.collector import passing
from interop.program import MODULES, build
from interop.traffic import QUEUED, Tee, exercise, state_ns, store
from otel.receiver import METRICS
from viewer.running import Running, running

WARN = 13  # SEVERITY_NUMBER_WARN

pytestmark = [pytest.mark.interop, pytest.mark.timeout(1800)]


@pytest.fixture
def viewer() -> Iterator[Running]:
    with running() as viewer:
        yield viewer


@pytest.mark.parametrize("encoding", ["proto", "json"])
def test_a_collector_in_between(viewer: Running, tmp_path: Path, encoding: str) -> None:
    """Its exporter compresses with gzip, in either encoding."""
    behind = {"compression": "gzip", "encoding": encoding}
    with (
        passing(build("collector"), tmp_path, viewer.url, behind) as collector,
        Tee(collector.url, ("/v1/traces", METRICS)) as tee,
        store(tee.url) as server,
    ):
        exercise(server)
    shown = {span["span_id"]: span for span in viewer.get(f"/api/traces/{QUEUED}")["spans"]}
    sent = tee.spans([QUEUED])
    assert set(shown) == set(sent)
    for span_id, span in sent.items():
        assert shown[span_id]["name"] == span.name
        assert shown[span_id]["duration_ns"] == span.end_time_unix_nano - span.start_time_unix_nano
    [request] = [span for span in shown.values() if span["states"]]
    assert request["states"]["queue"] == state_ns(sent[request["span_id"]], "queue")
    assert sum(request["states"].values()) == request["duration_ns"]
    assert "wirespan.server.state.duration" in {
        metric["name"] for metric in viewer.get("/api/metrics")["metrics"]
    }


def go() -> list[str]:
    """The program."""
    return [str(build("sender"))]


@functools.cache
def node() -> list[str]:
    """The program and what it needs.

    Raises:
        RuntimeError: if its packages cannot be installed, with what was said.
    """
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        pytest.skip("node or npm is missing: install Node.js 20 or later (nodejs.org)")
    folder = MODULES / "node"
    command = [npm, "ci", "--ignore-scripts"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if installed.returncode:
        raise RuntimeError(f"npm ci failed:\n{installed.stderr}")
    return [found, str(folder / "send.mjs")]


@pytest.mark.parametrize(
    ("sender", "protocol"),
    [(go, "http/protobuf"), (node, "http/protobuf"), (node, "http/json")],
)
def test_an_official_sdk(viewer: Running, sender: Callable[[], list[str]], protocol: str) -> None:
    """Spans, a log line below one of them, and a metric."""
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": viewer.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_SERVICE_NAME": "sender",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
    }
    sent = subprocess.run(sender(), env=os.environ | settings, capture_output=True, text=True, check=False)
    assert not sent.returncode, sent.stderr
    trace = viewer.get(f"/api/traces/{sent.stdout}")
    [request, query] = trace["spans"]
    assert (request["name"], request["kind"], request["error"]) == ("GET /items/{id}", "server", True)
    assert request["http"] == {"method": "GET", "route": "/items/{id}", "path": None, "status": 500}
    assert (query["name"], query["kind"], query["parent_id"]) == ("query", "client", request["span_id"])
    assert query["attributes"] == {"db.tables": ["items", "shelves"]}
    [event] = query["events"]
    assert event["attributes"]["exception.message"] == "no such shelf"
    [line] = trace["logs"]
    assert (line["body"], line["severity"]) == ("the shelf is empty", WARN)
    assert line["span_id"] == request["span_id"]
    [metric] = viewer.get("/api/metrics")["metrics"]
    assert (metric["service"], metric["name"], metric["unit"]) == ("sender", "store.sold", "{item}")
