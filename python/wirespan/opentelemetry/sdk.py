"""SERVER spans through the official OpenTelemetry SDK, for those who have set up that one."""

import contextvars
import random
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel
from opentelemetry import propagate, trace

from wirespan import _core
from wirespan.trace import Event

if TYPE_CHECKING:
    from wirespan.context import RequestContext
    from wirespan.trace import HTTPStats

_FIRST_ERROR: Final = 500
_NO_SPAN: Final[trace.Span] = trace.INVALID_SPAN
_span: Final = contextvars.ContextVar("wirespan_sdk_span", default=_NO_SPAN)


class SdkTracer:
    """One SERVER span for each request, made by the provider that is installed, with the six states on it.

        trace.set_tracer_provider(sdk_provider)
        app = App(tracers=[SdkTracer()])

    The span begins when the request's first byte arrived, is current in the handler, and ends with the last
    byte of the response. Everything runs in Python: `wirespan.tracers.OpenTelemetry` with `TracerProvider`
    costs a fraction. Requests whose head cannot be parsed have a span, too, which is a trace of its own.

    Args:
        provider: Whose spans to make; None: the one that `trace.set_tracer_provider` was given.
    """

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("wirespan", _core.__version__, provider)
        self._methods: Final = frozenset(_core.known_methods())

    def start(self, context: contextvars.Context, request: "RequestContext") -> contextvars.Context:
        """Nothing is known yet."""
        return context

    def head(self, context: contextvars.Context, request: "RequestContext") -> contextvars.Context:
        """Starts the span, which sees the caller's context, and makes it current."""
        carrier: dict[str, str] = {}
        for name, value in request.header_items():
            carrier[name] = f"{carrier[name]},{value}" if name in carrier else value
        told = propagate.extract(carrier, context=otel.get_current())
        if _core.is_ignored(request):
            span = _unheard(trace.get_current_span(told).get_span_context())
        else:
            span = self._start(request, self._at_head(request), told)
        _span.set(span)
        otel.attach(trace.set_span_in_context(span, told))
        return contextvars.copy_context()

    def finish(self, context: contextvars.Context, request: "RequestContext") -> None:
        """Ends the span with what became of the request."""
        span = _span.get()
        if span is _NO_SPAN:
            span = self._start(request, {"http.request.method": "_OTHER"} | _ends(request), otel.Context())
        stats = request.trace_info.stats
        if span.is_recording():
            if stats.route is not None:
                span.update_name(f"{self._method(request)} {stats.route}")
            span.set_attributes(_at_end(stats))
            _judge(span, stats)
        span.end(_unix_ns(stats, Event.HTTP_FINISH))

    def _start(
        self, request: "RequestContext", attributes: dict[str, Any], parent: otel.Context
    ) -> trace.Span:
        stats = request.trace_info.stats
        begin = _unix_ns(stats, Event.RECEIVED) or _unix_ns(stats, Event.HTTP_START)
        return self._tracer.start_span(
            self._method(request), parent, trace.SpanKind.SERVER, attributes, start_time=begin
        )

    def _method(self, request: "RequestContext") -> str:
        """As span names have it."""
        return request.method if request.method in self._methods else "HTTP"

    def _at_head(self, request: "RequestContext") -> dict[str, Any]:
        """What samplers see, by the HTTP conventions."""
        known = request.method in self._methods
        found: dict[str, Any] = {
            "http.request.method": request.method if known else "_OTHER",
            "http.request.method_original": None if known else request.method,
            "url.path": request.raw_path.decode("latin-1"),
            "url.query": _core.redact_query(request.query_string) or None,
            "network.protocol.version": request.http_version,
            "user_agent.original": request.header("user-agent"),
        }
        return {name: value for name, value in found.items() if value is not None} | _ends(request)


def _unheard(caller: trace.SpanContext) -> trace.Span:
    """A span that nobody records, in the caller's trace or one of its own: it tells others not to, either."""
    trace_id = caller.trace_id or random.getrandbits(128)
    return trace.NonRecordingSpan(trace.SpanContext(trace_id, random.getrandbits(64), is_remote=False))


def _unix_ns(stats: "HTTPStats", event: Event) -> int | None:
    """When an event was, in nanoseconds since 1970; None where it was not recorded."""
    recorded = stats.get_event(event)
    if recorded is None:
        return None
    return int(recorded.time.timestamp()) * 1_000_000_000 + recorded.time.microsecond * 1_000


def _ends(request: "RequestContext") -> dict[str, Any]:
    """Client, server and scheme as trusted proxies tell them; the peer as it is."""
    found: dict[str, Any] = {"url.scheme": request.scheme}
    server = _core.server_of(request)
    if server is not None:
        found["server.address"], found["server.port"] = server
    if request.client is not None:
        found["client.address"] = request.client[0]
    if request.peer is not None:  # Unix sockets have none
        found["network.peer.address"], found["network.peer.port"] = request.peer
    return found


def _at_end(stats: "HTTPStats") -> dict[str, Any]:
    found: dict[str, Any] = {
        "http.route": stats.route,
        "http.response.status_code": stats.status_code,
        "wirespan.end_reason": stats.end_reason,
        "wirespan.recv_size": stats.recv_size,
        "wirespan.send_size": stats.send_size,
    }
    found |= {f"wirespan.state.{name}_ns": spent for name, spent in stats.states().items()}
    return {name: value for name, value in found.items() if value is not None}


def _judge(span: trace.Span, stats: "HTTPStats") -> None:
    """The rules of `core/src/sinks/opentelemetry/outcome.rs`."""
    error = stats.panicked()
    status = stats.status_code or 0
    reason = stats.end_reason or "completed"
    if error is None and status >= _FIRST_ERROR:
        error = stats.error if reason in {"completed", "handler_error"} else None
    if error is not None:
        span.record_exception(error)
        kind = type(error)
        name = kind.__qualname__
        _fail(span, name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}", str(error))
    elif reason not in {"completed", "upgraded"} and not (
        reason in {"protocol_error", "limit_exceeded"} and 400 <= status < _FIRST_ERROR  # noqa: PLR2004
    ):
        _fail(span, reason, "")
    elif status >= _FIRST_ERROR:
        _fail(span, str(status), "")


def _fail(span: trace.Span, kind: str, description: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(trace.StatusCode.ERROR, description or None)
