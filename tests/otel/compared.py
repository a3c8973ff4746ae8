"""One application under two tracers at once: ours around it, the official SDK's middleware in it."""

from fastapi import FastAPI, HTTPException
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

app = FastAPI()


@app.api_route("/items/{id}", methods=["GET", "POST", "PURGE"])
async def item(id: int) -> dict[str, int]:
    """One item."""
    return {"id": id}


@app.get("/missing")
async def missing() -> None:
    """A client's mistake, as the handler sees it."""
    raise HTTPException(404)


@app.get("/broken")
async def broken() -> None:
    """A bug."""
    raise LookupError("no such thing")


provider = TracerProvider(resource=Resource.create())
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, exclude_spans=["receive", "send"])
