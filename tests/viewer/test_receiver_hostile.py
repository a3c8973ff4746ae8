"""Any bytes are answered, and the receiver goes on."""

import asyncio
import json

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from viewer.otlp import JSON, PROTOBUF, body
from wirespan import _core
from wirespan.testing import TestClient
from wirespan.viewer.store import Store

REAL = body(3)
SIGNALS = st.sampled_from(["traces", "metrics", "logs"])

OTLP_NAMES = st.sampled_from(
    [
        "resourceSpans",
        "scopeSpans",
        "spans",
        "attributes",
        "key",
        "value",
        "stringValue",
        "arrayValue",
        "values",
        "traceId",
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(OTLP_NAMES, inner, max_size=4),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(signal=SIGNALS, content=ANY_JSON)
def test_any_json_is_answered(client: TestClient, signal: str, content: object) -> None:
    text = json.dumps({"resourceSpans": content} if signal == "traces" else content)
    reply = client.post(f"/v1/{signal}", content=text, headers=JSON)
    assert reply.status_code in {200, 400}
    assert reply.headers["content-type"] == "application/json"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(place=st.integers(0, len(REAL) - 1), value=st.integers(0, 255), cut=st.integers(0, len(REAL)))
def test_changed_bodies_are_answered_and_stored_or_not(
    client: TestClient, store: Store, place: int, value: int, cut: int
) -> None:
    """What decodes must also fit into the tables: no value may make the store fail."""
    changed = bytearray(REAL)
    changed[place] = value
    for content in (bytes(changed), bytes(changed[:cut])):
        assert client.post("/v1/traces", content=content, headers=PROTOBUF).status_code in {200, 400}
    assert client.errors == []
    assert store.facts().spans == len(store.read("SELECT * FROM spans"))


@pytest.mark.parametrize(("signal", "encoding"), [("spans", "protobuf"), ("traces", "xml")])
def test_wrong_words_are_refused(signal: str, encoding: str) -> None:
    with pytest.raises(ValueError, match="not"):
        _core.decode(signal, encoding, b"")


def test_tables_are_streams_that_can_be_read_again() -> None:
    """DuckDB asks twice: for the schema, then for the rows."""
    decoded, recent = _core.decode("traces", "protobuf", REAL), _core.RecentSpans()
    records, resources, scopes = _core.stack([decoded], 10, recent)
    assert (len(records), len(resources), len(scopes)) == (3, 1, 0)
    with duckdb.connect() as connection:
        for _ in range(2):
            rows = connection.execute("SELECT seq FROM records").fetchall()
            assert rows == [(seq,) for seq in range(10, 13)]
    empty, *_ = _core.stack([], 1, recent)
    with pytest.raises(ValueError, match="no batches"):
        empty.__arrow_c_stream__()


def test_the_largest_values_fit_the_tables(client: TestClient, store: Store) -> None:
    extreme = {
        "traceId": "f" * 32,
        "spanId": "f" * 16,
        "parentSpanId": "f" * 16,
        "kind": 2**31 - 1,
        "flags": 2**32 - 1,
        "startTimeUnixNano": "1",
        "endTimeUnixNano": str(2**63 - 1),
        "attributes": [{"key": "http.response.status_code", "value": {"intValue": str(2**63 - 1)}}],
    }
    content = {"resourceSpans": [{"scopeSpans": [{"spans": [extreme]}]}]}
    assert client.post("/v1/traces", json=content).json() == {}
    assert store.read("SELECT trace_id, kind, http_status FROM spans") == [("f" * 32, 0, None)]
    asyncio.run(store.clear())
