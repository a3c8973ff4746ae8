"""What `wirespan serve` says when it is ready: what is served, where, and how it is traced."""

import asyncio

from rich.console import Console
from rich.text import Text

from wirespan._core import __version__
from wirespan.opentelemetry import status
from wirespan.serving import Server

_KINDS = {"native": "native app", "asgi": "ASGI app", "asgi2": "ASGI 2 app", "wsgi": "WSGI app"}


def print_banner(target: str, server: Server) -> None:
    """Two calm lines on stderr, so that a piped access log stays clean."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    kind = _KINDS[server.interface]
    line = Text.assemble(("wirespan", "bold"), f" {__version__} serves ", (target, "bold"), f" ({kind}) on ")
    console.print(line.append(server.url, style="bold cyan"))
    console.print(Text(f"tracing {_tracing(server)}, {_loop_name()} event loop, Ctrl-C stops", style="dim"))


def _tracing(server: Server) -> str:
    if server.trace_level == "disabled":
        return "off (add --tracer or --access-log)"
    receivers = [exporter["destination"] for exporter in status() if exporter["signal"] == "traces"]
    return server.trace_level + "".join(f", spans to {_receiver(name)}" for name in receivers)


def _receiver(destination: str) -> str:
    return "nowhere (OTEL_SDK_DISABLED, or the exporter none)" if destination == "none" else destination


def _loop_name() -> str:
    return "uvloop" if type(asyncio.get_running_loop()).__module__.startswith("uvloop") else "asyncio"
