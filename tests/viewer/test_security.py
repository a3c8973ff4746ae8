"""No other site reads or changes anything: DNS rebinding, cross-site requests, wrong tokens."""

import socket
from collections.abc import Iterator

import pytest

from viewer.running import PROTOBUF, Running, running
from viewer.sender import Span, traces
from wirespan.viewer.security import COOKIE, Guard, is_loopback

TOKEN = "correct horse+battery/staple"  # what a URL must encode
DATA = ["/api/requests", "/api/status", "/api/export", "/api/openapi.json", "/api/requests/stream"]


def status(viewer: Running, path: str, method: str = "GET", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with viewer.client.stream(method, path, headers=named) as reply:
        return reply.status_code


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4318", "127.0.0.1.evil.example", "[::2]", "10.0.0.1"]
)
def test_dns_rebinding_is_refused(viewer: Running, host: str) -> None:
    """The attacker's name resolves to 127.0.0.1, so to a browser it is one origin: only the name tells."""
    for path in ("/", *DATA):
        assert status(viewer, path, host=host) == 421
    assert status(viewer, "/v1/traces", "POST", host=host) == 421
    assert status(viewer, "/api/data", "DELETE", host=host, origin=f"http://{host}") == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:4318", "127.0.0.1", "127.9.9.9:1", "[::1]:4318", "[::1]"]
)
def test_names_of_this_machine_are_welcome(viewer: Running, host: str) -> None:
    assert status(viewer, "/api/status", host=host) == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:1", "http://localhost:3000"]
)
def test_other_origins_are_refused(viewer: Running, origin: str) -> None:
    for path in ("/", *DATA):
        assert status(viewer, path, origin=origin) == 403
    for method, path in (("POST", "/api/sql"), ("POST", "/api/import"), ("DELETE", "/api/data")):
        assert status(viewer, path, method, origin=origin, content_type="application/json") == 403
    assert status(viewer, "/v1/traces", "POST", origin=origin) == 403
    assert status(viewer, "/v1/wirespan/inflight", "POST", origin=origin) == 403


def test_our_own_page_may_do_everything(viewer: Running) -> None:
    viewer.send([Span()])
    assert status(viewer, "/api/requests", origin=viewer.url, sec_fetch_site="same-origin") == 200
    assert status(viewer, "/api/data", "DELETE", origin=viewer.url) == 200
    assert viewer.get("/api/requests")["requests"] == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_requests_without_origin_are_known_by_where_they_come_from(viewer: Running, site: str) -> None:
    """Images and scripts send no Origin; a server on another port of this machine is `same-site`."""
    for mode in ("no-cors", "cors", "navigate"):
        assert status(viewer, "/api/requests", sec_fetch_site=site, sec_fetch_mode=mode) == 403
    assert status(viewer, "/", sec_fetch_site=site, sec_fetch_mode="no-cors") == 403
    assert status(viewer, "/", sec_fetch_site=site, sec_fetch_mode="navigate") in {200, 503}
    assert status(viewer, "/", "POST", sec_fetch_site=site, sec_fetch_mode="navigate") == 403


def test_a_refused_change_changes_nothing(viewer: Running) -> None:
    viewer.send([Span()])
    viewer.client.delete("/api/data", headers={"origin": "http://evil.example"})
    body = traces([Span()])
    viewer.client.post("/v1/traces", content=body, headers={**PROTOBUF, "origin": "http://evil.example"})
    assert len(viewer.get("/api/requests")["requests"]) == 1


def test_forms_cannot_change_anything(viewer: Running) -> None:
    """The types that a page of another site can send without asking first."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        for path in ("/api/sql", "/api/import", "/v1/wirespan/inflight", "/v1/traces"):
            assert status(viewer, path, "POST", content_type=kind) == 415


CHANGES = [
    ("POST", "/v1/traces"),
    ("POST", "/v1/metrics"),
    ("POST", "/v1/logs"),
    ("POST", "/v1/wirespan/inflight"),
    ("POST", "/api/sql"),
    ("POST", "/api/import"),
    ("DELETE", "/api/data"),
]
EVIL = {"origin": "http://evil.example", "sec_fetch_site": "cross-site"}


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_page_of_another_site_sends_nothing(viewer: Running, method: str, path: str) -> None:
    """`fetch` without CORS, with it and its preflight, and a form, by browsers of today and older ones."""
    viewer.send([Span()])
    for headers in (
        {**EVIL, "sec_fetch_mode": "no-cors", "content_type": "text/plain"},
        {**EVIL, "sec_fetch_mode": "cors", "content_type": "application/json"},
        {**EVIL, "sec_fetch_mode": "navigate", "content_type": "application/x-www-form-urlencoded"},
        {"origin": "null", "content_type": "application/json"},
        {"sec_fetch_site": "cross-site", "content_type": "application/json"},
    ):
        assert status(viewer, path, method, **headers) == 403
    asked = viewer.client.options(
        path, headers={"origin": "http://evil.example", "access-control-request-method": method}
    )
    assert asked.status_code == 403
    assert not [name for name in asked.headers if name.startswith("access-control")]
    assert viewer.get("/api/status")["spans"] == 1


def test_a_page_of_another_site_reads_nothing(viewer: Running) -> None:
    """An image, a script, an `EventSource`, and a link to a download."""
    for path in DATA:
        for mode in ("no-cors", "cors", "navigate"):
            assert status(viewer, path, sec_fetch_site="cross-site", sec_fetch_mode=mode) == 403
        assert status(viewer, path, accept="text/event-stream", **EVIL) == 403


def test_a_request_without_a_host_is_nobodys(viewer: Running) -> None:
    address = viewer.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=10) as client:
        client.sendall(b"GET /api/status HTTP/1.0\r\n\r\n")
        assert client.recv(64).startswith(b"HTTP/1.1 421 ")


def test_every_reply_is_guarded(viewer: Running) -> None:
    for path in ("/", "/api/status", "/api/nope", "/assets/nope.js"):
        headers = viewer.client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.fixture
def guarded() -> Iterator[Running]:
    with running(token=TOKEN) as run:
        yield run


def test_without_the_token_there_is_nothing(guarded: Running) -> None:
    for path in ("/", *DATA):
        assert status(guarded, path) == 401
        assert status(guarded, path, authorization="Bearer wrong") == 401
        assert status(guarded, path, authorization=f"Basic {TOKEN}") == 401
        assert status(guarded, path, cookie=f"{COOKIE}=wrong") == 401
    assert status(guarded, "/v1/traces", "POST") == 401
    reply = guarded.client.get("/api/status")
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert "wirespan view" in reply.json()["error"]["message"]


def test_with_the_token_other_names_are_welcome(guarded: Running) -> None:
    assert status(guarded, "/api/status", authorization=f"Bearer {TOKEN}", host="server.example") == 200
    assert status(guarded, "/api/status", authorization=f"bearer {TOKEN}") == 200
    assert (
        status(guarded, "/api/status", authorization=f"Bearer {TOKEN}", origin="http://evil.example") == 403
    )


def test_the_page_is_opened_with_the_token_and_keeps_it_as_a_cookie(guarded: Running) -> None:
    query = {"token": TOKEN, "route": "/a b", "service": ["x", "y"]}
    reply = guarded.client.get("/traces/é", params=query, follow_redirects=False)
    assert reply.status_code == 303
    assert reply.headers["location"] == "/traces/%C3%A9?route=%2Fa+b&service=x&service=y"
    cookie = reply.headers["set-cookie"]
    given, *flags = (part.strip() for part in cookie.split(";"))
    assert {flag.lower() for flag in flags} == {"httponly", "samesite=strict", "path=/"}
    assert TOKEN not in reply.headers["location"]
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert status(guarded, "/api/status", cookie=given) == 200
    assert guarded.client.get("/", params={"token": TOKEN}, follow_redirects=False).headers["location"] == "/"


def test_the_token_in_the_address_opens_pages_alone(guarded: Running) -> None:
    assert guarded.client.get("/", params={"token": "wrong"}).status_code == 401
    assert guarded.client.get("/api/status", params={"token": TOKEN}).status_code == 401
    assert guarded.client.post("/", params={"token": TOKEN}).status_code == 401


def test_the_name_that_was_given_is_a_name_of_this_machine() -> None:
    with running(host="viewer.internal") as run:
        assert status(run, "/api/status", host="viewer.internal:4318") == 200
        assert status(run, "/api/status", host="other.internal") == 421


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", True), ("::1", True), ("0.0.0.0", False), ("box", False)]
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_tokens_of_any_characters_are_compared() -> None:
    assert Guard(token="é").fits("é")
    assert not Guard(token="é").fits("e")


def test_who_knows_the_token_is_told_it(guarded: Running) -> None:
    """The page's cookie is hidden from scripts, and the page shows commands with the token in them."""
    assert status(guarded, "/api/token") == 401
    assert status(guarded, "/api/token", authorization="Bearer wrong") == 401
    reply = guarded.client.get("/api/token", headers={"authorization": f"Bearer {TOKEN}"})
    assert reply.json() == {"token": TOKEN}
    assert reply.headers["cache-control"] == "no-store"


def test_without_a_token_there_is_none_to_tell(viewer: Running) -> None:
    assert viewer.get("/api/token") == {"token": ""}
