"""A viewer's HTTP API as the command line uses it, with the standard library alone."""

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO, Final
from urllib.parse import parse_qsl, urlencode

from wirespan.errors import WirespanError

URL: Final = "http://127.0.0.1:4318"
URL_VARIABLE: Final = "WIRESPAN_VIEWER_URL"
TOKEN_VARIABLE: Final = "WIRESPAN_VIEWER_TOKEN"  # noqa: S105 - its name, not a token
TIMEOUT_S: Final = 60.0
"""Longer than the longest query, and than the silence between two heartbeats."""
PIECE: Final = 1 << 20
Pairs = Sequence[tuple[str, str]]


class ViewerError(WirespanError):
    """The viewer cannot be asked, or refuses. The message is one line for its user."""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    name: str
    identity: str
    data: Any


class ViewerClient:
    """A viewer elsewhere.

    Args:
        url: its address, as it prints it, with or without the token; `WIRESPAN_VIEWER_URL` or the default
            when empty.
        token: what it demands when it listens on more than its machine; `WIRESPAN_VIEWER_TOKEN` when empty.
        timeout_s: longest silence.
    """

    def __init__(self, url: str = "", token: str = "", timeout_s: float = TIMEOUT_S) -> None:
        address = url or os.environ.get(URL_VARIABLE, "") or URL
        place, _, query = address.partition("?")
        self.url = (place if "://" in place else f"http://{place}").rstrip("/")
        named = dict(parse_qsl(query)).get("token", "")
        self._token = token or named or os.environ.get(TOKEN_VARIABLE, "")
        self._timeout_s = timeout_s
        # The viewer is near: a proxy of the environment would only be in the way.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str, parameters: Pairs = ()) -> Any:
        """The JSON at a path.

        Raises:
            ViewerError: nobody answers, or the answer is a refusal.
        """
        with self._open(path, parameters) as reply:
            return _json(reply.read(), self.url)

    def post(self, path: str, body: bytes | BinaryIO, content_type: str = "application/json") -> Any:
        """Sends a body, and returns the JSON that comes back.

        Raises:
            ViewerError: as `get`.
        """
        data = body if isinstance(body, bytes) else body.read()
        with self._open(path, (), data, {"content-type": content_type}) as reply:
            return _json(reply.read(), self.url)

    def download(self, path: str, parameters: Pairs, target: BinaryIO) -> None:
        """Writes a reply's body to a file.

        Raises:
            ViewerError: as `get`, or the connection broke.
            OSError: the file cannot be written.
        """
        with self._open(path, parameters) as reply:
            while piece := self._piece(reply):
                target.write(piece)

    def _piece(self, reply: Any) -> bytes:
        try:
            piece = bytes(reply.read(PIECE))
        except (OSError, http.client.HTTPException) as error:
            raise ViewerError(f"the viewer at {self.url} stopped in the middle: {error}") from error
        # `read` with a size says nothing of an end that came too early.
        if not piece and reply.length:
            raise ViewerError(
                f"the viewer at {self.url} stopped in the middle: {reply.length} bytes are missing"
            )
        return piece

    def follow(self, path: str, parameters: Pairs) -> Iterator[Event]:
        """Server-sent events for as long as the viewer runs.

        Raises:
            ViewerError: as `get`; also when the viewer ends.
        """
        with self._open(path, parameters, None, {"accept": "text/event-stream"}) as reply:
            fields: dict[str, str] = {}
            try:
                for raw in reply:
                    line = raw.decode().rstrip("\n")
                    name, _, value = line.partition(": ")
                    if line:
                        fields[name] = value
                    elif "data" in fields:
                        yield Event(fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"]))
                    if not line:
                        fields = {}
            except (OSError, http.client.HTTPException):
                pass  # said below: however the stream ended, the viewer is gone
        raise ViewerError(f"the viewer at {self.url} has ended")

    def _open(
        self,
        path: str,
        parameters: Pairs,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        query = f"?{urlencode(parameters)}" if parameters else ""
        try:
            request = urllib.request.Request(f"{self.url}{path}{query}", data, headers or {})  # noqa: S310 - the user's
            if self._token:
                request.add_header("authorization", f"Bearer {self._token}")
            return self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                raise ViewerError(self._refusal(error.code, error.read())) from None
        except (OSError, ValueError, http.client.HTTPException):
            raise ViewerError(
                f"no viewer answers at {self.url}: start one with 'wirespan view', or say where with --viewer"
            ) from None

    def _refusal(self, status: int, body: bytes) -> str:
        try:
            message = str(json.loads(body)["error"]["message"])
        except (ValueError, KeyError, TypeError):
            return f"what answers at {self.url} is no wirespan viewer: it says {status}"
        if status != HTTPStatus.UNAUTHORIZED:
            return message
        if self._token:
            return f"the viewer at {self.url} has another token: the address that it printed ends with it"
        return (
            f"the viewer at {self.url} demands a token: give the address that it printed as --viewer, or the "
            f"token as --token or {TOKEN_VARIABLE}"
        )


def _json(body: bytes, url: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise ViewerError(f"what answers at {url} is no wirespan viewer") from None
