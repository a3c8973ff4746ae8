"""Cookies in and out (RFC 6265, with SameSite and Partitioned of its successor drafts).

In: lenient as user agents are, and bounded by the size of the head. Out: strict. What a user agent would drop
or cut is refused here, where its author sees it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final, Literal, TypedDict

from wirespan.errors import UsageError

_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_ATTRIBUTE: Final = re.compile(r"[\x20-\x3a\x3c-\x7e]*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CookieAttributes(TypedDict, total=False):
    """Attributes of a cookie; what is left out is as a user agent assumes, but for `path`."""

    max_age: int | timedelta  # seconds; 0 or less deletes the cookie
    expires: datetime  # with a time zone
    path: str  # default: "/"
    domain: str
    secure: bool
    http_only: bool
    same_site: Literal["strict", "lax", "none"]
    partitioned: bool


def parse_cookies(headers: Iterable[str]) -> dict[str, str]:
    """Cookies of all `Cookie` headers. The first of a name wins: it has the longest path."""
    cookies: dict[str, str] = {}
    for pair in (pair for header in headers for pair in header.split(";")):
        name, equals, value = pair.partition("=")
        name, value = name.strip(" \t"), value.strip(" \t")
        if equals and name:
            quoted = len(value) > 1 and value[0] == value[-1] == '"'
            cookies.setdefault(name, value[1:-1] if quoted else value)
    return cookies


def format_cookie(name: str, value: str, attributes: CookieAttributes) -> str:
    """One `Set-Cookie` value.

    Raises:
        UsageError: The name is no token, the value holds a character that cookies cannot (encode it first),
        or
            the attributes contradict each other and user agents would drop the cookie.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"cookie name {name!r} is not a token (RFC 6265 section 4.1.1)")
    if not _VALUE.fullmatch(value):
        raise UsageError(
            f"the value of cookie {name!r} holds a character that cookies cannot: encode it first"
        )
    _check_prefix(name, attributes)
    parts = [f"{name}={value}", *_texts(attributes), *_flags(attributes)]
    return "; ".join(parts)


def expired(attributes: CookieAttributes) -> CookieAttributes:
    """The same attributes for a cookie that the user agent shall delete."""
    return {**attributes, "max_age": 0, "expires": _EPOCH}


def _texts(attributes: CookieAttributes) -> Iterable[str]:
    if "max_age" in attributes:
        age = attributes["max_age"]
        yield f"Max-Age={int(age.total_seconds() if isinstance(age, timedelta) else age)}"
    if "expires" in attributes:
        if attributes["expires"].tzinfo is None:
            raise UsageError("expires needs a time zone, for example datetime.now(UTC) + timedelta(days=1)")
        yield f"Expires={format_datetime(attributes['expires'].astimezone(UTC), usegmt=True)}"
    for key, text in (("Path", attributes.get("path", "/")), ("Domain", attributes.get("domain", ""))):
        if not _ATTRIBUTE.fullmatch(text):
            raise UsageError(f"cookie attribute {key} may not hold ';' or control characters")
        if text:
            yield f"{key}={text}"


def _flags(attributes: CookieAttributes) -> Iterable[str]:
    same_site = attributes.get("same_site")
    if same_site not in (None, "strict", "lax", "none"):
        raise UsageError(f"same_site must be 'strict', 'lax' or 'none', not {same_site!r}")
    if not attributes.get("secure") and (same_site == "none" or attributes.get("partitioned")):
        raise UsageError(
            "same_site='none' and partitioned need secure=True: user agents drop the cookie otherwise"
        )
    if attributes.get("secure"):
        yield "Secure"
    if attributes.get("http_only"):
        yield "HttpOnly"
    if same_site:
        yield f"SameSite={same_site.capitalize()}"
    if attributes.get("partitioned"):
        yield "Partitioned"


def _check_prefix(name: str, attributes: CookieAttributes) -> None:
    """User agents drop a cookie that does not keep what its name promises (RFC 6265bis section 4.1.3)."""
    lower = name.lower()
    if lower.startswith(("__secure-", "__host-")) and not attributes.get("secure"):
        raise UsageError(f"cookie {name!r} needs secure=True because of its name")
    elsewhere = attributes.get("path", "/") != "/" or "domain" in attributes
    if lower.startswith("__host-") and elsewhere:
        raise UsageError(f"cookie {name!r} needs path='/' and no domain because of its name")
