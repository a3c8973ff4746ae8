"""Objects that are made before a fork work after it, used or not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.commands import Serving, get
from otel.receiver import Receiver

SERVE = """
import os, sys
from wirespan import App
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry

app = App()

@app.get("/{name}")
async def hello(ctx):
    ctx.text("hello")

spans = OpenTelemetry(endpoint=sys.argv[1], **eval(sys.argv[2]))

def serve(name):
    done = RecordingTracer()
    with TestClient(app, tracers=[spans, done]) as client:
        client.get(f"/{name}")
        done.wait()
    assert spans.flush(10), spans.status()
    assert spans.status()["exported"] == 1, spans.status()
"""

SHOP = """
from wirespan import App

app = App()

@app.get("/")
async def hello(ctx):
    ctx.text("hello")
"""
UNUSED = """
children = []
for _ in range(2):
    children.append(os.fork())
    if children[-1] == 0:
        serve(f"child{len(children)}")
        os._exit(0)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
serve("parent")
"""
USED = """
serve("parent")
child = os.fork()
if child == 0:
    serve("child")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def run(code: str, endpoint: str, options: str, cwd: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", SERVE + code, endpoint, options],
        cwd=cwd,
        env=os.environ,
        check=True,
        timeout=60,
    )


def paths_by_process(receiver: Receiver) -> list[tuple[str, int]]:
    found = []
    for request in receiver.requests:
        for resource in request.resource_spans:
            [pid] = [
                pair.value.int_value for pair in resource.resource.attributes if pair.key == "process.pid"
            ]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    [path] = [p.value.string_value for p in span.attributes if p.key == "url.path"]
                    found.append((path, pid))
    return sorted(found)


def test_the_child_of_reload_exports(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    words = ("shop:app", "--port", "0", "--reload", "--spool", "spool", "--service-name", "shop")
    with Receiver() as receiver, Serving(*words, "--otlp", receiver.url, cwd=tmp_path) as server:
        assert get(server.port) == b"hello"
        server.signal(signal.SIGTERM)
        assert server.end()[0] == 0
        [(path, pid)] = paths_by_process(receiver)
        [resource] = receiver.requests[0].resource_spans
        names = [p.value.string_value for p in resource.resource.attributes if p.key == "service.name"]
    assert (path, names) == ("/", ["shop"])
    assert pid not in (os.getpid(), server.process.pid)


def test_an_exporter_that_was_used_before_the_fork(tmp_path: Path) -> None:
    """The child has no thread of the parent's, and perhaps copies of its locks: it starts afresh."""
    with Receiver() as receiver:
        run(USED, receiver.url, "{}", tmp_path)
    found = paths_by_process(receiver)
    assert [path for path, _ in found] == ["/child", "/parent"]
    assert len({pid for _, pid in found}) == 2


@pytest.mark.parametrize("options", ["{}", "{'spool_dir': 'spool'}"])
def test_every_worker_says_which_process_it_is(options: str, tmp_path: Path) -> None:
    with Receiver() as receiver:
        run(UNUSED, receiver.url, options, tmp_path)
    found = paths_by_process(receiver)
    assert [path for path, _ in found] == ["/child1", "/child2", "/parent"]
    assert len({pid for _, pid in found}) == 3


def test_each_process_is_an_instance_of_its_own(tmp_path: Path) -> None:
    """Metrics of one instance are added up by backends: two processes must not be one."""
    with Receiver() as receiver:
        run(UNUSED, receiver.url, "{}", tmp_path)
    instances = {}
    for resource in [part for request in receiver.requests for part in request.resource_spans]:
        facts = {pair.key: pair.value for pair in resource.resource.attributes}
        instances[facts["process.pid"].int_value] = facts["service.instance.id"].string_value
    assert len(instances) == len(set(instances.values())) == 3
    for request in receiver.metrics:
        facts = {p.key: p.value for p in request.resource_metrics[0].resource.attributes}
        assert instances[facts["process.pid"].int_value] == facts["service.instance.id"].string_value
