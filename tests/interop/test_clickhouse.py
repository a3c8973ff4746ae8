"""A Collector that writes to ClickHouse, with the configuration and the queries of examples/backends."""

import importlib.util
import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from interop.collector import of_example
from interop.process import EXAMPLES, Process, eventually, free_port
from interop.program import build
from interop.traffic import ALL, QUEUED, Tee, documented, sent, state_ns
from otel.receiver import METRICS

pytestmark = [pytest.mark.interop, pytest.mark.timeout(1800)]

DOOR = Path(__file__).parent / "clickhouse.py"
SPANS = "SELECT * FROM otel.otel_traces WHERE SpanId = '{}'"


class ClickHouse:
    """What was sent to the Collector before it, and its SQL."""

    def __init__(self, tee: Tee, url: str) -> None:
        self.tee = tee
        self.url = url

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self.url, sql.encode(), timeout=20) as response:
            return [json.loads(line) for line in response]

    def example(self, name: str) -> list[dict[str, Any]]:
        """A query that users are given."""
        return self.rows((EXAMPLES / "clickhouse" / name).read_text())


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("ClickHouse's engine is missing: pip install --group interop")
    program, folder, port = build("collector"), tmp_path_factory.mktemp("clickhouse"), free_port()
    engine = Process([sys.executable, str(DOOR), str(port), str(folder)], port, folder / "engine.log")
    # The door understands no compression.
    changes = {"http://clickhouse:8123": f"http://127.0.0.1:{port}?compress=none"}
    with (
        engine,
        of_example(program, folder, "clickhouse/config.yaml", changes) as collector,
        sent(collector.url, ("/v1/traces", METRICS)) as tee,
    ):
        clickhouse = ClickHouse(tee, engine.url)
        eventually(lambda: len(clickhouse.rows("SELECT 1 FROM otel.otel_traces")) >= 9, "spans are missing")
        yield clickhouse


def test_every_span_is_a_row(clickhouse: ClickHouse) -> None:
    for span_id, span in clickhouse.tee.spans(ALL).items():
        [row] = clickhouse.rows(SPANS.format(span_id))
        assert row["TraceId"] == span.trace_id.hex()
        assert row["ParentSpanId"] == span.parent_span_id.hex()
        assert row["SpanName"] == span.name
        assert row["SpanKind"].upper() == Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
        assert int(row["Duration"]) == span.end_time_unix_nano - span.start_time_unix_nano
        assert row["SpanAttributes"] == {pair.key: written(pair.value) for pair in span.attributes}
        assert row["Events.Name"] == [event.name for event in span.events]
        assert row["ResourceAttributes"]["service.name"] == "shop"


def written(value: Any) -> str:
    """ClickHouse keeps all values of attributes as text."""
    return str(getattr(value, value.WhichOneof("value")))


def test_queries_of_the_examples(clickhouse: ClickHouse) -> None:
    [queued] = [span for span in clickhouse.tee.spans([QUEUED]).values() if span.name.startswith("GET")]
    queue_ms = state_ns(queued, "queue") / 1e6
    [row] = clickhouse.example("queued.sql")
    assert (row["TraceId"], row["route"]) == (QUEUED, "/items/{id:int}")
    assert row["queue_ms"] == pytest.approx(queue_ms)
    [shown] = documented("sql")
    assert [(row["TraceId"], row["queue_ms"]) for row in clickhouse.rows(shown)] == [
        (QUEUED, row["queue_ms"])
    ]
    states = {row["route"]: row for row in clickhouse.example("states.sql")}
    assert set(states) == {"/items/{id:int}", "/report", "/slow", "/broken"}
    assert states["/items/{id:int}"]["queue_ms"] == pytest.approx(queue_ms)
    percentiles = {(row["route"], row["state"]): row for row in clickhouse.example("percentiles.sql")}
    assert len(percentiles) == 4 * 6
    assert percentiles["/items/{id:int}", "queue"]["p99_ms"] == pytest.approx(queue_ms, rel=0.05)


def test_metrics_are_rows(clickhouse: ClickHouse) -> None:
    found = "SELECT 1 FROM otel.otel_metrics_histogram WHERE MetricName = 'wirespan.server.state.duration'"
    eventually(lambda: clickhouse.rows(found), "the durations of states are missing")
