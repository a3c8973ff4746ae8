"""Lines of `logging` and structlog with the trace that they belong to."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

from wirespan import _core


class TraceContextFilter(logging.Filter):
    """Adds `trace_id` and `span_id` to each record, for formats such as `%(trace_id)s %(message)s`.

    They are those of the current span of opentelemetry-api if there is one, else of the request. Both are
    hexadecimal digits, and `-` where there is neither, or without the tracer `OpenTelemetry`. Add it to
    handlers: filters of a logger do not see the records of its children.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps every record."""
        record.trace_id, record.span_id = _ids() or ("-", "-")
        return True


def add_trace_context(
    logger: Any, method_name: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: adds `trace_id` and `span_id`, as `TraceContextFilter` does.

    Outside of spans and requests, or without the tracer `OpenTelemetry`, it adds nothing. What an event has
    already stays. Put it before the renderer:
    `structlog.configure(processors=[add_trace_context, JSONRenderer()])`.
    """
    if ids := _ids():
        event_dict.setdefault("trace_id", ids[0])
        event_dict.setdefault("span_id", ids[1])
    return event_dict


def _ids() -> tuple[str, str] | None:
    """Trace and span of what runs here: a span of opentelemetry-api, else the request."""
    # Who makes such spans has imported it.
    current = getattr(sys.modules.get("opentelemetry.trace"), "get_current_span", None)
    span = None if current is None else current().get_span_context()
    if span is not None and span.is_valid:
        return f"{span.trace_id:032x}", f"{span.span_id:016x}"
    request = _core.current_exchange.get(None)
    context = None if request is None else request.trace_context
    return None if context is None else (context[0], context[1])
