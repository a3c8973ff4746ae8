"""Requests that run now: what servers said last, and for how long that counts.

A server sends all of its running requests every second while there are any, to `POST /v1/wirespan/inflight`.
What it said is true for `SILENCE_S`; a server that died says nothing more and is forgotten.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

SILENCE_S: Final = 5.0
MAX_SERVERS: Final = 256
MAX_REQUESTS: Final = 1_000
_Text = Annotated[str, msgspec.Meta(max_length=2_000)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Running(msgspec.Struct, frozen=True):
    """One request that runs: `wirespan.inflight.InflightRequest`."""

    id: _Count
    method: _Text
    path: _Text
    age_ns: _Count
    state_ns: _Count = 0
    state: _Text | None = None
    states: dict[_Text, _Count] | None = None
    route: _Text | None = None
    background: bool = False
    end_reason: _Text | None = None
    trace_id: _Text | None = None
    client: _Text | None = None


class Server(msgspec.Struct, frozen=True):
    """One server process and what runs in it: `wirespan.inflight.InflightServer`."""

    instance: _Text
    service: _Text
    pid: _Count
    at_us: _Count
    requests: Annotated[list[Running], msgspec.Meta(max_length=MAX_REQUESTS)]
    url: _Text = ""
    total: _Count = 0


class Inflight:
    """The servers that have said something lately. Used on the event loop's thread only.

    Args:
        now: seconds of a clock that only goes on.
        changed: called after each change.

    Attributes:
        version: rises with each change.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, changed: Callable[[], object] = lambda: None
    ) -> None:
        self.version = 0
        self._now = now
        self._changed = changed
        self._servers: dict[str, tuple[float, Server]] = {}

    def put(self, server: Server) -> None:
        """Keeps what a server says, in the place of what it said before.

        Of more than `MAX_SERVERS` the one that was silent for longest is forgotten.
        """
        self._servers.pop(server.instance, None)
        self._servers[server.instance] = (self._now(), server)
        if len(self._servers) > MAX_SERVERS:
            del self._servers[next(iter(self._servers))]
        self.version += 1
        self._changed()

    def shown(self) -> dict[str, Any]:
        """What runs, as the API sends it: servers by service and instance."""
        self.forget()
        servers = sorted(
            (server for _, server in self._servers.values()), key=lambda one: (one.service, one.instance)
        )
        return {"servers": msgspec.to_builtins(servers)}

    def forget(self) -> None:
        """Drops the servers that have been silent for too long."""
        oldest = self._now() - SILENCE_S
        silent = [name for name, (heard, _) in self._servers.items() if heard < oldest]
        for name in silent:
            del self._servers[name]
        self.version += bool(silent)
