"""Tracers that ship. They go into the list that your own go into: `App(tracers=[AccessLog(), Mine()])`.

`AccessLog` is native: the engine writes its lines without entering Python. `docs/tracers.md` shows its
formats, and how to write a tracer.
"""

from wirespan._core import AccessLog

__all__ = ["AccessLog"]
