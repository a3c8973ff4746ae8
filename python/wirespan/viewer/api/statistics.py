"""Statistics of the requests that filters find."""

from collections.abc import Callable
from typing import Final

from wirespan.context import RequestContext
from wirespan.viewer import answers
from wirespan.viewer.api.asking import STEPS_PARAMETER, filters_of, steps_of
from wirespan.viewer.filters import FilterError, instant
from wirespan.viewer.openapi import FILTERS, Operation, Parameter
from wirespan.viewer.queries import routes
from wirespan.viewer.queries.heatmap import heatmap
from wirespan.viewer.queries.series import series
from wirespan.viewer.queries.services import services
from wirespan.viewer.store import Store

_BASE: Final = (
    Parameter("base_since", "Begin of the period to compare with, as `since`.", required=True),
    Parameter("base_until", "Its end, as `until`.", required=True),
)


class Statistics:
    """The operations that count and compare."""

    def __init__(self, store: Store, now_ns: Callable[[], int]) -> None:
        self._store = store
        self._now_ns = now_ns

    def operations(self) -> list[Operation]:
        """What is asked, in the order of the document."""
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
                parameters=(*FILTERS, STEPS_PARAMETER),
            ),
            Operation(
                "GET",
                "/api/heatmap",
                "heatmap",
                "Requests by time and duration.",
                self._heatmap,
                answers.Heatmap,
                parameters=(*FILTERS, STEPS_PARAMETER),
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
        ]

    def _routes(self, ctx: RequestContext) -> None:
        with self._store.statistics() as source:
            ctx.json(routes.routes(source, filters_of(ctx, self._now_ns()), self._now_ns()))

    def _compare(self, ctx: RequestContext) -> None:
        filters, now_ns = filters_of(ctx, self._now_ns(), *_BASE), self._now_ns()
        since, until = (instant(ctx.query, one.name, now_ns) for one in _BASE)
        if since is None or until is None:
            missing = _BASE[0 if since is None else 1].name
            raise FilterError(missing, "is needed: when the period to compare with begins and ends")
        with self._store.statistics() as source:
            ctx.json(routes.compare(source, filters, routes.Range(since, max(until, since)), now_ns))

    def _route_series(self, ctx: RequestContext) -> None:
        filters = filters_of(ctx, self._now_ns(), STEPS_PARAMETER)
        with self._store.statistics() as source:
            ctx.json(series(source, filters, steps_of(ctx), self._now_ns()))

    def _heatmap(self, ctx: RequestContext) -> None:
        filters = filters_of(ctx, self._now_ns(), STEPS_PARAMETER)
        with self._store.statistics() as source:
            ctx.json(heatmap(source, filters, steps_of(ctx), self._now_ns()))

    def _services(self, ctx: RequestContext) -> None:
        with self._store.statistics() as source:
            ctx.json(services(source, filters_of(ctx, self._now_ns()), self._now_ns()))
