"""The native tracer, as it comes; `OTEL_*` variables say where to and what is sampled."""

from __future__ import annotations

from wirespan.tracers import OpenTelemetry

spans = OpenTelemetry()
