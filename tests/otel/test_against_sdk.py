"""Field by field: our span of a request, and the official SDK's span of the same request."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from cli.commands import Serving
from harness.client import Client, request
from otel.receiver import Receiver

Pair = tuple[Span, Span]
Ask = Callable[[str, str], Pair]

VARIABLES = {
    "OTEL_SERVICE_NAME": "shop",
    "OTEL_RESOURCE_ATTRIBUTES": "team=blue",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    "OTEL_BSP_SCHEDULE_DELAY": "10",
}
FIELDS = (
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate: us=1,them=2",
    "user-agent: test/1",
)

THEIRS_ALONE = {
    "client.port",  # opt-in by the conventions
}
OURS_ALONE = {
    "network.peer.address",  # recommended by the conventions
    "network.peer.port",
}
OTHERWISE = {
    "server.address",  # theirs is the socket's, with the port in it; the conventions want the Host's name
    "server.port",
}


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Sends a request to the application; gives our span of it and the SDK's."""
    with Receiver() as ours, Receiver() as theirs, pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", theirs.url)
        folder = Path(__file__).parents[1]
        with Serving("otel.compared:app", "--port", "0", "--otlp", ours.url, cwd=folder) as server:

            def ask(method: str, target: str) -> Pair:
                with Client(("127.0.0.1", server.port)) as client:
                    client.send(request(target, *FIELDS, method=method))
                    client.response()
                return only(ours.take()), only(theirs.take())

            yield ask


def only(exported: ExportTraceServiceRequest) -> Span:
    [resource_spans] = exported.resource_spans
    resource = {pair.key: pair.value.string_value for pair in resource_spans.resource.attributes}
    assert (resource["service.name"], resource["team"]) == ("shop", "blue")
    [scope_spans] = resource_spans.scope_spans
    span: Span
    [span] = scope_spans.spans
    return span


def conventional(span: Span) -> Mapping[str, str | int]:
    """The attributes of the conventions, without our own namespace."""
    values = {pair.key: pair.value for pair in span.attributes if not pair.key.startswith("wirespan.")}
    return {key: value.string_value or value.int_value for key, value in values.items()}


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/items/7"),
        ("GET", "/items/7?q=caf%C3%A9&page=2"),
        ("POST", "/items/7"),
        ("GET", "/missing"),
        ("GET", "/nowhere"),
        ("GET", "/items/seven"),
        ("DELETE", "/items/7"),
        ("PURGE", "/items/7"),
    ],
)
def test_the_same_fields(ask: Ask, method: str, target: str) -> None:
    ours, theirs = ask(method, target)
    assert (ours.name, ours.kind) == (theirs.name, theirs.kind)
    assert (ours.trace_id, ours.parent_span_id) == (theirs.trace_id, theirs.parent_span_id)
    assert ours.trace_state == theirs.trace_state
    assert ours.span_id != theirs.span_id
    assert (ours.status, list(ours.events)) == (theirs.status, list(theirs.events))
    mine, other = conventional(ours), conventional(theirs)
    assert mine.keys() - OURS_ALONE == other.keys() - THEIRS_ALONE
    same = mine.keys() - OURS_ALONE - OTHERWISE
    assert {key: mine[key] for key in same} == {key: other[key] for key in same}


def test_ours_is_around_theirs(ask: Ask) -> None:
    """It begins before, in the kernel, and ends after, with the last byte."""
    ours, theirs = ask("GET", "/items/7")
    assert ours.start_time_unix_nano < theirs.start_time_unix_nano
    assert ours.end_time_unix_nano > ours.start_time_unix_nano


def test_an_exception(ask: Ask) -> None:
    """Theirs has no message, and `500` for the type: a middleware of the framework hid it."""
    ours, theirs = ask("GET", "/broken")
    assert (ours.status.code, ours.status.message) == (theirs.status.code, "no such thing")
    mine, other = conventional(ours), conventional(theirs)
    assert (mine["http.response.status_code"], mine["error.type"]) == (500, "LookupError")
    assert other["http.response.status_code"] == 500
    [our_event], [their_event] = ours.events, theirs.events
    assert our_event.name == their_event.name == "exception"
    told = {pair.key: pair.value.string_value for pair in our_event.attributes}
    expected = {pair.key: pair.value.string_value for pair in their_event.attributes}
    for key in ("exception.type", "exception.message"):
        assert told[key] == expected[key]


def test_secrets_in_queries(ask: Ask) -> None:
    """The conventions list them; the SDK's middleware sends them on."""
    ours, theirs = ask("GET", "/items/7?sig=abc")
    assert conventional(ours)["url.query"] == "sig=REDACTED"
    assert conventional(theirs).keys() >= {"url.query"}
