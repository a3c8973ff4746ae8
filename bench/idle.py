"""`python -m bench.idle`: what 10,000 idle keep-alive connections cost.

For each server: throughput of the active connections alone, then the same beside the idle ones, each of which
has made one request; and the growth of resident memory for each idle connection, kernel memory not included.
"""

from __future__ import annotations

import argparse
import socket
import struct
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench import machine
from bench.errors import BenchError
from bench.load import Load, run_load
from bench.process import free_port, pinned
from bench.run import check_tools, say
from bench.scenarios import SCENARIOS, verify
from bench.servers import SERVERS, Server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Time-outs and limits where the default would close the idle connections during the run (75 s suffice).
_PATIENT: Mapping[str, tuple[str, ...]] = {
    "wirespan": (),
    "wirespan-asgi": (),
    "uvicorn": ("--timeout-keep-alive", "300"),
    "granian-asgi": ("--http1-header-read-timeout", "60000", "--backlog", "4096", "--backpressure", "20000"),
}
_REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
_ANSWER_END = b"Hello, World!"
_OPEN_AT_ONCE = 100  # below every listen backlog
_SPARE_FILES = 1000
_SETTLE_S = 1.0


@dataclass(frozen=True)
class Cost:
    """What the idle connections cost one server."""

    server: str
    bytes_per_connection: float
    alone_per_s: float  # requests/s without idle connections
    beside_per_s: float  # requests/s with them


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 all measured, 1 a server failed, 2 nothing could be measured."""
    options = _parser().parse_args(arguments)
    try:
        check_tools()
        cores = machine.choose_cores(None, None)
        machine.raise_open_files(options.idle + _SPARE_FILES)
        servers = _choose(options.only)
    except BenchError as error:
        say(f"bench: {error}")
        return 2
    load = Load(cores.load, options.connections, options.seconds)
    sys.stdout.write(
        f"{'server':16} {'bytes/connection':>16} {'alone/s':>10} {'beside/s':>10} {'ratio':>6}\n"
    )
    # A list: all are measured, also after one that failed.
    return max([_try(server, cores, load, options.idle) for server in servers])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__)
    parser.add_argument("--only", metavar="NAMES", help=f"of {', '.join(_PATIENT)}; comma-separated")
    parser.add_argument("--idle", type=int, default=10_000, help="idle connections (default 10000)")
    parser.add_argument("--connections", type=int, default=64, help="active connections (default 64)")
    parser.add_argument("--seconds", type=int, default=4, help="length of one measurement (default 4)")
    return parser


def _choose(names: str | None) -> list[Server]:
    wanted = list(_PATIENT) if names is None else [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in _PATIENT]
    if unknown:
        raise BenchError(f"no '{unknown[0]}' here; there are: {', '.join(_PATIENT)}")
    return [
        replace(server, command=(*server.command, *_PATIENT[server.name]))
        for server in SERVERS
        if server.name in wanted
    ]


def _try(server: Server, cores: machine.Cores, load: Load, idle: int) -> int:
    try:
        cost = measure(server, cores, load, idle)
    except (BenchError, OSError) as error:
        say(f"{server.name}: FAILED: {error}")
        return 1
    sys.stdout.write(
        f"{cost.server:16} {cost.bytes_per_connection:16,.0f} {cost.alone_per_s:10,.0f}"
        f" {cost.beside_per_s:10,.0f} {cost.beside_per_s / cost.alone_per_s:6.2f}\n"
    )
    return 0


def measure(server: Server, cores: machine.Cores, load: Load, idle: int) -> Cost:
    """Runs one server with and without idle connections.

    Raises:
        BenchError: It does not start, answers wrongly, or closed an idle connection.
    """
    port = free_port()
    hello = SCENARIOS["hello"]
    with (
        pinned(server.command_line(port, "/dev/null"), server.env, cores.server, port) as pid,
        ExitStack() as open_ones,
    ):
        verify(hello, port)
        alone = run_load(load, hello, port)
        time.sleep(_SETTLE_S)
        before = machine.resident_bytes(pid)
        connections = _open(port, idle, open_ones)
        time.sleep(_SETTLE_S)
        grown = machine.resident_bytes(pid) - before
        beside = run_load(load, hello, port)
        _check_open(connections)
    return Cost(server.name, grown / idle, alone.requests_per_s, beside.requests_per_s)


def _open(port: int, count: int, stack: ExitStack) -> list[socket.socket]:
    connections: list[socket.socket] = []
    while len(connections) < count:
        batch = [_connected(port, stack) for _ in range(min(_OPEN_AT_ONCE, count - len(connections)))]
        for connection in batch:
            connection.sendall(_REQUEST)
        for connection in batch:
            _read_answer(connection)
        connections += batch
    return connections


def _connected(port: int, stack: ExitStack) -> socket.socket:
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
    # Closing resets: thousands of sockets in TIME_WAIT would use up the ports of the next server's run.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return connection


def _read_answer(connection: socket.socket) -> None:
    received = b""
    while not received.endswith(_ANSWER_END):
        piece = connection.recv(4096)
        if not piece:
            raise BenchError("an idle connection was closed before its first answer")
        received += piece


def _check_open(connections: Sequence[socket.socket]) -> None:
    closed = sum(not _is_open(connection) for connection in connections)
    if closed:
        raise BenchError(f"{closed} of {len(connections)} idle connections were closed during the run")


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


if __name__ == "__main__":
    sys.exit(main())
