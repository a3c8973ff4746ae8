"""A tracer that does nothing: what is left is the price of calling Python twice a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import contextvars

    from wirespan import RequestContext


class EmptyTracer:
    """`wirespan.trace.Tracer` with empty methods."""

    def start(self, context: contextvars.Context, _request: RequestContext) -> contextvars.Context:
        """Changes nothing."""
        return context

    def finish(self, _context: contextvars.Context, _request: RequestContext) -> None:
        """Keeps nothing."""


tracer = EmptyTracer()
