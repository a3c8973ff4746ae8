"""Exporters that are set up a little wrong: they are told what to change, and so is whoever runs the viewer.

The frequent mistakes: gRPC instead of HTTP on the same port, and an endpoint of one signal without its path
(https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp).
"""

import contextvars
import logging
from typing import Final

from wirespan import RequestContext
from wirespan.group import Group
from wirespan.viewer.schema import TABLE_OF_SIGNAL

_log: Final = logging.getLogger("wirespan.viewer")

_NO_HTTP_1: Final = 505
"""What the engine answers to the preface of HTTP/2: nobody but gRPC sends it unasked."""

_GRPC: Final = (
    "an exporter speaks gRPC to this port, which takes OTLP over HTTP: set "
    "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf there (in code, the exporter of the package for HTTP)"
)
_PLACES: Final = (
    "OTLP is taken by POST at /v1/traces, /v1/metrics and /v1/logs: OTEL_EXPORTER_OTLP_ENDPOINT is the "
    "address without a path; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and its like, and endpoints in code, have "
    "the whole path"
)


class GrpcNotice:
    """A tracer that sees gRPC and tells it once in the log."""

    def __init__(self) -> None:
        self._was_told = False

    def start(self, context: contextvars.Context, request: RequestContext) -> contextvars.Context:
        """Changes nothing."""
        return context

    def finish(self, context: contextvars.Context, request: RequestContext) -> None:
        """Looks at what was answered."""
        if request.trace_info.stats.status_code == _NO_HTTP_1 and not self._was_told:
            self._was_told = True
            _log.warning(_GRPC)


def add_directions(group: Group) -> None:
    """Adds answers for what is sent to a place that takes nothing."""
    for signal in TABLE_OF_SIGNAL:
        group.get(f"/v1/{signal}")(_only_post)
    for path in ("/", "/{path:path}"):
        group.post(path)(_elsewhere)


async def _only_post(ctx: RequestContext) -> None:
    ctx.set_header("allow", "POST")
    ctx.abort(405, _PLACES)


async def _elsewhere(ctx: RequestContext) -> None:
    if ctx.path.startswith("/api/"):
        ctx.abort(405)
    ctx.abort(404, f"there is nothing to send to at {ctx.path}. {_PLACES}")
