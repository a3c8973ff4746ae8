"""Cookies in (lenient) and out (strict)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from wirespan.cookies import CookieAttributes, expired, format_cookie, parse_cookies
from wirespan.errors import UsageError


def test_cookies_of_all_headers_are_read() -> None:
    """HTTP/2 clients split the header; user agents send the more specific cookie first."""
    assert parse_cookies(['a=1; b="two"; a=3', 'c=x=y ;junk; =v;d="']) == {
        "a": "1",
        "b": "two",
        "c": "x=y",
        "d": '"',
    }


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({}, "n=v; Path=/"),
        ({"path": ""}, "n=v"),
        ({"max_age": 60, "http_only": True}, "n=v; Max-Age=60; Path=/; HttpOnly"),
        ({"max_age": timedelta(minutes=2)}, "n=v; Max-Age=120; Path=/"),
        (
            {"expires": datetime(2030, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))},
            "n=v; Expires=Wed, 02 Jan 2030 03:04:05 GMT; Path=/",
        ),
        ({"domain": "example.org", "same_site": "lax"}, "n=v; Path=/; Domain=example.org; SameSite=Lax"),
        (
            {"secure": True, "same_site": "none", "partitioned": True},
            "n=v; Path=/; Secure; SameSite=None; Partitioned",
        ),
    ],
)
def test_attributes_are_written(attributes: CookieAttributes, text: str) -> None:
    """RFC 6265 section 4.1 and its successor's attributes."""
    assert format_cookie("n", "v", attributes) == text


@pytest.mark.parametrize(
    ("name", "value", "attributes", "message"),
    [
        ("a b", "v", {}, "not a token"),
        ("", "v", {}, "not a token"),
        ("n", "a;b", {}, "encode it first"),
        ("n", "a\r\nb", {}, "encode it first"),
        ("n", "é", {}, "encode it first"),
        ("n", "v", {"path": "/;x"}, "Path may not hold"),
        ("n", "v", {"domain": "a\n"}, "Domain may not hold"),
        ("n", "v", {"expires": datetime(2030, 1, 1)}, "needs a time zone"),
        ("n", "v", {"same_site": "Lax"}, "must be 'strict'"),
        ("n", "v", {"same_site": "none"}, "need secure=True"),
        ("n", "v", {"partitioned": True}, "need secure=True"),
        ("__Secure-n", "v", {}, "because of its name"),
        ("__Host-n", "v", {"secure": True, "path": "/a"}, "needs path='/' and no domain"),
        ("__Host-n", "v", {"secure": True, "domain": "a.org"}, "needs path='/' and no domain"),
    ],
)
def test_what_a_user_agent_would_drop_is_refused(
    name: str, value: str, attributes: CookieAttributes, message: str
) -> None:
    """The author sees it at once instead of wondering where the cookie went."""
    with pytest.raises(UsageError, match=message):
        format_cookie(name, value, attributes)


def test_a_deleted_cookie_keeps_its_attributes() -> None:
    """User agents delete only the cookie of the same path and domain."""
    text = format_cookie("__Host-n", "", expired({"secure": True}))
    assert text == "__Host-n=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure"
    assert datetime(1970, 1, 1, tzinfo=UTC) == expired({})["expires"]
