"""Who sent a record, and what it is linked to, through the store and out again: as it was sent."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from viewer.official import parsed
from viewer.older import as_older
from viewer.running import Running, running
from viewer.sender import T0, Span, pairs

KINDS: dict[str, tuple[Any, str, str]] = {
    "/v1/traces": (ExportTraceServiceRequest, "resource_spans", "scope_spans"),
    "/v1/logs": (ExportLogsServiceRequest, "resource_logs", "scope_logs"),
    "/v1/metrics": (ExportMetricsServiceRequest, "resource_metrics", "scope_metrics"),
}
TYPES = {"zip": "application/zip", "jsonl": "application/x-ndjson"}


@pytest.fixture
def other() -> Iterator[Running]:
    with running() as run:
        yield run


def add_record(scope: Any, number: int) -> None:
    """The record is the number, so that none is a repeat."""
    match scope.DESCRIPTOR.name:
        case "ScopeSpans":
            ids = {"trace_id": bytes([number] * 16), "span_id": bytes([number] * 8)}
            span = scope.spans.add(**ids, start_time_unix_nano=T0, end_time_unix_nano=T0 + 1, name="a")
            span.status.SetInParent()
            linked = {"trace_id": b"1" * 16, "span_id": b"2" * 8}
            span.links.add(**linked, trace_state="vendor=1", flags=0x301, attributes=pairs({"why": "retry"}))
            span.links.add(**linked, flags=1)
            span.links.add(**linked, trace_state="a=b")
            span.links.add(**linked)
        case "ScopeLogs":
            scope.log_records.add(time_unix_nano=T0 + number, severity_number=9).body.string_value = "hello"
        case _:
            scope.metrics.add(name="m").gauge.data_points.add(time_unix_nano=T0, as_int=number)


def everything(path: str) -> Any:
    """Resources and scopes that differ in one thing each, and one that is there twice."""
    kind, groups, scopes = KINDS[path]
    request = kind()
    number = 1
    for resource_url, resource_dropped in (
        ("", 0),
        ("https://a/1.27.0", 0),
        ("https://a/1.28.0", 0),
        ("", 3),
    ):
        group = getattr(request, groups).add(schema_url=resource_url)
        group.resource.attributes.extend(pairs({"service.name": "shop"}))
        group.resource.dropped_attributes_count = resource_dropped
        for url, attributes, dropped in (
            ("", {}, 0),
            ("https://a/1.27.0", {}, 0),
            ("https://a/1.28.0", {}, 0),
            ("", {"team": "blue", "parts": [1, True, 0.5], "deep": {"a": "b"}}, 0),
            ("https://a/1.28.0", {"service.name": "shop"}, 0),
            ("", {}, 7),
        ):
            scope = getattr(group, scopes).add(schema_url=url)
            scope.scope.name, scope.scope.version = "lib", "1.0"
            scope.scope.attributes.extend(pairs(attributes))
            scope.scope.dropped_attributes_count = dropped
            add_record(scope, number)
            number += 1
    return request


@pytest.mark.parametrize("path", KINDS)
def test_what_is_sent_comes_out_and_goes_round(viewer: Running, other: Running, path: str) -> None:
    sent = everything(path)
    viewer.post(path, sent.SerializeToString())
    viewer.post(path, sent.SerializeToString().replace(b"lib", b"bil"))  # sources are stored once
    stored = viewer.store.read("SELECT (SELECT count(*) FROM resources), (SELECT count(*) FROM scopes)")
    assert stored == [(4, 5)]
    asyncio.run(viewer.store.clear())
    assert viewer.store.read("SELECT count(*) FROM scopes") == [(0,)]
    viewer.post(path, sent.SerializeToString())
    exported = viewer.client.get("/api/export").text
    assert parsed(exported, KINDS[path][0]()) == sent
    for form, suffix in (("otlp", "jsonl"), ("parquet", "zip")):
        body = viewer.client.get("/api/export", params={"format": form}).content
        reply = other.client.post("/api/import", content=body, headers={"content-type": TYPES[suffix]})
        assert reply.status_code == 200, reply.text
        assert other.client.get("/api/export").text == exported
        asyncio.run(other.store.clear())


def test_json_says_the_same(viewer: Running, other: Running) -> None:
    """The two encodings have decoders of their own."""
    sent = everything("/v1/traces")
    viewer.post("/v1/traces", sent.SerializeToString())
    exported = viewer.client.get("/api/export").text
    reply = other.client.post("/v1/traces", content=exported, headers={"content-type": "application/json"})
    assert reply.status_code == 200
    query = "SELECT * FROM stored_spans JOIN resources USING (resource_id) LEFT JOIN scopes USING (scope_id)"
    assert other.store.read(f"{query} ORDER BY seq") == viewer.store.read(f"{query} ORDER BY seq")


def test_plain_sources_cost_nothing(viewer: Running) -> None:
    viewer.send([Span()])
    assert viewer.store.read("SELECT scope_id, links FROM stored_spans") == [(None, None)]
    assert viewer.store.read("SELECT count(*) FROM scopes") == [(0,)]


@pytest.mark.parametrize("path", KINDS)
def test_a_zip_of_an_older_version_comes_in_without_what_it_did_not_hold(
    viewer: Running, other: Running, path: str
) -> None:
    viewer.post(path, everything(path).SerializeToString())
    current = viewer.client.get("/api/export", params={"format": "parquet"}).content
    reply = other.client.post(
        "/api/import", content=as_older(current), headers={"content-type": TYPES["zip"]}
    )
    assert reply.status_code == 200, reply.text
    tables = ("stored_spans", "logs", "metrics")
    count = f"SELECT {', '.join(f'(SELECT count(*) FROM {table})' for table in tables)}"
    assert other.store.read(count) == viewer.store.read(count)
    assert other.store.read("SELECT count(*) FROM scopes") == [(0,)]
