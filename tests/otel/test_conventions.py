"""Every rule that a server span must keep, one row each, over a real socket.

The HTTP conventions (v1.44.0) come first, then the rules of W3C trace context (level 2) that implementations
often break. Tables in the Rust tests have the same rules for odd values that no socket can carry.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from harness import Client
from otel.opt_in import OPT_IN
from wirespan import App, RequestContext
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{PARENT}-01"
ABSENT = object()
"""The attribute is not there."""


def shop() -> App:
    app = App()

    @app.route("/items/{id}", methods=["GET", "POST", "HEAD", "QUERY"])
    async def item(ctx: RequestContext) -> None:
        ctx.text("shoes")

    @app.get("/status/{code:int}")
    async def status(ctx: RequestContext) -> None:
        ctx.text("as asked", status=ctx.params["code"])

    @app.get("/broken")
    async def broken(ctx: RequestContext) -> None:
        raise LookupError("no such thing")

    return app


def span_of(sent: bytes, **options: Any) -> dict[str, Any]:
    """The span of one request, sent as these bytes."""
    spans, done = OpenTelemetry(**({"exporter": "memory"} | options)), RecordingTracer()
    with TestClient(shop(), tracers=[spans, done]) as server, Client(server.addr) as client:
        client.send(sent)
        client.read_all()
        done.wait()
    [span] = spans.finished_spans()
    return span


def request(line: str, *fields: str) -> bytes:
    fixed = ["Host: shop.example:8080", "Connection: close"]
    return "\r\n".join([f"{line} HTTP/1.1", *fixed, *fields, "", ""]).encode("latin-1")


@dataclass
class Rule:
    """What a request must make of its span: facts by name, attributes by key."""

    text: str
    sent: bytes
    facts: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


PLAIN = request("GET /items/7?q=1", "User-Agent: curl/8")
RULES = [
    Rule("kind SERVER, name {method} {route}", PLAIN, {"kind": "server", "name": "GET /items/{id}"}),
    Rule("without a route the method alone, never the path", request("GET /none"), {"name": "GET"}),
    Rule("HTTP where the method is _OTHER", request("BREW /none"), {"name": "HTTP"}),
    Rule(
        "http.request.method, url.path, url.scheme are required",
        PLAIN,
        attributes={
            "http.request.method": "GET",
            "url.path": "/items/7",
            "url.scheme": "http",
        },
    ),
    Rule(
        "http.request.method_original only where it differs",
        PLAIN,
        attributes={
            "http.request.method_original": ABSENT,
        },
    ),
    Rule(
        "unknown methods are _OTHER with the original",
        request("BREW /none"),
        attributes={
            "http.request.method": "_OTHER",
            "http.request.method_original": "BREW",
        },
    ),
    Rule(
        "methods are case-sensitive",
        request("get /none"),
        attributes={
            "http.request.method": "_OTHER",
            "http.request.method_original": "get",
        },
    ),
    Rule("PATCH is known", request("PATCH /none"), attributes={"http.request.method": "PATCH"}),
    Rule("QUERY is known", request("QUERY /items/7"), attributes={"http.request.method": "QUERY"}),
    Rule(
        "the list of known methods is replaced as a whole",
        request("GET /items/7"),
        {"name": "HTTP /items/{id}"},
        {"http.request.method": "_OTHER"},
        variables={"OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS": "BREW,POST"},
    ),
    Rule("http.route if there is one", PLAIN, attributes={"http.route": "/items/{id}"}),
    Rule("no http.route if there is none", request("GET /none"), attributes={"http.route": ABSENT}),
    Rule("http.response.status_code as sent", PLAIN, attributes={"http.response.status_code": 200}),
    Rule("url.query only if there is one", request("GET /items/7"), attributes={"url.query": ABSENT}),
    Rule("url.query without the question mark", PLAIN, attributes={"url.query": "q=1"}),
    *(
        Rule(
            f"{key} in a query is a secret",
            request(f"GET /items/7?a=1&{key}=s3cret"),
            attributes={
                "url.query": f"a=1&{key}=REDACTED",
            },
        )
        for key in (
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "AWSAccessKeyId",
            "Signature",
            "sig",
            "X-Goog-Signature",
        )
    ),
    Rule(
        "network.protocol.name only if it is not http",
        PLAIN,
        attributes={
            "network.protocol.name": ABSENT,
            "network.protocol.version": "1.1",
        },
    ),
    Rule(
        "HTTP/1.0 is said",
        b"GET /items/7 HTTP/1.0\r\nHost: shop.example\r\n\r\n",
        attributes={
            "network.protocol.version": "1.0",
        },
    ),
    Rule(
        "server.address and server.port from Host",
        PLAIN,
        attributes={
            "server.address": "shop.example",
            "server.port": 8080,
        },
    ),
    Rule(
        "server.port is the scheme's where Host has none",
        b"GET /items/7 HTTP/1.1\r\nHost: Shop.Example\r\nConnection: close\r\n\r\n",
        attributes={"server.address": "shop.example", "server.port": 80},
    ),
    Rule("user_agent.original", PLAIN, attributes={"user_agent.original": "curl/8"}),
    Rule(
        "client.address and network.peer.address",
        PLAIN,
        attributes={
            "client.address": "127.0.0.1",
            "network.peer.address": "127.0.0.1",
        },
    ),
    Rule(
        "client.address, url.scheme and server.address prefer what a trusted proxy says",
        request(
            "GET /items/7",
            "X-Forwarded-For: 203.0.113.5",
            "X-Forwarded-Proto: https",
            "X-Forwarded-Host: shop.public",
        ),
        attributes={
            "client.address": "203.0.113.5",
            "url.scheme": "https",
            "server.address": "shop.public",
            "server.port": 443,
            "network.peer.address": "127.0.0.1",
        },
    ),
    Rule(
        "what is opt-in is not there",
        PLAIN,
        attributes=dict.fromkeys(OPT_IN, ABSENT),
    ),
    Rule(
        "opt-in attributes by name",
        request("POST /items/7", "Content-Length: 3", "User-Agent: Googlebot/2.1") + b"abc",
        attributes={
            "network.transport": "tcp",
            "network.local.address": "127.0.0.1",
            "http.request.body.size": 3,
            "http.response.body.size": 5,
            "http.request.size": len(
                request("POST /items/7", "Content-Length: 3", "User-Agent: Googlebot/2.1") + b"abc"
            ),
            "user_agent.synthetic.type": "bot",
        },
        options={
            "attributes": [
                "network.transport",
                "network.local.address",
                "http.request.body.size",
                "http.response.body.size",
                "http.request.size",
                "user_agent.synthetic.type",
            ]
        },
    ),
    Rule(
        "headers only by list",
        request("GET /items/7", "X-Tag: a"),
        attributes={
            "http.request.header.x-tag": ABSENT,
            "http.response.header.content-type": ABSENT,
        },
    ),
    Rule(
        "captured headers are lists under lower-case names",
        request("GET /items/7", "X-Tag: a", "x-tag: b"),
        attributes={
            "http.request.header.x-tag": ["a", "b"],
            "http.response.header.content-type": ["text/plain; charset=utf-8"],
        },
        options={"request_headers": ["X-Tag"], "response_headers": ["Content-Type"]},
    ),
    *(
        Rule(
            f"{code} is no error of a server",
            request(f"GET /status/{code}"),
            {"status": "unset"},
            {
                "error.type": ABSENT,
                "http.response.status_code": code,
            },
        )
        for code in (200, 400, 404, 429)
    ),
    *(
        Rule(
            f"{code} is an error",
            request(f"GET /status/{code}"),
            {"status": "error"},
            {
                "error.type": str(code),
                "http.response.status_code": code,
            },
        )
        for code in (500, 503)
    ),
    Rule(
        "an exception is an error of its type, with the code that was sent",
        request("GET /broken"),
        {
            "status": "error",
            "status_description": "no such thing",
        },
        {"error.type": "LookupError", "http.response.status_code": 500},
    ),
    Rule(
        "a request that nobody could parse is a span too",
        b"GET / HTTP/1.1\r\nbroken\r\n\r\n",
        {
            "name": "HTTP",
            "status": "unset",
        },
        {"http.request.method": "_OTHER", "http.response.status_code": 400},
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.text)
def test_the_http_conventions(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in rule.variables.items():
        monkeypatch.setenv(name, value)
    span = span_of(rule.sent, **rule.options)
    assert {name: span[name] for name in rule.facts} == rule.facts
    found = {key: span["attributes"].get(key, ABSENT) for key in rule.attributes}
    assert found == rule.attributes


def test_a_client_that_leaves_keeps_the_status_that_was_sent() -> None:
    """The conventions' own example: the status stays, the error says why."""
    app, spans, done = App(), OpenTelemetry(exporter="memory"), RecordingTracer()

    @app.get("/")
    async def endless(ctx: RequestContext) -> None:
        async def pieces() -> Any:
            while True:
                yield b"x" * 65_536

        ctx.stream(pieces(), status=201)

    with TestClient(app, tracers=[spans, done]) as server, Client(server.addr) as client:
        client.send(request("GET /"))
        client.read(1_000)
        client.reset()
        done.wait()
    [span] = spans.finished_spans()
    assert (span["status"], span["attributes"]["http.response.status_code"]) == ("error", 201)
    assert span["attributes"]["error.type"] == "client_disconnected"


NEW = "a trace of its own"
MANY = ",".join(f"k{number}=v" for number in range(33))
LONG = ",".join(f"k{number}={'v' * 96}" for number in range(5))
FIELDS = "traceparent: "


@pytest.mark.parametrize(
    ("text", "fields", "parent", "state"),
    [
        ("a good one is continued", [FIELDS + CALLER], PARENT, ""),
        ("version ff is invalid", [f"{FIELDS}ff-{TRACE}-{PARENT}-01"], NEW, ""),
        ("version 00 has exactly 55 characters", [f"{FIELDS}{CALLER}-more"], NEW, ""),
        ("version 00 is not shorter", [f"{FIELDS}00-{TRACE}-{PARENT}-1"], NEW, ""),
        ("a higher version may be longer", [f"{FIELDS}cc-{TRACE}-{PARENT}-01-what.the.future"], PARENT, ""),
        ("a higher version's rest begins with a dash", [f"{FIELDS}cc-{TRACE}-{PARENT}-01.what"], NEW, ""),
        ("hex is lower case", [f"{FIELDS}00-{TRACE.upper()}-{PARENT}-01"], NEW, ""),
        ("ids of digits alone are fine", [f"{FIELDS}00-{'1' * 32}-{'2' * 16}-01"], "2" * 16, ""),
        ("an all-zero trace id is invalid", [f"{FIELDS}00-{'0' * 32}-{PARENT}-01"], NEW, ""),
        ("an all-zero parent id is invalid", [f"{FIELDS}00-{TRACE}-{'0' * 16}-01"], NEW, ""),
        ("unknown flags do not hurt", [f"{FIELDS}00-{TRACE}-{PARENT}-ff"], PARENT, ""),
        ("a bad traceparent spoils tracestate", [f"{FIELDS}00-bad", "tracestate: a=1"], NEW, ""),
        ("a bad tracestate does not spoil traceparent", [FIELDS + CALLER, "tracestate: a=1,=,"], PARENT, ""),
        ("tracestate alone is discarded", ["tracestate: a=1"], NEW, ""),
        ("two traceparents make a new trace", [FIELDS + CALLER, FIELDS + CALLER], NEW, ""),
        (
            "several tracestates are joined in order",
            [FIELDS + CALLER, "tracestate: a=1,b=2", "tracestate: c=3"],
            PARENT,
            "a=1,b=2,c=3",
        ),
        ("more than 32 members are dropped", [FIELDS + CALLER, f"tracestate: {MANY}"], PARENT, ""),
        ("spaces and tabs around are fine", [f"traceparent: \t {CALLER} \t"], PARENT, ""),
        ("names are case-insensitive", [f"TraceParent: {CALLER}", "TRACESTATE: a=1"], PARENT, "a=1"),
        ("empty members are allowed", [FIELDS + CALLER, "tracestate: a=1,, ,b=2"], PARENT, "a=1,b=2"),
        (
            "512 characters are carried",
            [FIELDS + CALLER, f"tracestate: {LONG}"],
            PARENT,
            LONG,
        ),
    ],
)
def test_trace_context(text: str, fields: list[str], parent: str, state: str) -> None:
    span = span_of(request("GET /items/7", *fields))
    if parent == NEW:
        assert span["parent_span_id"] is None, text
        assert span["trace_id"] not in (TRACE, "0" * 32)
        assert span["flags"] & 0x03 == 0x03, "ids of our own are random, and say so"
    else:
        assert span["parent_span_id"] == parent, text
    assert span["trace_state"] == state, text


def test_flags_that_nobody_knows_are_not_sent_on() -> None:
    assert span_of(request("GET /items/7", f"traceparent: 00-{TRACE}-{PARENT}-ff"))["flags"] & 0xFF == 0x03
    assert span_of(request("GET /items/7", f"traceparent: 00-{TRACE}-{PARENT}-fd"))["flags"] & 0xFF == 0x01


def test_our_own_entry_of_tracestate_moves_left() -> None:
    span = span_of(
        request("GET /items/7", f"traceparent: {CALLER}", "tracestate: a=1,ot=rv:ffffffffffffff;th:0,b=2"),
        keep_ratio=0.5,
        keep_errors=False,
    )
    assert span["trace_state"] == "ot=th:8;rv:ffffffffffffff,a=1,b=2"


def test_sampled_is_a_hint_where_the_caller_is_a_stranger() -> None:
    span = span_of(request("GET /items/7", f"traceparent: {CALLER}"), trust="never")
    assert span["trace_id"] != TRACE
    assert [link["trace_id"] for link in span["links"]] == [TRACE]
