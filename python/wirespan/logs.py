"""Lines of `logging` and structlog with the trace that they belong to."""

import logging
from collections.abc import MutableMapping
from typing import Any

from wirespan import _core


class TraceContextFilter(logging.Filter):
    """Adds `trace_id` and `span_id` to each record, for formats such as `%(trace_id)s %(message)s`.

    Both are hexadecimal digits, and `-` outside of requests or without the tracer `OpenTelemetry`. Add it to
    handlers: filters of a logger do not see the records of its children.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps every record."""
        record.trace_id, record.span_id = _ids() or ("-", "-")
        return True


def add_trace_context(
    logger: Any, method_name: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: adds `trace_id` and `span_id` to each event of a request.

    Outside of requests, or without the tracer `OpenTelemetry`, it adds nothing. What an event has already
    stays. Put it before the renderer: `structlog.configure(processors=[add_trace_context, JSONRenderer()])`.
    """
    if ids := _ids():
        event_dict.setdefault("trace_id", ids[0])
        event_dict.setdefault("span_id", ids[1])
    return event_dict


def _ids() -> tuple[str, str] | None:
    """Trace and span of the request that runs here."""
    request = _core.current_exchange.get(None)
    context = None if request is None else request.trace_context
    return None if context is None else (context[0], context[1])
