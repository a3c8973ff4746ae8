"""OpenTelemetry beyond the tracer: `wirespan.tracers.OpenTelemetry` makes and sends the spans."""

from wirespan.opentelemetry.health import status

__all__ = ["status"]
