"""The HTTP API: tables of operations, one for each subject, make routes and the OpenAPI document.

Handlers that read the store are `def` functions: the server runs them in threads, so no query holds up the
receiver. A wrong parameter is a 400 that names it, and so is a name that nobody knows: a filter with a slip
of the pen would show everything.
"""

import time
from collections.abc import Callable

import msgspec

from wirespan.app import App
from wirespan.context import RequestContext
from wirespan.errors import ProtocolError
from wirespan.viewer.api.asking import JSON
from wirespan.viewer.api.changes import Changes
from wirespan.viewer.api.inflight import Running
from wirespan.viewer.api.requests import Requests
from wirespan.viewer.api.statistics import Statistics
from wirespan.viewer.api.stored import Stored
from wirespan.viewer.errors import StoreError
from wirespan.viewer.filters import FilterError
from wirespan.viewer.live import Live
from wirespan.viewer.openapi import Operation, document
from wirespan.viewer.sql import QueryError, QueryTimeout
from wirespan.viewer.store import Store


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
        running, report = Running(live).operations()
        self.operations = [
            *Requests(store, live, now_ns).operations(),
            *Statistics(store, now_ns).operations(),
            running,
            *Stored(store, token, now_ns).operations(),
            *Changes(store).operations(),
            report,
        ]

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

    async def _openapi(self, ctx: RequestContext) -> None:
        ctx.bytes(openapi(self.operations), content_type=JSON)


def openapi(operations: list[Operation]) -> bytes:
    """The OpenAPI document as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(document(operations)), indent=2) + b"\n"


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
