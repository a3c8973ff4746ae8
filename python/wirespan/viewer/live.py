"""New requests as they arrive: server-sent events for the page and for `wirespan traces --follow`.

A client is a cursor into the store (`seq`) and a flag that says "there is more". So nothing is queued for it:
one that reads slowly gets larger and rarer events, loses nothing, and costs no memory; one that does not read
at all is dropped by the engine (`timeout_write_s`). A client that comes back sends the last id it has seen
and goes on there.

Source: HTML Living Standard, section 9.2 (server-sent events).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import msgspec

from wirespan.viewer.filters import Filters
from wirespan.viewer.inflight import Inflight
from wirespan.viewer.queries.reading import Source
from wirespan.viewer.queries.requests import arrived, newest_seq

HEARTBEAT_S: Final = 15.0
PAUSE_S: Final = 0.2
"""Between two events of a client: faster than that nobody sees, and each costs a query."""
LOOK_S: Final = 1.0
"""How soon a server that fell silent is shown as gone."""
BATCH: Final = 500
MAX_CLIENTS: Final = 64
_encode: Final = msgspec.json.Encoder().encode


class Live:
    """Everyone who follows. Used on the event loop's thread only.

    Args:
        source: the store.
        heartbeat_s: silence after which a comment is sent, so that proxies and clients see life.
        pause_s: as `PAUSE_S`.
    """

    def __init__(self, source: Source, heartbeat_s: float = HEARTBEAT_S, pause_s: float = PAUSE_S) -> None:
        self.inflight = Inflight(changed=self.wake)
        self._source = source
        self._heartbeat_s = heartbeat_s
        self._pause_s = pause_s
        self._clients: set[asyncio.Event] = set()
        self._closed = False

    @property
    def clients(self) -> int:
        """How many follow."""
        return len(self._clients)

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return len(self._clients) >= MAX_CLIENTS

    def wake(self, *_: object) -> None:
        """There is something new."""
        for client in self._clients:
            client.set()

    def close(self) -> None:
        """Ends all streams: the viewer stops."""
        self._closed = True
        self.wake()

    async def follow(self, filters: Filters, after: int | None) -> AsyncIterator[bytes]:
        """The events of one client.

        Args:
            filters: which requests it wants; their cursor and limit do not count.
            after: the last `seq` it has seen; None for only what comes from now on.
        """
        more = asyncio.Event()
        self._clients.add(more)
        try:
            seen = after if after is not None else await asyncio.to_thread(newest_seq, self._source)
            # The comment makes proxies and clients show that the stream has begun.
            yield b"retry: 1000\n: wirespan\n\n"
            more.set()
            async for event in self._events(filters, seen, more):
                yield event
        finally:
            self._clients.discard(more)

    async def _events(self, filters: Filters, seen: int, more: asyncio.Event) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        version, spoken = -1, clock()
        while not self._closed:
            pieces = []
            if await self._wait(more):
                more.clear()
                found, seen, has_more = await asyncio.to_thread(self._read, filters, seen)
                if has_more:
                    more.set()
                if found:
                    pieces.append(event("requests", {"requests": found}, seen))
            self.inflight.forget()
            if version != self.inflight.version:
                version = self.inflight.version
                pieces.append(event("inflight", self.inflight.shown(), seen))
            if not pieces and clock() - spoken >= self._heartbeat_s:
                pieces.append(b":\n\n")
            if pieces:
                spoken = clock()
                yield b"".join(pieces)
                await asyncio.sleep(self._pause_s)

    async def _wait(self, more: asyncio.Event) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(LOOK_S, self._heartbeat_s)):
                await more.wait()
        return more.is_set()

    def _read(self, filters: Filters, seen: int) -> tuple[list[dict[str, Any]], int, bool]:
        """The next requests behind the cursor, where it stands then, and whether there are more."""
        # Asked for before the rows: what is committed in between is found the next time.
        newest = newest_seq(self._source)
        if newest <= seen:
            return [], newest, False  # nothing new, or the store was cleared
        behind = replace(filters, before=newest + 1, after=seen, limit=BATCH)
        requests, last = arrived(self._source, behind)
        return requests, newest if last is None else last, last is not None


def event(name: str, data: dict[str, Any], identity: int) -> bytes:
    """One event. JSON has no line breaks, so it is one line of data."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (identity, name.encode(), _encode(data))
