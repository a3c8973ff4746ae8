"""`wirespan serve --view` with an application whose libraries are instrumented, in processes of their own."""

import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.commands import Serving, get
from harness import DEADLINE_S

SHOP = """
import httpx
import sqlalchemy
from fastapi import FastAPI, Request
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from wirespan.opentelemetry import TracerProvider

trace.set_tracer_provider(TracerProvider())
HTTPXClientInstrumentor().instrument()
engine = sqlalchemy.create_engine("sqlite:///shop.db")
SQLAlchemyInstrumentor().instrument(engine=engine)
app = FastAPI(telemetry={"tracing": False})

@app.get("/stock/{id}")
def stock(id: int) -> int:
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text("SELECT 1")).scalar()

@app.get("/items/{id}")
async def item(id: int, request: Request) -> int:
    trace.get_current_span().set_attribute("shop.item", id)
    with trace.get_tracer("shop").start_as_current_span("look up"):
        async with httpx.AsyncClient(trust_env=False) as client:
            own = f"http://127.0.0.1:{request.scope['server'][1]}"
            return (await client.get(f"{own}/stock/{id}")).json()
"""
TREE = {
    "GET /items/{id}": None,
    "look up": "GET /items/{id}",
    "GET": "look up",
    "GET /stock/{id}": "GET",
    "connect": "GET /stock/{id}",
    "SELECT shop.db": "GET /stock/{id}",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def whole_trace(viewer: httpx.Client) -> dict[str, Any]:
    """The trace of the request for an item, once all of it is stored."""
    until = time.monotonic() + DEADLINE_S
    while True:
        requests = viewer.get("/api/requests").json()["requests"]
        asked = [request for request in requests if request["route"] == "/items/{id}"]
        trace: dict[str, Any] = viewer.get(f"/api/traces/{asked[0]['trace_id']}").json() if asked else {}
        if len(trace.get("spans", ())) >= len(TREE):
            return trace
        assert time.monotonic() < until, f"not all arrived: {trace}"
        time.sleep(0.05)


def test_spans_of_libraries_arrive_below_their_request(folder: Path) -> None:
    with Serving("shop:app", "--view", "--view-port", "0", "--port", "0", cwd=folder) as server:
        page = server.url  # the first line is the viewer's
        url = server.wait_for(r" on (http://127\.0\.0\.1:\d+)$")
        assert get(int(url.rpartition(":")[2]), "/items/7") == b"1"
        with httpx.Client(base_url=page, trust_env=False, timeout=DEADLINE_S) as viewer:
            trace = whole_trace(viewer)
        server.signal(signal.SIGTERM)
        assert server.end()[0] == 0
    spans = trace["spans"]
    names = {span["span_id"]: span["name"] for span in spans}
    assert {span["name"]: names.get(span["parent_id"]) for span in spans} == TREE
    assert len(spans) == len(TREE)
    # Time in which nothing was recorded is no fault: a first request imports and connects.
    assert [problem for problem in trace["problems"] if problem["kind"] != "gap"] == []
    by_name = {span["name"]: span for span in spans}
    assert by_name["GET /items/{id}"]["attributes"]["shop.item"] == 7
    servers = {name for name, span in by_name.items() if span["states"]}
    assert servers == {"GET /items/{id}", "GET /stock/{id}"}
    assert [by_name[name]["depth"] for name in TREE] == [0, 1, 2, 3, 4, 4]
    assert by_name["GET"]["kind"] == by_name["connect"]["kind"] == "client"
    assert by_name["look up"]["scope"] == "shop"
