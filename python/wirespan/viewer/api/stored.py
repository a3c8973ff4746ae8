"""What is stored: facts, attributes, metrics, and all of it."""

import dataclasses
from collections.abc import Callable

from wirespan._core import __version__
from wirespan.context import RequestContext
from wirespan.viewer import answers, parquet, transfer
from wirespan.viewer.api.asking import LINES, ZIP, choice, only
from wirespan.viewer.filters import FilterError, instant
from wirespan.viewer.openapi import FILTERS, Operation, Parameter
from wirespan.viewer.queries import attributes, metrics, requests
from wirespan.viewer.store import Store


class Stored:
    """The operations on what is stored as a whole."""

    def __init__(self, store: Store, token: str, now_ns: Callable[[], int]) -> None:
        self._store = store
        self._token = token
        self._now_ns = now_ns

    def operations(self) -> list[Operation]:
        """What is asked, in the order of the document."""
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
                media=(LINES, ZIP),
                parameters=(Parameter("format", "Which.", choices=("otlp", "parquet")),),
            ),
        ]

    def _status(self, ctx: RequestContext) -> None:
        only(ctx.query)
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
        only(ctx.query)
        ctx.set_header("cache-control", "no-store")
        ctx.json({"token": self._token})

    def _attributes(self, ctx: RequestContext) -> None:
        only(ctx.query, "prefix", "key")
        key = ctx.query.get("key")
        if key is not None:
            ctx.json(attributes.values(self._store, key))
        else:
            ctx.json(attributes.keys(self._store, ctx.query.get("prefix", "")))

    def _metrics(self, ctx: RequestContext) -> None:
        only(ctx.query)
        ctx.json(metrics.metrics(self._store))

    def _series(self, ctx: RequestContext) -> None:
        only(ctx.query, "name", "service", "since", "until")
        name = ctx.query.get("name")
        if name is None:
            raise FilterError("name", "is needed: which metric")
        now_ns = self._now_ns()
        since = instant(ctx.query, "since", now_ns) or 0
        until = instant(ctx.query, "until", now_ns)
        service = ctx.query.get("service")
        ctx.json(metrics.series(self._store, name, service, since, now_ns if until is None else until))

    async def _export(self, ctx: RequestContext) -> None:
        form = choice(ctx.query, "format", ("otlp", "parquet"))
        suffix, kind = (".otlp.jsonl", LINES) if form == "otlp" else (".parquet.zip", ZIP)
        ctx.set_header("content-disposition", f'attachment; filename="wirespan{suffix}"')
        lines = transfer.export_otlp if form == "otlp" else parquet.export_parquet
        ctx.stream(lines(self._store), content_type=kind)
