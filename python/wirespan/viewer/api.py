"""The HTTP API: one table of operations, which routes and the OpenAPI document are made from.

Handlers that read the store are `def` functions: the server runs them in threads, so no query holds up the
receiver. A wrong parameter is a 400 that names it, and so is a name that nobody knows: a filter with a slip
of the pen would show everything.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

import msgspec

from wirespan._core import __version__
from wirespan.app import App
from wirespan.context import RequestContext
from wirespan.errors import ProtocolError
from wirespan.pairs import Pairs
from wirespan.viewer import answers, parquet, transfer
from wirespan.viewer.conditional import etag_of, reply
from wirespan.viewer.errors import StoreError
from wirespan.viewer.filters import NAMES, FilterError, Filters, instant, parse, whole
from wirespan.viewer.har import har
from wirespan.viewer.inflight import Server
from wirespan.viewer.live import Live
from wirespan.viewer.openapi import FILTERS, Operation, Parameter, document
from wirespan.viewer.queries import attributes, metrics, requests, routes
from wirespan.viewer.queries.heatmap import MAX_STEPS, STEPS, heatmap
from wirespan.viewer.queries.series import series
from wirespan.viewer.queries.services import services
from wirespan.viewer.queries.trace import trace
from wirespan.viewer.security import demand_type
from wirespan.viewer.sql import QueryError, QueryTimeout, query
from wirespan.viewer.store import Store

_TRACE_ID: Final = Parameter("trace_id", "Trace id: 32 hexadecimal digits.", place="path")
_KNOWN: Final = Parameter("if-none-match", "ETag of the reply that the client has.", place="header")
_BASE: Final = (
    Parameter("base_since", "Begin of the period to compare with, as `since`.", required=True),
    Parameter("base_until", "Its end, as `until`.", required=True),
)
_STEPS: Final = Parameter(
    "steps", f"Steps of time, {STEPS} if nothing is said.", "integer", low=1, high=MAX_STEPS
)
_JSON: Final = "application/json"
_LINES: Final = "application/x-ndjson"
_ZIP: Final = "application/zip"


class Api:
    """The operations on one store.

    Args:
        store: what is asked.
        live: the streams.
        token: what clients must know; empty where nothing is asked.
        now_ns: the time, unix nanoseconds.
    """

    def __init__(
        self,
        store: Store,
        live: Live,
        *,
        token: str = "",
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._live = live
        self._token = token
        self._now_ns = now_ns
        self.operations = [*self._lists(), *self._numbers(), *self._others(), *self._changes()]

    def register(self, app: App) -> None:
        """Adds the routes and what turns mistakes of clients into replies."""
        for one in self.operations:
            app.route(one.path, methods=(one.method,))(one.handler)
        app.get("/api/openapi.json")(self._openapi)
        app.error_handler(FilterError)(_wrong_filter)
        app.error_handler(QueryTimeout)(_slow_query)
        app.error_handler(QueryError)(_wrong_query)
        app.error_handler(ProtocolError)(_wrong_body)
        app.error_handler(StoreError)(_no_store)

    def _lists(self) -> list[Operation]:
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

    def _numbers(self) -> list[Operation]:
        return [
            Operation(
                "GET",
                "/api/routes",
                "routes",
                "Routes with rate, errors, percentiles, states and verdict.",
                self._routes,
                answers.Routes,
                parameters=FILTERS,
            ),
            Operation(
                "GET",
                "/api/routes/compare",
                "compareRoutes",
                "Routes in two periods side by side.",
                self._compare,
                answers.Comparison,
                parameters=(*FILTERS, *_BASE),
            ),
            Operation(
                "GET",
                "/api/routes/series",
                "routeSeries",
                "Requests, errors and percentiles over time, of all requests that fit together.",
                self._route_series,
                answers.RouteSeries,
                parameters=(*FILTERS, _STEPS),
            ),
            Operation(
                "GET",
                "/api/heatmap",
                "heatmap",
                "Requests by time and duration.",
                self._heatmap,
                answers.Heatmap,
                parameters=(*FILTERS, _STEPS),
            ),
            Operation(
                "GET",
                "/api/services",
                "services",
                "The map of services and their calls.",
                self._services,
                answers.Services,
                parameters=FILTERS,
            ),
            Operation(
                "GET",
                "/api/inflight",
                "inflight",
                "Requests that run now.",
                self._inflight,
                answers.Inflight,
            ),
        ]

    def _others(self) -> list[Operation]:
        return [
            Operation("GET", "/api/status", "status", "What the viewer holds.", self._status, answers.Status),
            Operation(
                "GET",
                "/api/token",
                "token",
                "What senders must know, for commands that are shown to be copied; empty without one.",
                self._tell_token,
                answers.Token,
            ),
            Operation(
                "GET",
                "/api/attributes",
                "attributes",
                "Attribute keys with `prefix`, or the values of `key`.",
                self._attributes,
                (answers.Keys, answers.Values),
                parameters=(Parameter("prefix", "How keys begin."), Parameter("key", "Whose values.")),
            ),
            Operation("GET", "/api/metrics", "metrics", "Stored metrics.", self._metrics, answers.Metrics),
            Operation(
                "GET",
                "/api/metrics/series",
                "metricSeries",
                "A metric's series.",
                self._series,
                answers.MetricSeries,
                parameters=(
                    Parameter("name", "Which metric.", required=True),
                    Parameter("service", "Only this service's."),
                    *(one for one in FILTERS if one.name in {"since", "until"}),
                ),
            ),
            Operation(
                "GET",
                "/api/export",
                "exportAll",
                "Everything stored: OTLP JSON, one request a line, or a zip of Parquet files.",
                self._export,
                media=(_LINES, _ZIP),
                parameters=(Parameter("format", "Which.", choices=("otlp", "parquet")),),
            ),
        ]

    def _changes(self) -> list[Operation]:
        return [
            Operation(
                "POST",
                "/api/sql",
                "sql",
                "One SELECT over the store's tables and views; read only, with limits of time and rows.",
                self._sql,
                answers.Table,
                body=answers.Query,
                errors=(408, 415),
            ),
            Operation(
                "POST",
                "/api/import",
                "import",
                "Takes in what an export has given.",
                self._import,
                answers.Imported,
                body=(_JSON, _LINES, _ZIP),
                errors=(413, 415, 503),
            ),
            Operation(
                "DELETE",
                "/api/data",
                "clear",
                "Forgets everything that is stored.",
                self._clear,
                errors=(503,),
            ),
            Operation(
                "POST",
                "/v1/wirespan/inflight",
                "reportInflight",
                "A server says what it runs; it is believed for five seconds.",
                self._report,
                body=Server,
                errors=(413, 415),
            ),
        ]

    def _filters(self, ctx: RequestContext, *extra: Parameter) -> Filters:
        return parse(ctx.query, self._now_ns(), frozenset(one.name for one in extra))

    def _requests(self, ctx: RequestContext) -> None:
        ctx.json(requests.newest(self._store, self._filters(ctx)))

    async def _stream(self, ctx: RequestContext) -> None:
        filters = self._filters(ctx)
        if self._live.is_full:
            _fail(ctx, 503, "too many follow already: close a page that shows this viewer")
        last = ctx.header("last-event-id") or ""
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else filters.after  # noqa: PLR2004 - what fits 63 bits
        ctx.set_header("cache-control", "no-store")
        ctx.stream(self._live.follow(filters, after), content_type="text/event-stream")

    def _trace(self, ctx: RequestContext) -> None:
        _only(ctx.query)
        body = msgspec.json.encode(self._found(ctx))
        reply(ctx, body, _JSON, etag=etag_of(body))

    def _found(self, ctx: RequestContext) -> dict[str, Any]:
        found = trace(self._store, ctx.params["trace_id"])
        if found is None:
            _fail(ctx, 404, f"there is no trace {ctx.params['trace_id']}: not received yet, or pruned")
        return found

    def _export_trace(self, ctx: RequestContext) -> None:
        form = _choice(ctx.query, "format", ("otlp", "har", "json"))
        found = self._found(ctx)
        name = f"trace-{found['trace_id']}.{form}.json"
        ctx.set_header("content-disposition", f'attachment; filename="{name}"')
        if form == "otlp":
            ctx.json(transfer.otlp(self._store, found["trace_id"]))
        else:
            ctx.json(har(found) if form == "har" else found)

    def _routes(self, ctx: RequestContext) -> None:
        with self._store.statistics() as source:
            ctx.json(routes.routes(source, self._filters(ctx), self._now_ns()))

    def _compare(self, ctx: RequestContext) -> None:
        filters, now_ns = self._filters(ctx, *_BASE), self._now_ns()
        since, until = (instant(ctx.query, one.name, now_ns) for one in _BASE)
        if since is None or until is None:
            missing = _BASE[0 if since is None else 1].name
            raise FilterError(missing, "is needed: when the period to compare with begins and ends")
        with self._store.statistics() as source:
            ctx.json(routes.compare(source, filters, routes.Range(since, max(until, since)), now_ns))

    def _route_series(self, ctx: RequestContext) -> None:
        filters = self._filters(ctx, _STEPS)
        with self._store.statistics() as source:
            ctx.json(series(source, filters, _steps(ctx), self._now_ns()))

    def _heatmap(self, ctx: RequestContext) -> None:
        filters = self._filters(ctx, _STEPS)
        with self._store.statistics() as source:
            ctx.json(heatmap(source, filters, _steps(ctx), self._now_ns()))

    def _services(self, ctx: RequestContext) -> None:
        with self._store.statistics() as source:
            ctx.json(services(source, self._filters(ctx), self._now_ns()))

    async def _inflight(self, ctx: RequestContext) -> None:
        _only(ctx.query)
        ctx.json(self._live.inflight.shown())

    def _status(self, ctx: RequestContext) -> None:
        _only(ctx.query)
        facts = {
            "version": __version__,
            "address": ctx.header("host") or "",
            "token_required": bool(self._token),
        }
        held = dataclasses.asdict(self._store.facts())
        del held["last_seq"]
        for name in ("oldest", "newest"):
            moment = held.pop(f"{name}_ns")
            held[f"{name}_us"] = None if moment is None else moment // 1_000
        ctx.json(facts | held | {"rate": requests.rate(self._store, self._now_ns())})

    def _tell_token(self, ctx: RequestContext) -> None:
        """Only who knows it already gets here: for the page, which cannot read its cookie."""
        _only(ctx.query)
        ctx.set_header("cache-control", "no-store")
        ctx.json({"token": self._token})

    def _attributes(self, ctx: RequestContext) -> None:
        _only(ctx.query, "prefix", "key")
        key = ctx.query.get("key")
        if key is not None:
            ctx.json(attributes.values(self._store, key))
        else:
            ctx.json(attributes.keys(self._store, ctx.query.get("prefix", "")))

    def _metrics(self, ctx: RequestContext) -> None:
        _only(ctx.query)
        ctx.json(metrics.metrics(self._store))

    def _series(self, ctx: RequestContext) -> None:
        _only(ctx.query, "name", "service", "since", "until")
        name = ctx.query.get("name")
        if name is None:
            raise FilterError("name", "is needed: which metric")
        now_ns = self._now_ns()
        since = instant(ctx.query, "since", now_ns) or 0
        until = instant(ctx.query, "until", now_ns)
        service = ctx.query.get("service")
        ctx.json(metrics.series(self._store, name, service, since, now_ns if until is None else until))

    async def _export(self, ctx: RequestContext) -> None:
        form = _choice(ctx.query, "format", ("otlp", "parquet"))
        suffix, kind = (".otlp.jsonl", _LINES) if form == "otlp" else (".parquet.zip", _ZIP)
        ctx.set_header("content-disposition", f'attachment; filename="wirespan{suffix}"')
        lines = transfer.export_otlp if form == "otlp" else parquet.export_parquet
        ctx.stream(lines(self._store), content_type=kind)

    def _sql(self, ctx: RequestContext) -> None:
        demand_type(ctx, (_JSON,))
        ctx.json(query(self._store, ctx.decode_json(answers.Query).sql))

    async def _import(self, ctx: RequestContext) -> None:
        kind = demand_type(ctx, (_JSON, _LINES, _ZIP))
        take = parquet.import_parquet if kind == _ZIP else transfer.import_otlp
        try:
            ctx.json(await take(self._store, await ctx.body()))
        except transfer.ImportFailed as error:
            _fail(ctx, 400, str(error))

    async def _clear(self, ctx: RequestContext) -> None:
        await self._store.clear()
        ctx.json({})

    async def _report(self, ctx: RequestContext) -> None:
        demand_type(ctx, (_JSON,))
        self._live.inflight.put(await ctx.read_json(Server))
        ctx.json({})

    async def _openapi(self, ctx: RequestContext) -> None:
        ctx.bytes(openapi(self.operations), content_type=_JSON)


def openapi(operations: list[Operation]) -> bytes:
    """The OpenAPI document as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(document(operations)), indent=2) + b"\n"


def _only(query: Pairs, *allowed: str) -> None:
    for name in query:
        if name not in allowed:
            takes = f"it takes {', '.join(allowed)}" if allowed else "it takes none"
            filters = " (filters are for lists)" if name in NAMES else ""
            raise FilterError(name, f"there is no such parameter here: {takes}{filters}")


def _steps(ctx: RequestContext) -> int:
    return whole(ctx.query, _STEPS.name, low=1, high=MAX_STEPS) or STEPS


def _choice(query: Pairs, name: str, choices: tuple[str, ...]) -> str:
    _only(query, name)
    chosen = query.get(name, choices[0])
    if chosen not in choices:
        raise FilterError(name, f"must be {' or '.join(choices)}, not {chosen[:80]!r}")
    return chosen


def _fail(ctx: RequestContext, status: int, message: str) -> NoReturn:
    ctx.abort(status, {"error": {"message": message, "parameter": None}})


async def _wrong_filter(ctx: RequestContext, error: FilterError) -> None:
    ctx.json({"error": {"message": str(error), "parameter": error.parameter}}, 400)


async def _slow_query(ctx: RequestContext, error: QueryTimeout) -> None:
    ctx.json({"error": {"message": str(error), "parameter": "sql"}}, 408)


async def _wrong_query(ctx: RequestContext, error: QueryError) -> None:
    ctx.json({"error": {"message": str(error), "parameter": "sql"}}, 400)


async def _no_store(ctx: RequestContext, error: StoreError) -> None:
    ctx.json({"error": {"message": str(error), "parameter": None}}, 503)


async def _wrong_body(ctx: RequestContext, error: ProtocolError) -> None:
    ctx.json({"error": {"message": str(error), "parameter": None}}, error.status)
