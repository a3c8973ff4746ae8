"""What runs now: told by servers, asked by pages."""

from wirespan.context import RequestContext
from wirespan.viewer import answers
from wirespan.viewer.api.asking import JSON, only
from wirespan.viewer.inflight import Server
from wirespan.viewer.live import Live
from wirespan.viewer.openapi import Operation
from wirespan.viewer.security import demand_type


class Running:
    """Both sides of it."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def operations(self) -> list[Operation]:
        """What is asked, in the order of the document."""
        return [
            Operation(
                "GET",
                "/api/inflight",
                "inflight",
                "Requests that run now.",
                self._inflight,
                answers.Inflight,
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

    async def _inflight(self, ctx: RequestContext) -> None:
        only(ctx.query)
        ctx.json(self._live.inflight.shown())

    async def _report(self, ctx: RequestContext) -> None:
        demand_type(ctx, (JSON,))
        self._live.inflight.put(await ctx.read_json(Server))
        ctx.json({})
