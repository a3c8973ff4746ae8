"""An HTTP server and web framework that traces every request from the kernel to the last byte."""

from wirespan._core import __version__
from wirespan.app import App
from wirespan.context import RequestContext, current
from wirespan.server import run

__all__ = ["App", "RequestContext", "__version__", "current", "run"]
