"""The OpenAPI document is valid, complete, and what the viewer answers is what it says."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from viewer.expected import SINCE, UNTIL, send_metrics, traffic
from viewer.running import Running
from viewer.sender import MS, T0, Span, inner, log
from wirespan.viewer.api import Api, openapi
from wirespan.viewer.filters import NAMES
from wirespan.viewer.live import Live
from wirespan.viewer.openapi import FILTERS

ROOT = Path(__file__).parent.parent.parent
RANGE = {"since": str(SINCE), "until": str(UNTIL)}
BASE = {"base_since": str(SINCE - 600_000), "base_until": str(SINCE)}
SERVER = {
    "instance": "a", "service": "shop", "pid": 1, "url": "http://127.0.0.1:8000", "at_us": 1, "total": 1,
    "requests": [{"id": 1, "method": "GET", "path": "/", "state": "run", "states": {"run": 5}, "age_ns": 5}],
}  # fmt: skip


def test_the_stored_document_is_the_served_one(viewer: Running) -> None:
    """Fix: `make docs`."""
    assert viewer.client.get("/api/openapi.json").text == (ROOT / "docs/viewer-openapi.json").read_text()


def test_every_route_is_in_it(viewer: Running) -> None:
    document = viewer.get("/api/openapi.json")
    operations = Api(viewer.store, Live(viewer.store)).operations
    assert {(path, method) for path, row in document["paths"].items() for method in row} == {
        (one.path, one.method.lower()) for one in operations
    }
    assert json.loads(openapi(operations)) == document


def test_every_reference_leads_somewhere(viewer: Running) -> None:
    text = viewer.client.get("/api/openapi.json").text
    schemas = json.loads(text)["components"]["schemas"]
    wanted = {piece.partition('"')[0] for piece in text.split("#/components/schemas/")[1:]}
    assert wanted <= set(schemas)


def test_the_filters_are_those_that_are_understood() -> None:
    assert [parameter.name for parameter in FILTERS] == list(NAMES)


def test_it_is_valid(viewer: Running) -> None:
    OpenAPIV31SpecValidator(viewer.get("/api/openapi.json")).validate()


def test_a_later_version_may_answer_more_but_takes_nothing_unknown(viewer: Running) -> None:
    schemas = viewer.get("/api/openapi.json")["components"]["schemas"]
    assert "additionalProperties" not in schemas["Trace"]
    assert schemas["Query"]["additionalProperties"] is False


ANSWERS = [
    ("GET", "/api/requests", "/api/requests", None),
    ("GET", "/api/traces/{trace_id}", "/api/traces/{trace_id}", None),
    ("GET", "/api/routes", f"/api/routes?{urlencode(RANGE)}", None),
    ("GET", "/api/routes/compare", f"/api/routes/compare?{urlencode(RANGE | BASE)}", None),
    ("GET", "/api/routes/series", f"/api/routes/series?{urlencode(RANGE)}", None),
    ("GET", "/api/heatmap", f"/api/heatmap?{urlencode(RANGE)}", None),
    ("GET", "/api/services", f"/api/services?{urlencode(RANGE)}", None),
    ("GET", "/api/inflight", "/api/inflight", None),
    ("GET", "/api/status", "/api/status", None),
    ("GET", "/api/token", "/api/token", None),
    ("GET", "/api/attributes", "/api/attributes?prefix=wire", None),
    ("GET", "/api/attributes", "/api/attributes?key=list", None),
    ("GET", "/api/metrics", "/api/metrics", None),
    ("GET", "/api/metrics/series", "/api/metrics/series?name=http.server.request.duration", None),
    ("POST", "/api/sql", "/api/sql", {"sql": "SELECT * FROM requests"}),
    ("POST", "/v1/wirespan/inflight", "/v1/wirespan/inflight", SERVER),
]


@pytest.fixture
def trace_id(viewer: Running) -> str:
    """Of a trace with all that a trace can have, in a viewer with all that a viewer can hold."""
    span = Span(
        duration=10 * MS, states=(MS, 0, 0, 2 * MS, 5 * MS, 2 * MS), failed=True, message="bad",
        attributes={"list": [1, "two"]}, events=[(T0 + MS, "note", {"n": 1})], links=[(5, 6)],
        timeline=f"queue={MS},run={8 * MS},...",
    )  # fmt: skip
    child = inner(trace=span.trace, parent=span.span, duration=90 * MS)
    viewer.send([*traffic(count=40), span, child, inner(trace=span.trace, parent=77, service="far")])
    viewer.post("/v1/logs", log(span, T0 + MS, "a line"))
    send_metrics(viewer)
    viewer.client.post("/v1/wirespan/inflight", json=SERVER)
    return span.trace_id


@pytest.mark.parametrize(("method", "path", "where", "body"), ANSWERS)
def test_real_answers_are_as_documented(
    viewer: Running, trace_id: str, method: str, path: str, where: str, body: Any
) -> None:
    document = viewer.get("/api/openapi.json")
    reply = viewer.client.request(method, where.replace("{trace_id}", trace_id), json=body)
    assert reply.status_code == 200
    content = document["paths"][path][method.lower()]["responses"]["200"]["content"]
    schema = content[reply.headers["content-type"]]["schema"]
    # References are to `#/components`, so what they lead to goes along.
    Draft202012Validator({**schema, "components": document["components"]}).validate(reply.json())


def test_every_operation_with_an_answer_is_compared(viewer: Running) -> None:
    """Changes besides; `test_api.py` has those."""
    operations = Api(viewer.store, Live(viewer.store)).operations
    kinds = {(one.method, one.path) for one in operations if one.answer is not None}
    assert kinds - {("POST", "/api/import")} <= {(method, path) for method, path, *_ in ANSWERS}


def test_refusals_are_as_documented(viewer: Running) -> None:
    document = viewer.get("/api/openapi.json")
    refusal = Draft202012Validator(
        {"$ref": "#/components/schemas/Error", "components": document["components"]}
    )
    for path in ("/api/requests?stauts=5", "/api/traces/ffff", "/api/nope"):
        refusal.validate(viewer.client.get(path).json())
    refusal.validate(viewer.client.get("/api/status", headers={"host": "evil.example"}).json())
    refusal.validate(viewer.client.post("/api/sql", content=b"{}").json())
