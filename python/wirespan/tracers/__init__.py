"""Tracers that ship. They go into the list that your own go into: `App(tracers=[AccessLog(), Mine()])`.

Both are native: the engine writes lines and sends spans without entering Python. `docs/access-log.md` and
`docs/opentelemetry.md` say what they can do, `docs/tracers.md` how to write a tracer.
"""

from wirespan._core import AccessLog, OpenTelemetry

__all__ = ["AccessLog", "OpenTelemetry"]
