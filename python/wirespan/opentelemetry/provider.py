"""A TracerProvider for opentelemetry-api whose spans are native."""

import contextvars
import functools
import inspect
import logging
import traceback
from collections.abc import Callable
from typing import Any, Final, cast

from opentelemetry import baggage, context, trace
from opentelemetry.util.types import Attributes

from wirespan import _core
from wirespan.errors import ConfigError

# Spans and tracers are classes of the engine, which knows nothing of Python packages.
trace.Span.register(_core.Span)
trace.Tracer.register(_core.Tracer)

_log: Final = logging.getLogger("wirespan")


class TracerProvider(trace.TracerProvider):
    """Spans of libraries and of your own go the way of the requests' spans, without the OpenTelemetry SDK.

        spans = OpenTelemetry(service_name="shop")
        trace.set_tracer_provider(TracerProvider(spans))
        app = App(tracers=[spans])

    In a handler `trace.get_current_span()` is the request's SERVER span then. Spans that are started there
    are its children: they are sampled with it, also by its tail rules, and sent with it. Spans outside of
    requests begin traces of their own, by the head sampler.

    Without a tracer, spans go where the server sends those of its requests: `wirespan serve --otlp URL`, or
    an `OpenTelemetry` in `tracers=[...]`. The server finds the provider that is installed.

    Attributes:
        tracer: The tracer that samples and exports. One that was given goes into `tracers=[...]` of what
            serves; a server puts it there itself if this is the installed provider.

    Raises:
        ConfigError: `OTEL_PYTHON_CONTEXT` names a context that is not kept in context variables.
    """

    def __init__(self, tracer: _core.OpenTelemetry | None = None) -> None:
        """Makes the provider.

        Args:
            tracer: Whose samplers and exporter to use; None: those of the server, until one starts those
                that the `OTEL_*` variables describe.
        """
        self.follows_server: Final = tracer is None
        self.tracer = _core.OpenTelemetry() if tracer is None else tracer
        self._source: Final = _core.SpanSource(self.tracer, _api())

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> trace.Tracer:
        """What starts spans in the name of a library."""
        tracer = self._source.tracer(
            instrumenting_module_name or "", instrumenting_library_version, schema_url, attributes
        )
        return cast("trace.Tracer", tracer)

    def join(self, tracer: _core.OpenTelemetry) -> None:
        """Spans that start from now on are sampled and sent by this tracer."""
        self._source.join(tracer)
        self.tracer = tracer

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Whether all finished spans left memory in time."""
        return self.tracer.flush(timeout_millis / 1_000)

    def shutdown(self) -> None:
        """Sends what is left and ends the exporter. The server does so itself when it stops."""
        self.tracer.close()


def installed() -> TracerProvider | None:
    """The provider that `trace.set_tracer_provider` was given, if it is one of ours."""
    provider = trace.get_tracer_provider()
    return provider if isinstance(provider, TracerProvider) else None


def _api() -> dict[str, Any]:
    """What the engine needs of opentelemetry-api: see `binding/src/provider/api.rs`."""
    return {
        "variable": _context_variable(),
        "context_type": context.Context,
        "span_key": next(iter(trace.set_span_in_context(trace.INVALID_SPAN, context.Context()))),
        "span_context": _span_context,
        "kinds": list(trace.SpanKind),
        "codes": list(trace.StatusCode),
        "describe": describe,
        "decorate": _decorate,
        "set_baggage": baggage.set_baggage,
        "warn": _log.warning,
    }


def _context_variable() -> contextvars.ContextVar[Any]:
    """The variable that opentelemetry-api keeps its context in: the one that changes when one is attached."""
    marked = context.Context({"wirespan": True})
    empty = contextvars.Context()
    empty.run(context.attach, marked)
    for variable, value in empty.items():
        if value is marked:
            return variable
    raise ConfigError(
        "OTEL_PYTHON_CONTEXT: opentelemetry-api does not keep its context in a context variable: unset it"
    )


def _span_context(trace_id: int, span_id: int, flags: int, state: str) -> trace.SpanContext:
    trace_state = trace.TraceState.from_header([state]) if state else None
    return trace.SpanContext(trace_id, span_id, False, trace.TraceFlags(flags), trace_state)


def describe(error: BaseException) -> tuple[str, str, str]:
    """Type, message and stack trace of an exception, by the conventions."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - it is the exception's own code that fails
        message = ""
    return name, message, "".join(traceback.format_exception(error))


def _decorate(span: _core.CurrentSpan, function: Callable[..., Any]) -> Callable[..., Any]:
    """`start_as_current_span` as a decorator: each call is a span."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with span.again():
                return await function(*args, **kwargs)

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with span.again():
            return function(*args, **kwargs)

    return call
