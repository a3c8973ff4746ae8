"""What `wirespan serve` says when it is ready: what is served, where, and how it is traced."""

import asyncio

from rich.console import Console
from rich.text import Text

from wirespan._core import __version__
from wirespan.opentelemetry import status
from wirespan.serving import Server

_KINDS = {"native": "native app", "asgi": "ASGI app", "asgi2": "ASGI 2 app", "wsgi": "WSGI app"}


def print_banner(target: str, server: Server) -> None:
    """A few calm lines on stderr, so that a piped access log stays clean."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    kind = _KINDS[server.interface]
    line = Text.assemble(("wirespan", "bold"), f" {__version__} serves ", (target, "bold"), f" ({kind}) on ")
    console.print(line.append(server.url, style="bold cyan"))
    console.print(Text(f"tracing {_tracing(server)}, {_loop_name()} event loop, Ctrl-C stops", style="dim"))
    for exporter in status():
        if exporter["signal"] == "traces":
            console.print(Text(f"spans go {_place(exporter['destination'])}", style="dim"))


def _tracing(server: Server) -> str:
    level = server.trace_level
    return "off (add --tracer or --access-log)" if level == "disabled" else level


def _place(destination: str) -> str:
    if destination == "none":
        return "nowhere: OTEL_SDK_DISABLED is set, or the exporter is none"
    return f"to {destination}"


def _loop_name() -> str:
    return "uvloop" if type(asyncio.get_running_loop()).__module__.startswith("uvloop") else "asyncio"
