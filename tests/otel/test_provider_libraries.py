"""Instrumentations of libraries, unchanged, over two services that call each other."""

from pathlib import Path

import httpx
import sqlalchemy
from fastapi import FastAPI
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel.provided import by_name, parent_of, served
from wirespan import App, RequestContext
from wirespan.opentelemetry import TracerProvider
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry


def stock(spans: OpenTelemetry, database: Path) -> App:
    """The service that is called: it asks a database."""
    engine = sqlalchemy.create_engine(f"sqlite:///{database}")
    SQLAlchemyInstrumentor().instrument(engine=engine, tracer_provider=TracerProvider(spans))
    app = App()

    @app.get("/stock/{id}")
    def look(ctx: RequestContext) -> None:
        with engine.connect() as connection:
            ctx.json(connection.execute(sqlalchemy.text("SELECT 1")).scalar())

    return app


def shop(spans: OpenTelemetry, url: str) -> FastAPI:
    """The service that calls."""
    provider = TracerProvider(spans)
    app = FastAPI(telemetry={"tracing": False})

    @app.get("/items/{id}")
    async def item(id: int) -> int:
        async with httpx.AsyncClient(trust_env=False) as client:
            HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)
            with suppress_instrumentation():
                await client.get(f"{url}/stock/0")
            found: int = (await client.get(f"{url}/stock/{id}")).json()
        return found

    return app


def test_two_services_make_one_trace(tmp_path: Path) -> None:
    front, back = OpenTelemetry(exporter="memory"), OpenTelemetry(exporter="memory")
    done = RecordingTracer()
    try:
        with TestClient(stock(back, tmp_path / "db"), tracers=[back, done]) as behind:
            answer = served(shop(front, str(behind.base_url)), front, lambda client: client.get("/items/7"))
            done.wait(2)
    finally:
        SQLAlchemyInstrumentor().uninstrument()
    assert answer.json() == 1
    called = by_name(front)
    [trace_id] = {span["trace_id"] for span in called.values()}
    asked = {span["name"]: span for span in back.finished_spans() if span["trace_id"] == trace_id}
    shown = called | asked
    assert {name: parent_of(shown, name) for name in shown} == {
        "GET /items/{id}": None,
        "GET": "GET /items/{id}",
        "GET /stock/{id}": "GET",
        "connect": "GET /stock/{id}",
        f"SELECT {tmp_path / 'db'}": "GET /stock/{id}",
    }
    assert (shown["GET"]["kind"], shown["connect"]["kind"]) == ("client", "client")
