"""The Collector of examples/backends keeps the traces that its first line says, whole."""

from pathlib import Path

import pytest

from interop.collector import of_example
from interop.process import EXAMPLES, eventually
from interop.program import build
from interop.traffic import BROKEN, QUEUED, SLOW, Tee, comparable, documented, exercise, get, store
from otel.receiver import METRICS, Receiver

pytestmark = [pytest.mark.interop, pytest.mark.timeout(1800)]

KEPT = [BROKEN, QUEUED, SLOW]
REST = [f"{number:08x}" * 4 for number in range(1, 101)]


def test_the_collector_keeps_what_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as backend:
        monkeypatch.setenv("BACKEND", backend.url)
        with (
            of_example(build("collector"), tmp_path, "collector/config.yaml", {}) as collector,
            Tee(collector.url, ("/v1/traces", METRICS)) as tee,
        ):
            with store(tee.url) as server:
                for trace_id in REST:
                    get(server.port, "/items/7", trace_id)
                exercise(server)
            kept = tee.spans(KEPT)
            eventually(lambda: comparable(KEPT, *backend.requests) == kept, "traces are missing")
            eventually(lambda: backend.metrics, "metrics are missing")
    [policy] = documented("yaml")
    assert policy in (EXAMPLES / "collector" / "config.yaml").read_text()
    rest = comparable(REST, *backend.requests)
    assert len(rest) % 3 == 0  # whole traces
    assert 0 < len(rest) / 3 < len(REST) / 3  # a tenth of 100, by their ids
