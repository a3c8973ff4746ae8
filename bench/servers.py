"""The servers: how each is started. To add one, add a line to a list below (see bench/README.md).

Each runs as its manual says for speed on one core: one worker, no access log unless that is what is measured,
no WebSocket support where that costs, the default headers.
"""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.scenarios import EVERY_SCENARIO

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
_BIN = PEERS / "bin"
_PEER_BIN = ROOT / ".venv-bench" / "bin"
# The interpreter that has wirespan installed; `make demo` makes .venv.
_OWN_PYTHON = os.environ.get("BENCH_PYTHON", str(ROOT / ".venv" / "bin" / "python"))


@dataclass(frozen=True)
class Server:
    """One line of the table. `{port}` and `{log}` in the command are filled in at each start."""

    name: str
    title: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    scenarios: frozenset[str] = EVERY_SCENARIO
    exports: bool = False  # sends spans to the sink

    def command_line(self, port: int, log: str) -> list[str]:
        """The command to run."""
        return [part.format(port=port, log=log) for part in self.command]


def _wirespan(name: str, title: str, app: str, *options: str) -> Server:
    serve = (_OWN_PYTHON, "-m", "wirespan", "serve", app, "--app-dir", str(PEERS))
    return Server(name, title, (*serve, "--host", "127.0.0.1", "--port", "{port}", *options))


def _otlp(name: str, title: str, app: str, ratio: str) -> Server:
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio}
    server = _wirespan(name, title, app, "--tracer", "wirespan_otel:spans", "--access-log", "off")
    return replace(server, env=sampler, exports=True)


_HELLO = frozenset({"hello"})
_OFF = ("--trace-level", "disabled", "--access-log", "off")
_BASE = ("--trace-level", "base", "--access-log", "off")
_LOG = ("--trace-level", "detailed", "--access-log", "json", "--access-log-file", "{log}")
_TRACER = ("--tracer", "empty_tracer:tracer", "--access-log", "off")
_NATIVE = "wirespan_app:app"
_ASGI = "asgi_app:app"

_WIRESPAN = (
    _wirespan("wirespan", "wirespan native", _NATIVE, *_OFF),
    _wirespan("wirespan-base", "wirespan native, base level", _NATIVE, *_BASE),
    _wirespan("wirespan-log", "wirespan native, detailed + JSON access log", _NATIVE, *_LOG),
    _wirespan("wirespan-tracer", "wirespan native, one empty Python tracer", _NATIVE, *_TRACER),
    _otlp("wirespan-otlp", "wirespan native, OTLP, all sampled", _NATIVE, "1"),
    replace(
        _otlp(
            "wirespan-otlp-span", "wirespan native, OTLP, a span in the handler", "wirespan_span_app:app", "1"
        ),
        scenarios=_HELLO,
    ),
    _otlp("wirespan-otlp-1%", "wirespan native, OTLP, 1% sampled", _NATIVE, "0.01"),
    _otlp("wirespan-otlp-0%", "wirespan native, OTLP, none sampled", _NATIVE, "0"),
    _wirespan("wirespan-asgi", "wirespan ASGI", _ASGI, *_OFF),
    _wirespan("wirespan-asgi-base", "wirespan ASGI, base level", _ASGI, *_BASE),
    _wirespan("wirespan-asgi-log", "wirespan ASGI, detailed + JSON access log", _ASGI, *_LOG),
    _wirespan("wirespan-asgi-tracer", "wirespan ASGI, one empty Python tracer", _ASGI, *_TRACER),
    _otlp("wirespan-asgi-otlp", "wirespan ASGI, OTLP, all sampled", _ASGI, "1"),
)


def _uvicorn(app: str, *options: str) -> tuple[str, ...]:
    return (
        *(str(_PEER_BIN / "uvicorn"), app, "--app-dir", str(PEERS), "--port", "{port}"),
        *(
            "--http",
            "httptools",
            "--loop",
            "uvloop",
            "--ws",
            "none",
            "--no-access-log",
            "--log-level",
            "warning",
        ),
        *options,
    )


def _granian(interface: str, app: str) -> tuple[str, ...]:
    return (
        *(str(_PEER_BIN / "granian"), app, "--working-dir", str(PEERS), "--port", "{port}"),
        *("--interface", interface, "--http", "1", "--no-ws", "--loop", "uvloop", "--workers", "1"),
        *("--runtime-mode", "st", "--log-level", "warning"),
    )


_HYPERCORN = (
    *(str(_PEER_BIN / "hypercorn"), _ASGI, "--bind", "127.0.0.1:{port}"),
    *("--worker-class", "uvloop", "--workers", "1", "--log-level", "WARNING"),
)
_PEER_PATH = {"PYTHONPATH": str(PEERS)}
# socketify 0.0.31 aborts in its own data callback (a freed cffi handle) after a few requests with a body.
_NO_UPLOAD = EVERY_SCENARIO - {"upload"}
_ONE_CORE = {"GOMAXPROCS": "1"}
_SOCKETIFY = (str(_PEER_BIN / "python"), str(PEERS / "socketify_app.py"), "{port}")

_PEERS = (
    Server(
        "epoll", "raw epoll loop (Rust)", (str(_BIN / "epoll_loop"), "{port}"), scenarios=frozenset({"hello"})
    ),
    Server("socketify", "socketify, def handler", _SOCKETIFY, scenarios=_NO_UPLOAD),
    Server("socketify-async", "socketify, async def handler", (*_SOCKETIFY, "async"), scenarios=_NO_UPLOAD),
    Server("uvicorn", "uvicorn (httptools, uvloop)", _uvicorn(_ASGI, "--lifespan", "off")),
    Server("granian-asgi", "granian ASGI", _granian("asgi", _ASGI)),
    Server("granian-rsgi", "granian RSGI", _granian("rsgi", "rsgi_app:app")),
    Server("hypercorn", "hypercorn (uvloop)", _HYPERCORN, _PEER_PATH),
    Server("hertz", "Hertz (Go)", (str(_BIN / "hertz"), "-port", "{port}"), _ONE_CORE),
    Server(
        "hertz-otel",
        "Hertz + OpenTelemetry",
        (str(_BIN / "hertz"), "-port", "{port}", "-otel"),
        _ONE_CORE,
        exports=True,
    ),
    Server("uvicorn-otel", "uvicorn + OpenTelemetry", _uvicorn("asgi_otel:app"), exports=True),
    Server(
        "uvicorn-otel-span",
        "uvicorn + OpenTelemetry, a span in the handler",
        _uvicorn("asgi_otel_span:app"),
        scenarios=_HELLO,
        exports=True,
    ),
    Server("granian-otel", "granian ASGI + OpenTelemetry", _granian("asgi", "asgi_otel:app"), exports=True),
)

# The floor first, then ours, then the others: the order of the table.
SERVERS = (_PEERS[0], *_WIRESPAN, *_PEERS[1:])


def choose(patterns: str | None, scenario: str) -> list[Server]:
    """Servers of a scenario whose names match one of the comma-separated patterns (`*` as in a shell).

    Raises:
        BenchError: A pattern matches nothing.
    """
    able = [server for server in SERVERS if scenario in server.scenarios]
    if patterns is None:
        return able
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    for pattern in wanted:
        if not any(fnmatch.fnmatchcase(server.name, pattern) for server in able):
            names = ", ".join(server.name for server in able)
            raise BenchError(f"no server of scenario '{scenario}' is named '{pattern}'; there are: {names}")
    return [server for server in able if any(fnmatch.fnmatchcase(server.name, pattern) for pattern in wanted)]
