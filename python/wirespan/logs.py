"""Python's `logging` with the trace that a line belongs to."""

import logging

from wirespan import _core


class TraceContextFilter(logging.Filter):
    """Adds `trace_id` and `span_id` to each record, for formats such as `%(trace_id)s %(message)s`.

    Both are hexadecimal digits, and `-` outside of requests or without the tracer `OpenTelemetry`. Add it to
    handlers: filters of a logger do not see the records of its children.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps every record."""
        request = _core.current_exchange.get(None)
        context = None if request is None else request.trace_context
        record.trace_id, record.span_id = ("-", "-") if context is None else context[:2]
        return True
