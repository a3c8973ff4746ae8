"""The OTLP/HTTP receiver on real sockets."""

import asyncio
import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from viewer.otlp import JSON, PROTOBUF, attribute, body, request, span
from wirespan import App
from wirespan.testing import TestClient
from wirespan.viewer.errors import StoreBusy
from wirespan.viewer.receiver import add_receiver
from wirespan.viewer.store import Store

SPAN_JSON = {
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "name": "GET /",
    "kind": 2,
    "startTimeUnixNano": "1790000000000000000",
    "endTimeUnixNano": 1790000000001000000,
}


def json_body(*spans: object) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def test_protobuf_is_stored_and_answered_in_protobuf(client: TestClient, store: Store) -> None:
    reply = client.post("/v1/traces", content=body(3), headers=PROTOBUF)
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-type"] == "application/x-protobuf"
    assert store.facts().spans == 3


def test_json_is_stored_and_answered_in_json(client: TestClient, store: Store) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    reply = client.post("/v1/traces", content=json_body(SPAN_JSON), headers=headers)
    assert (reply.status_code, reply.json()) == (200, {})
    assert store.read("SELECT trace_id, span_id, duration_ms FROM spans") == [
        ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", 1.0)
    ]


def test_large_and_packed_bodies_are_taken(client: TestClient, store: Store) -> None:
    """Those over 64 KiB are decoded in a thread."""
    packed = gzip.compress(body(5000))
    assert len(packed) > 65536
    reply = client.post("/v1/traces", content=packed, headers=PROTOBUF | {"content-encoding": "gzip"})
    assert reply.status_code == 200
    assert store.facts().spans == 5000


def test_logs_and_metrics_have_tables_of_their_own(client: TestClient, store: Store) -> None:
    logs = {
        "resourceLogs": [
            {"scopeLogs": [{"logRecords": [{"observedTimeUnixNano": "5", "body": {"stringValue": "x"}}]}]}
        ]
    }
    point = {"timeUnixNano": "5", "asInt": "7"}
    metric = {"name": "m", "sum": {"dataPoints": [point], "isMonotonic": True, "aggregationTemporality": 2}}
    histogram = {
        "name": "h",
        "histogram": {
            "dataPoints": [
                {"timeUnixNano": "6", "bucketCounts": ["1", 2], "explicitBounds": [0.5], "count": 3}
            ]
        },
    }
    metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric, histogram]}]}]}
    assert client.post("/v1/logs", json=logs).status_code == 200
    assert client.post("/v1/metrics", json=metrics).status_code == 200
    facts = store.facts()
    assert (facts.spans, facts.logs, facts.metric_points) == (0, 1, 2)
    assert store.read("SELECT name, kind, value, temporality, bounds, counts FROM metrics ORDER BY seq") == [
        ("m", "sum", 7.0, "cumulative", None, None),
        ("h", "histogram", None, None, [0.5], [1, 2]),
    ]


def test_bad_spans_are_a_partial_success(client: TestClient, store: Store) -> None:
    mixed = request(span(), span("no id", trace_id=b""), span("short", span_id=b"abc")).SerializeToString()
    reply = client.post("/v1/traces", content=mixed, headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(reply.content).partial_success
    assert (reply.status_code, partial.rejected_spans) == (200, 2)
    assert partial.error_message == 'span "no id" has a trace_id that is not 16 bytes, or all zero'
    bad = json_body(SPAN_JSON | {"startTimeUnixNano": "0"})
    assert client.post("/v1/traces", content=bad, headers=JSON).json() == {
        "partialSuccess": {"rejectedSpans": "1", "errorMessage": 'span "GET /" has no start_time_unix_nano'}
    }
    assert store.facts().spans == 1


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"\xff\xff", PROTOBUF, 400),
        (b"[1", JSON, 400),
        (json_body(SPAN_JSON | {"name": 5}), JSON, 400),
        (b"not gzip", JSON | {"content-encoding": "gzip"}, 400),
        (b"{}", JSON | {"content-encoding": "br"}, 415),
        (json_body(*[0] * 100_001), JSON, 413),
    ],
)
def test_refusals_are_a_status_in_the_senders_encoding(
    client: TestClient, store: Store, content: bytes, headers: dict[str, str], status: int
) -> None:
    """google.rpc.Status, as OTLP wants it: senders log its message."""
    reply = client.post("/v1/traces", content=content, headers=headers)
    assert reply.status_code == status
    assert reply.headers["content-type"] == headers["content-type"]
    if headers["content-type"] == "application/json":
        assert reply.json()["code"] == (8 if status == 413 else 3)
        assert reply.json()["message"]
    else:
        assert reply.content.startswith(b"\x08\x03\x12")
    assert store.facts().spans == 0
    assert client.post("/v1/traces", content=body(), headers=PROTOBUF).status_code == 200, "it goes on"


def test_other_content_types_are_refused(client: TestClient) -> None:
    """`application/grpc` is what a misconfigured SDK sends."""
    for headers in ({"content-type": "application/grpc"}, {}):
        reply = client.post("/v1/traces", content=b"x", headers=headers)
        assert reply.status_code == 415
        assert "application/x-protobuf" in reply.text


@pytest.mark.parametrize("headers", [PROTOBUF, JSON], ids=["protobuf", "json"])
@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize("members", [1, 20])
def test_a_compression_bomb_is_refused(
    client: TestClient, headers: dict[str, str], signal: str, members: int
) -> None:
    """A hundred kilobytes that would become a hundred megabytes, in one piece or many (RFC 1952)."""
    bomb = gzip.compress(b" " * (100_000_000 // members)) * members
    assert len(bomb) < 200_000
    reply = client.post(f"/v1/{signal}", content=bomb, headers=headers | {"content-encoding": "gzip"})
    assert reply.status_code == 413
    assert b"bytes after gzip" in reply.content
    assert reply.headers["content-type"] == headers["content-type"]


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", PROTOBUF),
        (request().SerializeToString(), PROTOBUF),
        (gzip.compress(b""), PROTOBUF | {"content-encoding": "gzip"}),
        (b"{}", JSON),
        (b'{"resourceSpans": []}', JSON),
        (b'{"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": []}]}]}', JSON),
        (b'{"resourceSpans": null, "resourceMetrics": null, "resourceLogs": null}', JSON),
    ],
)
@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_empty_batches_are_taken(
    client: TestClient, store: Store, content: bytes, headers: dict[str, str], signal: str
) -> None:
    """OTLP: a server answers them as any other."""
    reply = client.post(f"/v1/{signal}", content=content, headers=headers)
    assert (reply.status_code, reply.content) == (200, b"{}" if "json" in headers["content-type"] else b"")
    assert store.facts().last_seq == 0


def test_a_huge_batch_is_refused_in_protobuf_too(client: TestClient, store: Store) -> None:
    """Empty spans of two bytes each, within a scope within a resource."""
    spans = b"\x12\x00" * 100_001
    inner = b"\x12" + _varint(len(spans)) + spans
    reply = client.post("/v1/traces", content=b"\x0a" + _varint(len(inner)) + inner, headers=PROTOBUF)
    assert (reply.status_code, b"spans" in reply.content) == (413, True)
    assert store.facts().spans == 0


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def test_a_body_over_the_servers_limit_is_refused(store: Store) -> None:
    app = App()
    add_receiver(app, store)
    with TestClient(app, limit_body_bytes=100) as small:
        chunked = small.post("/v1/traces", content=iter([body(10)]), headers=JSON)
        assert chunked.status_code == 413
        assert small.post("/v1/traces", content=body(10), headers=JSON).status_code == 413


def test_a_busy_store_asks_to_come_again(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 is one of the statuses after which OTLP senders try again."""

    async def busy(_: object) -> None:
        raise StoreBusy("later")

    content = body()
    with monkeypatch.context() as patch:
        patch.setattr(store, "add", busy)
        reply = client.post("/v1/traces", content=content, headers=PROTOBUF)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert client.post("/v1/traces", content=content, headers=PROTOBUF).status_code == 200
    assert store.facts().spans == 1, "the second try is no repeat: the first one failed"


def test_the_same_request_again_is_stored_once(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that gets no answer in time sends again, also while the first one is still being written."""
    content = body(2)
    entered, go_on = threading.Event(), threading.Event()
    add = store.add

    async def slow(batch: object) -> None:
        entered.set()
        await asyncio.to_thread(go_on.wait)
        await add(batch)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "add", slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.post, "/v1/traces", content=content, headers=PROTOBUF)
        entered.wait()
        second = pool.submit(client.post, "/v1/traces", content=content, headers=PROTOBUF)
        go_on.set()
        assert [first.result().status_code, second.result().status_code] == [200, 200]
    monkeypatch.setattr(store, "add", add)
    assert client.post("/v1/traces", content=content, headers=PROTOBUF).status_code == 200
    assert store.facts().spans == 2
    client.call(lambda: None)
    asyncio.run(store.clear())
    assert client.post("/v1/traces", content=content, headers=PROTOBUF).status_code == 200
    assert store.facts().spans == 2, "after a clear it is news"


def test_spans_that_come_again_in_another_request_are_stored_once(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Collector that got no answer cuts its batches anew."""
    monkeypatch.setattr("wirespan.viewer.receiver._REMEMBERED", 1)
    first, second = body(), body()
    for content in (first, second, first, first + second + body()):
        reply = client.post("/v1/traces", content=content, headers=PROTOBUF)
        assert reply.status_code == 200
    assert store.facts().spans == 3
    assert store.facts().last_seq == 3


def test_a_thousand_senders_at_once_lose_nothing(client: TestClient, store: Store) -> None:
    host, port = client.addr

    async def send(number: int) -> bytes:
        content = body(1, service=f"sender-{number % 10}")
        fields = b"content-type: application/x-protobuf\r\n"
        if number % 2:
            content = _json_of(content)
            fields = b"content-type: application/json\r\n"
        if number % 3 == 0:
            content = gzip.compress(content)
            fields += b"content-encoding: gzip\r\n"
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n%b"
            b"content-length: %d\r\n\r\n%b" % (fields, len(content), content)
        )
        status = await reader.readline()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        return status

    async def send_all() -> set[bytes]:
        return set(await asyncio.gather(*map(send, range(1000))))

    assert asyncio.run(send_all()) == {b"HTTP/1.1 200 OK\r\n"}
    assert store.facts().spans == 1000
    assert store.read("SELECT count(*) FROM resources") == [(10,)]


def _json_of(content: bytes) -> bytes:
    resource = ExportTraceServiceRequest.FromString(content).resource_spans[0]
    made = resource.scope_spans[0].spans[0]
    service = resource.resource.attributes[0].value.string_value
    named = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    facts = {
        "traceId": made.trace_id.hex(),
        "spanId": made.span_id.hex(),
        "name": made.name,
        "startTimeUnixNano": str(made.start_time_unix_nano),
        "endTimeUnixNano": str(made.end_time_unix_nano),
    }
    group = {"resource": named, "scopeSpans": [{"spans": [facts]}]}
    return json.dumps({"resourceSpans": [group]}).encode()


def test_late_spans_links_and_missing_parents_are_kept_as_they_are(client: TestClient, store: Store) -> None:
    """Children come before parents, hours late, or without any: the store takes what it gets."""
    parent = span("parent")
    child = span("child", trace_id=parent.trace_id, parent_span_id=parent.span_id, kind=Span.SPAN_KIND_CLIENT)
    orphan = span("orphan", parent_span_id=b"\x01" * 8)
    late = span(
        "late", start_time_unix_nano=parent.start_time_unix_nano - 10**13, kind=Span.SPAN_KIND_INTERNAL
    )
    link = late.links.add(trace_id=parent.trace_id, span_id=parent.span_id)
    link.attributes.append(attribute("why", "retry"))
    for made in (child, orphan, parent, late):
        assert (
            client.post("/v1/traces", content=request(made).SerializeToString(), headers=PROTOBUF).status_code
            == 200
        )
    rows: dict[str, str | None] = dict(store.read("SELECT name, parent_id FROM spans"))
    assert rows == {"child": parent.span_id.hex(), "orphan": "01" * 8, "parent": None, "late": None}
    assert store.read("SELECT name FROM requests ORDER BY seq") == [("orphan",), ("parent",), ("late",)]
    [(links,)] = store.read("SELECT links FROM spans WHERE name = 'late'")
    assert json.loads(links) == [
        {"trace_id": parent.trace_id.hex(), "span_id": parent.span_id.hex(), "attributes": {"why": "retry"}}
    ]


def test_the_official_json_is_taken(client: TestClient, store: Store) -> None:
    """Except for ids, which OTLP wants in hex, protobuf's own JSON is OTLP's."""
    made = span()
    message = MessageToDict(request(made), use_integers_for_enums=True)
    target = message["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    target |= {"traceId": made.trace_id.hex(), "spanId": made.span_id.hex()}
    assert client.post("/v1/traces", json=message).status_code == 200
    assert store.read("SELECT trace_id FROM spans") == [(made.trace_id.hex(),)]
