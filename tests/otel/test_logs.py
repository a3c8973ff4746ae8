"""Records of Python's `logging` carry the ids of the request that they belong to."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from wirespan import App, RequestContext
from wirespan.logs import TraceContextFilter, add_trace_context
from wirespan.opentelemetry import TracerProvider
from wirespan.testing import TestClient
from wirespan.tracers import OpenTelemetry

shop = logging.getLogger("shop")


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.addFilter(TraceContextFilter())
        self.setFormatter(logging.Formatter("%(trace_id)s %(span_id)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    handler = Lines()
    shop.addHandler(handler)
    yield handler.lines
    shop.removeHandler(handler)


def serve_one(*tracers: Any) -> list[tuple[str | None, str | None]]:
    app = App()
    seen: list[tuple[str | None, str | None]] = []

    @app.get("/loop")
    async def loop(ctx: RequestContext) -> None:
        seen.append((ctx.trace_info.trace_id, ctx.trace_info.span_id))
        shop.warning("here")

    @app.get("/thread")
    def thread(ctx: RequestContext) -> None:
        shop.warning("there")

    with TestClient(app, tracers=tracers) as client:
        client.get("/loop")
        client.get("/thread")
    return seen


def test_records_have_the_ids(lines: list[str]) -> None:
    spans = OpenTelemetry(exporter="memory")
    seen = serve_one(spans)
    ids = [(span["trace_id"], span["span_id"]) for span in spans.finished_spans()]
    assert lines == [f"{ids[0][0]} {ids[0][1]} here", f"{ids[1][0]} {ids[1][1]} there"]
    assert seen == ids[:1]


def test_structlog_events_have_the_ids() -> None:
    logs = structlog.testing.LogCapture()
    logger = structlog.wrap_logger(None, processors=[add_trace_context, logs])
    app = App()

    @app.get("/loop")
    async def loop(ctx: RequestContext) -> None:
        logger.info("here", item=7)

    @app.get("/thread")
    def thread(ctx: RequestContext) -> None:
        logger.info("there", span_id="its own")

    spans = OpenTelemetry(exporter="memory")
    logger.info("nowhere")
    with TestClient(app, tracers=[spans]) as client:
        client.get("/loop")
        client.get("/thread")
    first, second = [(span["trace_id"], span["span_id"]) for span in spans.finished_spans()]
    assert logs.entries == [
        {"event": "nowhere", "log_level": "info"},
        {"event": "here", "log_level": "info", "item": 7, "trace_id": first[0], "span_id": first[1]},
        {"event": "there", "log_level": "info", "trace_id": second[0], "span_id": "its own"},
    ]


def test_without_a_trace_there_are_none(lines: list[str]) -> None:
    shop.warning("nowhere")
    assert serve_one() == [(None, None)]
    assert lines == ["- - nowhere", "- - here", "- - there"]


def test_a_child_span_is_named_in_its_records(lines: list[str]) -> None:
    spans = OpenTelemetry(exporter="memory")
    tracer = TracerProvider(spans).get_tracer("shop")
    app = App()

    @app.get("/")
    async def look(ctx: RequestContext) -> None:
        with tracer.start_as_current_span("look up"):
            shop.warning("inside")
        shop.warning("outside")

    with TestClient(app, tracers=[spans]) as client:
        client.get("/")
    ids = {span["name"]: (span["trace_id"], span["span_id"]) for span in spans.finished_spans()}
    inside, outside = ids["look up"], ids["GET /"]
    assert lines == [f"{inside[0]} {inside[1]} inside", f"{outside[0]} {outside[1]} outside"]
