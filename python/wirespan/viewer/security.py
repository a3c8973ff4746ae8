"""Who may talk to the viewer: nobody from another site or under a foreign name, elsewhere with a token.

Three doors, in this order (`Guard.refusal` is all of them):

1. *Host* must be a loopback name, or the name that the viewer was told to listen on. A page of an attacker
   whose name resolves to 127.0.0.1 (DNS rebinding) sends its own name and is refused.
2. *Origin* and *Sec-Fetch-Site*, which browsers set and pages cannot: another site, or another port of this
   machine, may link to the page, but neither read the API nor send anything.
3. *The token*, when the viewer listens on more than this machine: as `Authorization: Bearer`, or as the
   cookie that the page gets when it is opened with `?token=`. It binds the answer to who knows it, so the
   name under which the machine is reached does not matter then, and the first door is open.

What is sent is guarded as well (`HEADERS`): the page may load and contact nothing but the viewer.

Source: Fetch Metadata (W3C), RFC 6454 (origin), RFC 6750 (bearer), Content Security Policy Level 3.
"""

import hmac
import ipaddress
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from wirespan.context import RequestContext

COOKIE: Final = "wirespan_token"
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_SAFE: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The three doors.

    Attributes:
        host: what the viewer was told to listen on.
        token: what a client must know; empty where it listens on this machine only.
    """

    host: str = "127.0.0.1"
    token: str = ""

    def refusal(self, ctx: RequestContext) -> Refusal | None:
        """Why this request is not answered; None when it is."""
        host = ctx.header("host") or ""
        if not self.token and not self._is_ours(host):
            return Refusal(
                421, f"this viewer is not {_name_of(host)!r}: open it as localhost, or start it with --host"
            )
        if not _is_same_site(ctx, host):
            return Refusal(403, "another site may not use the viewer")
        if self.token and not self._knows_token(ctx):
            return Refusal(
                401,
                "a token is needed: open the address that `wirespan view` printed, or send it as "
                "'Authorization: Bearer TOKEN'",
            )
        return None

    def _is_ours(self, host: str) -> bool:
        name = _name_of(host)
        return name in {"localhost", self.host.lower()} or is_loopback(name)

    def _knows_token(self, ctx: RequestContext) -> bool:
        scheme, _, given = (ctx.header("authorization") or "").partition(" ")
        return (scheme.lower() == "bearer" and self.fits(given.strip())) or self.fits(
            unquote(ctx.cookies.get(COOKIE, ""))
        )

    def fits(self, given: str) -> bool:
        """Whether this is the token. Takes as long for a wrong one as for the right one."""
        return hmac.compare_digest(given.encode(), self.token.encode())


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name_of(host: str) -> str:
    """The name in a Host field: without port, in lower case, without the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_same_site(ctx: RequestContext, host: str) -> bool:
    origin = ctx.header("origin")
    if origin is not None and origin.lower() not in {f"http://{host.lower()}", f"https://{host.lower()}"}:
        return False
    site = ctx.header("sec-fetch-site")
    if site in {None, "same-origin", "none"}:
        return True
    # A link on another site may open the page. It shows nothing to that site.
    return ctx.method in _SAFE and ctx.header("sec-fetch-mode") == "navigate" and not _is_data(ctx.path)


def _is_data(path: str) -> bool:
    return path.startswith(("/api/", "/v1/"))


def guarding(guard: Guard) -> Callable[[RequestContext], Coroutine[Any, Any, None]]:
    """The middleware that asks the guard first and sends its headers with every reply."""

    async def middleware(ctx: RequestContext) -> None:
        for name, value in HEADERS.items():
            ctx.set_header(name, value)
        if _opens_with_token(ctx, guard):
            return
        refusal = guard.refusal(ctx)
        if refusal is not None:
            if refusal.status == 401:  # noqa: PLR2004 - RFC 9110 section 11.6.1 wants to know how
                ctx.set_header("www-authenticate", 'Bearer realm="wirespan"')
            ctx.abort(refusal.status, {"error": {"message": refusal.message, "parameter": None}})
        await ctx.next()

    return middleware


def _opens_with_token(ctx: RequestContext, guard: Guard) -> bool:
    """The page was opened with `?token=`: it moves to a cookie, so that no copied address holds it."""
    if not guard.token or ctx.method != "GET" or _is_data(ctx.path):
        return False
    if not guard.fits(ctx.query.get("token", "")):
        return False
    rest = urlencode([(name, value) for name in ctx.query if name != "token" for value in _all(ctx, name)])
    ctx.set_cookie(COOKIE, quote(guard.token, safe=""), http_only=True, same_site="strict")
    # A path, never `//host`: the place to go to is on this server.
    path = "/" + quote(ctx.path.lstrip("/"))
    ctx.redirect(f"{path}?{rest}" if rest else path, 303)
    return True


def _all(ctx: RequestContext, name: str) -> list[str]:
    return ctx.query.get_all(name)


def demand_type(ctx: RequestContext, allowed: tuple[str, ...]) -> str:
    """The media type of the body of a change. Forms of other sites cannot declare JSON and the like.

    Raises:
        Abort: 415, when it is none of the allowed ones.
    """
    kind = (ctx.header("content-type") or "").partition(";")[0].strip().lower()
    if kind not in allowed:
        ctx.abort(
            415,
            {"error": {"message": f"content-type must be {' or '.join(allowed)}", "parameter": None}},
        )
    return kind
