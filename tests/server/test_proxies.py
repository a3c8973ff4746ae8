"""Whom a request came from, behind proxies: `trusted_proxies` and `proxy_headers`."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from harness import Client
from wirespan import App, RequestContext
from wirespan.config import Config
from wirespan.serving import serving
from wirespan.testing import TestClient
from wirespan.tracers import AccessLog, OpenTelemetry

DIRECT = ("127.0.0.1", None)


def native(seen: list[Any]) -> App:
    app = App()

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        assert ctx.client is not None
        seen.append((ctx.client, ctx.scheme))

    return app


def asgi(seen: list[Any]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["client"] and tuple(scope["client"]), scope["scheme"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


@pytest.mark.parametrize("make", [native, asgi])
@pytest.mark.parametrize(
    ("options", "headers", "client", "scheme"),
    [
        ({}, {}, DIRECT, "http"),
        (
            {},
            {"x-forwarded-for": "203.0.113.5", "x-forwarded-proto": "https"},
            ("203.0.113.5", 0),
            "https",
        ),
        ({}, {"x-forwarded-for": "203.0.113.5:99"}, ("203.0.113.5", 99), "http"),
        ({}, {"x-forwarded-for": "[2001:db8::1]:4711"}, ("2001:db8::1", 4711), "http"),
        ({}, {"x-forwarded-for": "6.6.6.6, 203.0.113.5, 127.0.0.1"}, ("203.0.113.5", 0), "http"),
        ({}, {"x-forwarded-for": "6.6.6.6, 127.0.0.1, 203.0.113.5"}, ("203.0.113.5", 0), "http"),
        ({}, {"x-forwarded-for": "6.6.6.6, nonsense"}, DIRECT, "http"),
        ({}, {"x-forwarded-for": "<script>"}, DIRECT, "http"),
        ({}, {"x-forwarded-for": ""}, DIRECT, "http"),
        ({}, {"x-forwarded-for": ", ,"}, DIRECT, "http"),
        ({}, {"x-forwarded-proto": "https"}, DIRECT, "https"),
        ({}, {"x-forwarded-proto": "HTTPS"}, DIRECT, "https"),
        ({}, {"x-forwarded-proto": "javascript"}, DIRECT, "http"),
        ({}, {"forwarded": "for=203.0.113.5;proto=https"}, DIRECT, "http"),
        (
            {"proxy_headers": "forwarded"},
            {"forwarded": 'for="203.0.113.5:7";proto=https', "x-forwarded-for": "6.6.6.6"},
            ("203.0.113.5", 7),
            "https",
        ),
        ({"trusted_proxies": ""}, {"x-forwarded-for": "203.0.113.5"}, DIRECT, "http"),
        ({"trusted_proxies": "10.0.0.0/8"}, {"x-forwarded-proto": "https"}, DIRECT, "http"),
        ({"trusted_proxies": "10.0.0.0/8, 127.0.0.1"}, {"x-forwarded-proto": "https"}, DIRECT, "https"),
    ],
)
def test_clients_behind_proxies(
    make: Any, options: dict[str, Any], headers: dict[str, str], client: tuple[str, Any], scheme: str
) -> None:
    seen: list[Any] = []
    with TestClient(make(seen), **options) as http:
        http.get("/", headers=headers)
    [(found, found_scheme)] = seen
    assert (found[0], found_scheme) == (client[0], scheme)
    assert found[1] == client[1] or (client == DIRECT and found[1] > 0)


@pytest.mark.parametrize(("trusted", "client"), [("127.0.0.1", ("203.0.113.5", 0)), ("", None)])
def test_unix_sockets_are_proxies_where_any_are(trusted: str, client: Any, tmp_path: Path) -> None:
    seen: list[Any] = []
    path = str(tmp_path / "s")
    config = Config(uds=path, access_log="off", trusted_proxies=trusted)
    with serving(asgi(seen), config), Client(path) as http:
        http.get("/", "X-Forwarded-For: 203.0.113.5")
    assert [found for found, _ in seen] == [client]


def test_every_request_of_a_connection_has_a_client_of_its_own() -> None:
    seen: list[Any] = []
    with TestClient(asgi(seen)) as http:
        for last in (1, 2):
            http.get("/", headers={"x-forwarded-for": f"203.0.113.{last}"})
        http.get("/")
    assert [client[0] for client, _ in seen] == ["203.0.113.1", "203.0.113.2", "127.0.0.1"]


def test_logs_and_spans_tell_the_client_and_the_proxy(tmp_path: Path) -> None:
    log, spans = AccessLog(path=str(tmp_path / "log")), OpenTelemetry(exporter="memory")
    with TestClient(native([]), tracers=[log, spans]) as http:
        http.get("/", headers={"x-forwarded-for": "2001:db8::1", "x-forwarded-proto": "https"})
    [span] = spans.finished_spans()
    expected = {"client.address": "2001:db8::1", "url.scheme": "https", "network.peer.address": "127.0.0.1"}
    assert span["attributes"] | expected == span["attributes"]
    assert log.flush()
    assert json.loads((tmp_path / "log").read_text())["client"] == "2001:db8::1"


def test_a_request_that_was_never_complete_has_its_connections_client() -> None:
    spans = OpenTelemetry(exporter="memory")
    with TestClient(native([]), tracers=[spans]) as http, socket.create_connection(http.addr) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nX-Forwarded-For: 203.0.113.5\r\nbroken\r\n\r\n")
        raw.recv(1000)
    [span] = spans.finished_spans()
    assert span["attributes"]["client.address"] == "127.0.0.1"
