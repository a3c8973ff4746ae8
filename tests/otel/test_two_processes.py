"""Two services in processes of their own that call each other, with instrumented libraries: one trace.

The first is a FastAPI application, the second a native one. Each asks a database, and the second the first.
"""

import http.client
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from cli.commands import Serving
from otel.receiver import Receiver

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
CONTEXT = {"traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled"}
COMMON = """
import os
import httpx
import sqlalchemy
from opentelemetry import baggage, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from wirespan.opentelemetry import TracerProvider

trace.set_tracer_provider(TracerProvider())
HTTPXClientInstrumentor().instrument()
database = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
database.connect()  # before it is instrumented
SQLAlchemyInstrumentor().instrument(engine=database)
ask = httpx.AsyncClient(trust_env=False)

def look_up():
    with database.connect() as connection:
        return connection.execute(sqlalchemy.text("SELECT 1")).scalar()
"""
SHOP = """
from fastapi import FastAPI, Request

app = FastAPI(telemetry={"tracing": False})

@app.get("/items/{id}")
async def item(id: int, request: Request):
    own = "http://127.0.0.1:%d" % request.scope["server"][1]
    look_up()
    told = (await ask.get(os.environ["STOCK"] + f"/stock/{id}", params={"shop": own})).json()
    return told | {"user": baggage.get_baggage("user")}

@app.get("/price")
async def price() -> int:
    return look_up()
"""
STOCK = """
from wirespan import App

app = App()

@app.get("/stock/{id:int}")
async def stock(ctx):
    look_up()
    price = await ask.get(ctx.query["shop"] + "/price")
    ctx.json({"sent": dict(ctx.header_items()), "price": price.json()})
"""
TREE = [
    ("shop", "GET /items/{id}", None),
    ("shop", "GET", "GET /items/{id}"),
    ("shop", "GET /price", "GET"),
    ("shop", "SELECT", "GET /items/{id}"),
    ("shop", "SELECT", "GET /price"),
    ("shop", "connect", "GET /items/{id}"),
    ("shop", "connect", "GET /price"),
    ("stock", "GET", "GET /stock/{id:int}"),
    ("stock", "GET /stock/{id:int}", "GET"),
    ("stock", "SELECT", "GET /stock/{id:int}"),
    ("stock", "connect", "GET /stock/{id:int}"),
]


def all_spans(receiver: Receiver) -> list[tuple[str, Any]]:
    """Each with the name of its service."""
    return [
        (
            next(
                pair.value.string_value for pair in resource.resource.attributes if pair.key == "service.name"
            ),
            span,
        )
        for request in receiver.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def ask(folder: Path, receiver: Receiver, headers: dict[str, str], patch: pytest.MonkeyPatch) -> Any:
    """One request to the shop; both services have sent everything then. Returns its answer."""
    (folder / "shop.py").write_text(COMMON + SHOP)
    (folder / "stock.py").write_text(COMMON + STOCK)
    words = ("--port", "0", "--otlp", receiver.url, "--service-name")
    with Serving("stock:app", *words, "stock", cwd=folder) as stock:
        patch.setenv("STOCK", f"http://127.0.0.1:{stock.port}")
        with Serving("shop:app", *words, "shop", cwd=folder) as shop:
            client = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=20)
            client.request("GET", "/items/7", headers=headers)
            response = client.getresponse()
            answer = json.loads(response.read())
            assert response.status == 200
            client.close()
            for server in (shop, stock):
                server.signal(signal.SIGTERM)
                assert server.end()[0] == 0
    return answer


@pytest.mark.parametrize(
    ("propagators", "headers", "sent"),
    [
        pytest.param(
            "tracecontext,baggage",
            {
                "traceparent": f"00-{TRACE}-{PARENT}-03",
                "tracestate": "ot=th:0;rv:ffffffffffffff,vendor=1",
                "baggage": "user=ann",
            },
            {
                "traceparent": f"00-{TRACE}-SPAN-03",
                "tracestate": "ot=th:0;rv:ffffffffffffff,vendor=1",
                "baggage": "user=ann",
            },
            id="W3C",
        ),
        pytest.param("b3", {"b3": f"{TRACE}-{PARENT}-1"}, {"b3": f"{TRACE}-SPAN-1"}, id="b3"),
        pytest.param(
            "b3multi,baggage",
            {
                "X-B3-TraceId": TRACE,
                "X-B3-SpanId": PARENT,
                "X-B3-Sampled": "1",
                "baggage": "user=ann",
            },
            {"x-b3-traceid": TRACE, "x-b3-spanid": "SPAN", "x-b3-sampled": "1", "baggage": "user=ann"},
            id="b3multi",
        ),
    ],
)
def test_one_trace(
    propagators: str,
    headers: dict[str, str],
    sent: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_PROPAGATORS", propagators)
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    with Receiver() as receiver:
        answer = ask(tmp_path, receiver, headers, monkeypatch)
        spans = all_spans(receiver)
    assert {span.trace_id.hex() for _, span in spans} == {TRACE}
    names = {span.span_id: span.name for _, span in spans}
    found = [(service, span.name, names.get(span.parent_span_id)) for service, span in spans]
    assert sorted(found, key=str) == sorted(TREE, key=str)
    [server] = [span for _, span in spans if span.name == "GET /items/{id}"]
    assert server.parent_span_id.hex() == PARENT
    [called] = [span for _, span in spans if span.name == "GET /stock/{id:int}"]
    own = {name: value.replace("SPAN", called.parent_span_id.hex()) for name, value in sent.items()}
    context = {name: value for name, value in answer["sent"].items() if name in CONTEXT}
    assert context == own
    assert answer["user"] == ("ann" if "baggage" in headers else None)


def test_a_caller_who_does_not_record_is_followed_by_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    with Receiver() as receiver:
        answer = ask(tmp_path, receiver, {"traceparent": f"00-{TRACE}-{PARENT}-00"}, monkeypatch)
        assert all_spans(receiver) == []
    assert answer["sent"]["traceparent"].startswith(f"00-{TRACE}-")
    assert answer["sent"]["traceparent"].endswith("-00")
