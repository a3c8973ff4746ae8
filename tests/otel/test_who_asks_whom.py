"""Hosts, proxies and targets of every form: what the span says of both ends, natively and through the SDK."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from harness import Client
from wirespan import App, RequestContext
from wirespan.opentelemetry import SdkTracer
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry

ASKED = (
    "http.request.method",
    "http.request.method_original",
    "http.route",
    "http.response.status_code",
    "url.scheme",
    "url.path",
    "url.query",
    "server.address",
    "server.port",
    "client.address",
    "network.peer.address",
    "network.peer.port",
    "network.protocol.version",
    "user_agent.original",
    "error.type",
)
UNTOLD = "127.0.0.1"
"""What a client on this machine is, and what it is connected to, where nobody says otherwise."""
OWN_PORT = object()
FORWARDED = {"proxy_headers": "forwarded"}


def both(sent: bytes, **options: Any) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The conventions' attributes of one request: native, and the SDK's; and the server's port."""
    app = App()

    @app.route("/items/{id}", methods=["GET", "HEAD"])
    async def item(ctx: RequestContext) -> None:
        ctx.text("shoes")

    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans, done = OpenTelemetry(exporter="memory"), RecordingTracer()
    with TestClient(app, tracers=[spans, done, SdkTracer(provider)], **options) as server:
        with Client(server.addr) as client:
            client.send(sent)
            client.read_all()
            done.wait()
        port = int(server.addr[1])
    [native], [other] = spans.finished_spans(), exporter.get_finished_spans()
    assert native["name"] == other.name
    given = other.attributes or {}
    return (
        {name: native["attributes"][name] for name in ASKED if name in native["attributes"]},
        {name: given[name] for name in ASKED if name in given},
        port,
    )


def request(line: str = "GET /items/7", *fields: str, host: str | None = "shop.example:8080") -> bytes:
    given = [] if host is None else [f"Host: {host}"]
    return "\r\n".join([f"{line} HTTP/1.1", *given, "Connection: close", *fields, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    ("sent", "options", "expected"),
    [
        pytest.param(request(), {}, {"server.address": "shop.example", "server.port": 8080}, id="host"),
        pytest.param(request(host="Shop.Example"), {}, {"server.address": "shop.example"}, id="case"),
        pytest.param(request(host="shop"), {}, {"server.address": "shop", "server.port": 80}, id="no port"),
        pytest.param(
            request(host="shop:"), {}, {"server.address": "shop", "server.port": 80}, id="empty port"
        ),
        pytest.param(
            request(host=""), {}, {"server.address": UNTOLD, "server.port": OWN_PORT}, id="empty host"
        ),
        pytest.param(
            request(host="[2001:DB8::1]:81"),
            {},
            {"server.address": "2001:db8::1", "server.port": 81},
            id="IPv6",
        ),
        pytest.param(
            request(host="[::1]"), {}, {"server.address": "::1", "server.port": 80}, id="IPv6, no port"
        ),
        pytest.param(
            b"GET /items/7 HTTP/1.0\r\n\r\n",
            {},
            {"server.address": UNTOLD, "server.port": OWN_PORT, "network.protocol.version": "1.0"},
            id="HTTP/1.0 without a host",
        ),
        pytest.param(
            request("GET http://other.example:81/items/7?sig=s&a=1", host="shop"),
            {},
            {
                "server.address": "other.example",
                "server.port": 81,
                "url.path": "/items/7",
                "url.query": "sig=REDACTED&a=1",
                "http.route": "/items/{id}",
            },
            id="absolute form",
        ),
        pytest.param(request("OPTIONS *"), {}, {"url.path": "*", "http.route": None}, id="asterisk form"),
        pytest.param(
            request("GET /items/a%2Fb%20c"),
            {},
            {"url.path": "/items/a%2Fb%20c", "http.route": "/items/{id}"},
            id="percent-encoded",
        ),
        pytest.param(request("GET /items/7?a=?&b"), {}, {"url.query": "a=?&b"}, id="second question mark"),
        pytest.param(request("GET /items/7?"), {}, {"url.query": None}, id="empty query"),
        pytest.param(
            request("DELETE /items/7"),
            {},
            {"http.response.status_code": 405, "error.type": None, "http.route": None},
            id="method without a route",
        ),
        pytest.param(
            request("head /items/7"),
            {},
            {"http.request.method": "_OTHER", "http.request.method_original": "head"},
            id="case of methods",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            {},
            {
                "http.request.method": "_OTHER",
                "url.scheme": "http",
                "client.address": UNTOLD,
                "http.response.status_code": 400,
                "user_agent.original": None,
            },
            id="not HTTP",
        ),
        pytest.param(
            request("GET /items/7", "X-Forwarded-For: 6.6.6.6, 203.0.113.5", "X-Forwarded-Proto: https"),
            {},
            {
                "client.address": "203.0.113.5",
                "network.peer.address": UNTOLD,
                "url.scheme": "https",
                "server.port": 8080,
            },
            id="a client's own X-Forwarded-For",
        ),
        pytest.param(
            request("GET /items/7", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.public"),
            {},
            {"server.address": "shop.public", "server.port": 443, "client.address": UNTOLD},
            id="X-Forwarded-Host",
        ),
        pytest.param(
            request("GET /items/7", "X-Forwarded-For: 203.0.113.5", "X-Forwarded-Host: evil"),
            {"trusted_proxies": "10.0.0.0/8"},
            {"client.address": UNTOLD, "server.address": "shop.example", "url.scheme": "http"},
            id="a stranger's X-Forwarded",
        ),
        pytest.param(
            request("GET /items/7", 'Forwarded: for="[2001:db8::7]:99";proto=https;host="pub.example:444"'),
            FORWARDED,
            {
                "client.address": "2001:db8::7",
                "url.scheme": "https",
                "server.address": "pub.example",
                "server.port": 444,
            },
            id="Forwarded",
        ),
        pytest.param(
            request("GET /items/7", "Forwarded: for=unknown;proto=https"),
            FORWARDED,
            {"client.address": UNTOLD, "url.scheme": "https", "server.address": "shop.example"},
            id="Forwarded, hidden client",
        ),
        pytest.param(
            request("GET /items/7", "Forwarded: for=203.0.113.5"),
            {},
            {"client.address": UNTOLD},
            id="Forwarded, which these proxies do not write",
        ),
    ],
)
def test_both_ends(sent: bytes, options: dict[str, Any], expected: dict[str, Any]) -> None:
    native, other, port = both(sent, **options)
    wanted = {name: port if value is OWN_PORT else value for name, value in expected.items()}
    assert {name: native.get(name) for name in wanted} == wanted
    assert other == native
