"""SQL, and what changes the store."""

from wirespan.context import RequestContext
from wirespan.viewer import answers, parquet, transfer
from wirespan.viewer.api.asking import JSON, LINES, ZIP, fail
from wirespan.viewer.openapi import Operation
from wirespan.viewer.security import demand_type
from wirespan.viewer.sql import query
from wirespan.viewer.store import Store


class Changes:
    """The operations with a body, and the one that clears."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> list[Operation]:
        """What is asked, in the order of the document."""
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
                body=(JSON, LINES, ZIP),
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
        ]

    def _sql(self, ctx: RequestContext) -> None:
        demand_type(ctx, (JSON,))
        ctx.json(query(self._store, ctx.decode_json(answers.Query).sql))

    async def _import(self, ctx: RequestContext) -> None:
        kind = demand_type(ctx, (JSON, LINES, ZIP))
        take = parquet.import_parquet if kind == ZIP else transfer.import_otlp
        try:
            ctx.json(await take(self._store, await ctx.body()))
        except transfer.ImportFailed as error:
            fail(ctx, 400, str(error))

    async def _clear(self, ctx: RequestContext) -> None:
        await self._store.clear()
        ctx.json({})
