"""Requests and traces: lists, streams, one trace and its exports."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from wirespan.context import RequestContext
from wirespan.viewer import answers, transfer
from wirespan.viewer.api.asking import JSON, choice, fail, filters_of, only
from wirespan.viewer.conditional import etag_of, reply
from wirespan.viewer.har import har
from wirespan.viewer.live import Live
from wirespan.viewer.openapi import FILTERS, Operation, Parameter
from wirespan.viewer.queries import requests
from wirespan.viewer.queries.trace import trace
from wirespan.viewer.store import Store

_TRACE_ID: Final = Parameter("trace_id", "Trace id: 32 hexadecimal digits.", place="path")
_KNOWN: Final = Parameter("if-none-match", "ETag of the reply that the client has.", place="header")


class Requests:
    """The operations on requests and traces."""

    def __init__(self, store: Store, live: Live, now_ns: Callable[[], int]) -> None:
        self._store = store
        self._live = live
        self._now_ns = now_ns

    def operations(self) -> list[Operation]:
        """What is asked, in the order of the document."""
        return [
            Operation(
                "GET",
                "/api/requests",
                "requests",
                "Requests, newest first.",
                self._requests,
                answers.Requests,
                parameters=FILTERS,
            ),
            Operation(
                "GET",
                "/api/requests/stream",
                "followRequests",
                "New requests and what is in flight, as server-sent events; resumes with Last-Event-ID.",
                self._stream,
                media=("text/event-stream",),
                parameters=FILTERS,
                errors=(503,),
            ),
            Operation(
                "GET",
                "/api/traces/{trace_id}",
                "trace",
                "One trace as a waterfall; has an ETag.",
                self._trace,
                answers.Trace,
                parameters=(_TRACE_ID, _KNOWN),
                errors=(304, 404),
            ),
            Operation(
                "GET",
                "/api/traces/{trace_id}/export",
                "exportTrace",
                "One trace as OTLP JSON, HAR or the API's JSON.",
                self._export_trace,
                parameters=(_TRACE_ID, Parameter("format", "Which.", choices=("otlp", "har", "json"))),
                errors=(404,),
            ),
        ]

    def _requests(self, ctx: RequestContext) -> None:
        ctx.json(requests.newest(self._store, filters_of(ctx, self._now_ns())))

    async def _stream(self, ctx: RequestContext) -> None:
        filters = filters_of(ctx, self._now_ns())
        if self._live.is_full:
            fail(ctx, 503, "too many follow already: close a page that shows this viewer")
        last = ctx.header("last-event-id") or ""
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else filters.after  # noqa: PLR2004 - what fits 63 bits
        ctx.set_header("cache-control", "no-store")
        ctx.stream(self._live.follow(filters, after), content_type="text/event-stream")

    def _trace(self, ctx: RequestContext) -> None:
        only(ctx.query)
        body = msgspec.json.encode(self._found(ctx))
        reply(ctx, body, JSON, etag=etag_of(body))

    def _found(self, ctx: RequestContext) -> dict[str, Any]:
        found = trace(self._store, ctx.params["trace_id"])
        if found is None:
            fail(ctx, 404, f"there is no trace {ctx.params['trace_id']}: not received yet, or pruned")
        return found

    def _export_trace(self, ctx: RequestContext) -> None:
        form = choice(ctx.query, "format", ("otlp", "har", "json"))
        found = self._found(ctx)
        name = f"trace-{found['trace_id']}.{form}.json"
        ctx.set_header("content-disposition", f'attachment; filename="{name}"')
        if form == "otlp":
            ctx.json(transfer.otlp(self._store, found["trace_id"]))
        else:
            ctx.json(har(found) if form == "har" else found)
