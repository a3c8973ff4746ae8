"""The command `wirespan inflight`: asks the servers of this user what runs, once or each second."""

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from wirespan.errors import ConfigError, WirespanError
from wirespan.inflight import InflightServer
from wirespan.inflight_table import overview
from wirespan.inspection import Place, find_sockets, parse_place

PERIOD_S = 1.0
TIMEOUT_S = 3.0
NO_SERVER = (
    "no server of yours runs here. Servers tell by a socket in the runtime folder of their user: "
    "look as that user, or name the server's --inspect PLACE"
)
Wait = Callable[[], object]


class AskError(WirespanError):
    """A server that was named does not answer, or none was found."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


def ask(place: Place) -> InflightServer:
    """What runs at one server.

    Raises:
        OSError: nobody listens there, or the answer did not come in time.
        AskError: whoever listens is no wirespan server.
    """
    connection = _connection(place)
    try:
        connection.request("GET", "/inflight")
        response = connection.getresponse()
        body = response.read()
        told = json.loads(body) if response.status == http.client.OK else None
    except (http.client.HTTPException, ValueError):
        told = None
    finally:
        connection.close()
    if not isinstance(told, dict) or "requests" not in told:
        raise AskError(f"{shown(place)} is not where a wirespan server tells of its requests")
    return cast("InflightServer", told)


def _connection(place: Place) -> http.client.HTTPConnection:
    if isinstance(place, Path):
        return _UnixConnection(place)
    host, port = place
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)


def ask_all(places: Sequence[Place]) -> list[InflightServer]:
    """What runs at these servers; without any, at all of this user's that can be found.

    Raises:
        AskError: a server that was named does not answer, or there is none.
    """
    if not places:
        return _found()
    servers = []
    for place in places:
        try:
            servers.append(ask(place))
        except OSError as error:
            raise AskError(f"{shown(place)} does not answer: {error.strerror or error}") from error
    return servers


def _found() -> list[InflightServer]:
    servers = []
    for path in find_sockets():
        try:
            servers.append(ask(path))
        except (OSError, AskError):  # it ended just now
            continue
    return servers


def shown(place: Place) -> str:
    """As its user wrote it."""
    return os.fspath(place) if isinstance(place, Path) else f"{place[0]}:{place[1]}"


def places_of(words: Sequence[str]) -> list[Place]:
    """The places that were named.

    Raises:
        ConfigError: one of them is none.
    """
    places = [(word, parse_place(word)) for word in words]
    wrong = [word for word, place in places if place is None]
    if wrong:
        raise ConfigError(f"name the path of a socket, with a /, or HOST:PORT, not {wrong[0]!r}")
    return [place for _, place in places if place is not None]


def print_once(places: Sequence[Place], *, as_json: bool) -> None:
    """Prints what runs now.

    Raises:
        AskError: as `ask_all`, and where no server was found.
    """
    servers = ask_all(places)
    if not servers:
        raise AskError(NO_SERVER)
    if as_json:
        sys.stdout.write(f"{json.dumps({'servers': servers}, indent=2)}\n")
    else:
        console = Console(highlight=False)
        console.print(overview(servers, console))


def watch(places: Sequence[Place], *, as_json: bool, wait: Wait = lambda: time.sleep(PERIOD_S)) -> None:
    """Prints what runs each second, until Ctrl-C. Servers may come and go meanwhile.

    Args:
        places: of the servers; none: all that are found.
        as_json: one line each time.
        wait: returns when it is time for the next look.
    """
    if as_json:
        while True:
            sys.stdout.write(f"{json.dumps({'servers': _present(places)})}\n")
            sys.stdout.flush()
            wait()
    console = Console(highlight=False)
    with Live(
        _view(places, console), console=console, screen=console.is_terminal, auto_refresh=False
    ) as live:
        while True:
            wait()
            live.update(_view(places, console), refresh=True)


def _present(places: Sequence[Place]) -> list[InflightServer]:
    try:
        return ask_all(places)
    except AskError:
        return []


def _view(places: Sequence[Place], console: Console) -> RenderableType:
    servers = _present(places)
    return overview(servers, console) if servers else Text("no server answers; waiting for one", style="dim")
