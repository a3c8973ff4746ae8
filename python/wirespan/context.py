"""RequestContext: one request and its reply, as a handler sees them.

The request's data stays in the engine; each property converts what it returns when it is read. A reply is
staged and sent once the handler is done, so the last one given wins; only `stream` and `send` put bytes on
the wire.
"""

import builtins
import http
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from typing import Any, Final, NoReturn, TypeVar, Unpack, overload

import msgspec

from wirespan import _core
from wirespan.cookies import CookieAttributes, expired, format_cookie, parse_cookies
from wirespan.errors import Abort, InvalidRequest, ProtocolError, UsageError, from_core
from wirespan.headers import Headers
from wirespan.middleware import STREAM, WALK
from wirespan.pairs import Pairs
from wirespan.trace import HTTPStats, TraceInfo

T = TypeVar("T")

_BODY: Final = "wirespan.body"
_COOKIES: Final = "wirespan.cookies"
_QUERY: Final = "wirespan.query"
_TAKEN: Final = object()
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TEXT: Final = "text/plain; charset=utf-8"
_FORM: Final = "application/x-www-form-urlencoded"
_encode: Final = msgspec.json.Encoder().encode


class RequestContext(_core.Exchange):
    """One request and its reply.

    Inherited from the engine: `method`, `path`, `raw_path`, `query_string`, `http_version`, `client`,
    `peer`, `scheme`, `server`, `content_length`, `header`, `trailers`, `is_disconnected`, `params`, `status`,
    `set_header`, `add_header`, `remove_header`, `response_header`, `replied` and `started`.

    A tracer's `start` gets it empty: texts are `""`, mappings have no keys, `client` is None.
    """

    __slots__ = ()

    # The request: head.

    @property
    def headers(self) -> Headers:
        """Header fields by name, in any case."""
        return Headers(self)

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies by name. The first of a name wins."""
        cookies: dict[str, str] | None = self.values.get(_COOKIES)
        if cookies is None:
            cookies = self.values[_COOKIES] = parse_cookies(self.header_values("cookie"))
        return cookies

    @property
    def query(self) -> Pairs:
        """The query string, decoded.

        Raises:
            InvalidRequest: More than 1,000 names, or not UTF-8. The client gets a 400.
        """
        query: Pairs | None = self.values.get(_QUERY)
        if query is None:
            query = self.values[_QUERY] = self._parse_pairs("query", self.query_string)
        return query

    # The request: body.

    async def body(self) -> builtins.bytes:
        """The whole body, read once and kept. At most `limit_body_bytes` long.

        Raises:
            LimitExceeded: It is too long, or the client was silent for too long. The client gets 413 or 408.
            ProtocolError: Its framing is broken. The client gets a 400.
            ClientDisconnected: The client is gone.
            UsageError: It was read with `stream()` before.
        """
        body = self.values.get(_BODY)
        if body is None:
            self.values[_BODY] = _TAKEN
            pieces = []
            while piece := await self._read_piece():
                pieces.append(piece)
            body = self.values[_BODY] = b"".join(pieces)
        elif body is _TAKEN:
            raise UsageError("the body was read twice: it was, or is being, read piece by piece")
        return body

    @property
    def content(self) -> builtins.bytes:
        """The body, which was read already: in a `def` handler always, elsewhere after `await ctx.body()`.

        Raises:
            UsageError: It was not read yet.
        """
        body = self.values.get(_BODY)
        if not isinstance(body, bytes):
            raise UsageError("ctx.content before the body was read: use `await ctx.body()`")
        return body

    async def _read_piece(self) -> builtins.bytes:
        try:
            return await self.read()
        except (_core.CoreError, _core.Disconnected) as error:
            raise self._refused(from_core(error)) from error

    async def _read_pieces(self) -> AsyncIterator[builtins.bytes]:
        while piece := await self._read_piece():
            yield piece

    def _refused(self, error: Exception) -> Exception:
        if isinstance(error, ProtocolError) and not self.started:
            self.reply(error.status, _TEXT, str(error).encode())
        return error

    async def _replay(self, body: builtins.bytes) -> AsyncIterator[builtins.bytes]:
        if body:
            yield body

    def _take_pieces(self) -> AsyncIterator[builtins.bytes]:
        body = self.values.get(_BODY)
        if body is _TAKEN:
            raise UsageError("the body was read twice: ctx.stream() was called before")
        if body is not None:
            return self._replay(body)
        self.values[_BODY] = _TAKEN
        return self._read_pieces()

    @overload
    async def read_json(self) -> Any: ...

    @overload
    async def read_json(self, type: builtins.type[T]) -> T: ...

    @overload
    async def read_json(self, type: Any) -> Any: ...

    async def read_json(self, type: Any = Any) -> Any:
        """The body as JSON, validated.

        Args:
            type: What `msgspec.json.decode` takes: a Struct, a dataclass, `list[int]`.

        Raises:
            InvalidRequest: Not JSON, or not of this type. The client gets a 400 that says where.
        """
        await self.body()
        return self.decode_json(type)

    @overload
    def decode_json(self) -> Any: ...

    @overload
    def decode_json(self, type: builtins.type[T]) -> T: ...

    @overload
    def decode_json(self, type: Any) -> Any: ...

    def decode_json(self, type: Any = Any) -> Any:
        """Like `read_json`, of a body that was read already: for `def` handlers."""
        try:
            return msgspec.json.decode(self.content, type=type)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._refused(InvalidRequest(f"JSON body: {error}")) from error

    async def form(self) -> Pairs:
        """The body as an urlencoded form.

        Raises:
            InvalidRequest: Another content type (415), more than 1,000 names, or not UTF-8 (400).
        """
        kind = (self.header("content-type") or "").partition(";")[0].strip().lower()
        if kind != _FORM:
            raise self._refused(InvalidRequest(f"form body: content-type must be {_FORM}", 415))
        # Latin-1 keeps bytes apart that no form should hold; percent-decoding is strict after it.
        return self._parse_pairs("form body", (await self.body()).decode("latin-1"))

    def _parse_pairs(self, what: str, text: str) -> Pairs:
        try:
            return Pairs.parse(text)
        except ValueError as error:
            raise self._refused(InvalidRequest(f"{what}: {error}")) from error

    # The reply. Without `status` it is the one set in `ctx.status`, 200 to begin with.

    def json(self, obj: object, status: int | None = None) -> None:
        """Replies with JSON: anything that msgspec encodes, such as dicts, Structs, dataclasses, dates."""
        self.reply(status, "application/json", _encode(obj))

    def text(self, text: str, status: int | None = None) -> None:
        """Replies with plain text in UTF-8."""
        self.reply(status, _TEXT, text.encode())

    def html(self, html: str, status: int | None = None) -> None:
        """Replies with HTML in UTF-8. Nothing is escaped."""
        self.reply(status, "text/html; charset=utf-8", html.encode())

    def bytes(
        self, body: builtins.bytes, status: int | None = None, content_type: str = "application/octet-stream"
    ) -> None:
        """Replies with bytes."""
        self.reply(status, content_type, body)

    def empty(self, status: int = 204) -> None:
        """Replies without a body."""
        self.reply(status, None, b"")

    def redirect(self, location: str, status: int = 302) -> None:
        """Sends the client elsewhere. Never pass on a location that a client gave without checking its host.

        Raises:
            UsageError: `status` is not 301, 302, 303, 307 or 308, or `location` is not a URL in ASCII.
        """
        if status not in _REDIRECTS:
            raise UsageError(f"{status} does not redirect: use one of {sorted(_REDIRECTS)}")
        if not (location.isascii() and location.isprintable()) or " " in location:
            raise UsageError("a redirect's location must be percent-encoded: see urllib.parse.quote")
        self.set_header("location", location)
        self.reply(status, None, b"")

    @overload
    def stream(self) -> AsyncIterator[builtins.bytes]: ...

    @overload
    def stream(
        self,
        source: AsyncIterable[builtins.bytes | str],
        *,
        status: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> None: ...

    def stream(
        self,
        source: AsyncIterable[builtins.bytes | str] | None = None,
        *,
        status: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> AsyncIterator[builtins.bytes] | None:
        """Without arguments: the request body, piece by piece. With an iterator: the reply, piece by piece.

        The reply is sent once the handler and its middleware are done, as fast as the client takes it.
        `source` is closed (`aclose`) when it ends, fails, or the client is gone. Texts are sent as UTF-8.

        Raises:
            UsageError: The body was read with `stream()` before.
            LimitExceeded, ProtocolError, ClientDisconnected: While iterating over the body, as `body` says.
        """
        if source is None:
            return self._take_pieces()
        if STREAM not in self.values:
            raise UsageError("ctx.stream(...) was reached in a hidden way: pass ctx on as an argument")
        if status is not None:
            self.status = status
        self.set_header("content-type", content_type)
        self.values[STREAM] = (aiter(source), self.replied)
        return None

    def abort(self, status: int, detail: object = None) -> NoReturn:
        """Stops the chain with a reply. Middleware that waits in `ctx.next()` goes on and can change it.

        Args:
            status: 400 to 599, usually.
            detail: A text, or anything else as JSON; the status's phrase by default.

        Raises:
            Abort: Always.
        """
        if STREAM in self.values:
            self.values[STREAM] = None
        if detail is None:
            detail = http.HTTPStatus(status).phrase if status in _STATUSES else str(status)
        if isinstance(detail, str):
            self.text(detail, status)
        else:
            self.json(detail, status)
        raise Abort(status)

    def set_cookie(self, name: str, value: str, **attributes: Unpack[CookieAttributes]) -> None:
        """Adds a cookie to the reply; another of the same name stays as it is.

        Args:
            name: A token.
            value: Printable ASCII without space, quote, comma, semicolon and backslash: encode others first.
            **attributes: See `wirespan.cookies.CookieAttributes`. `path` is "/" by default.

        Raises:
            UsageError: A user agent would drop or cut the cookie.
        """
        self.add_header("set-cookie", format_cookie(name, value, attributes))

    def delete_cookie(self, name: str, **attributes: Unpack[CookieAttributes]) -> None:
        """Has the user agent drop a cookie. `path`, `domain` and flags must be those it was set with."""
        self.set_cookie(name, "", **expired(attributes))

    # The chain and the request's own data.

    def next(self) -> Awaitable[None]:
        """Runs the rest of the chain: `await ctx.next()` in middleware.

        Raises:
            UsageError: When awaited: called twice, after an abort, or in a handler.
        """
        try:
            walk = self.values[WALK]
        except KeyError:
            raise UsageError("ctx.next() in a handler: it is the last link of its chain") from None
        return walk.advance(self)  # type: ignore[no-any-return]

    def get(self, name: str, default: Any = None) -> Any:
        """A value that middleware or the handler `set` for this request."""
        return self.values.get(name, default)

    def set(self, name: str, value: object) -> None:
        """Keeps a value for this request. Names that begin with `wirespan.` are taken."""
        self.values[name] = value

    @property
    def trace_info(self) -> TraceInfo:
        """The trace of this request: `ctx.trace_info.stats`."""
        return TraceInfo(HTTPStats(self.stats), self)


_STATUSES: Final = frozenset(int(status) for status in http.HTTPStatus)


def current() -> RequestContext | None:
    """The request that this code runs for, in native handlers and ASGI apps alike; None outside of one."""
    request = _core.current_exchange.get(None)
    return request if isinstance(request, RequestContext) else None
