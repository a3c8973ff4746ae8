"""Spans over real HTTP to a receiver that reads them with OpenTelemetry's own classes."""

import json
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import get_current_span

from otel.receiver import Receiver
from wirespan import App, RequestContext
from wirespan.opentelemetry import TracerProvider, status
from wirespan.testing import RecordingTracer, TestClient
from wirespan.tracers import OpenTelemetry


def send_one(*spans: OpenTelemetry, **options: Any) -> None:
    app = App()

    @app.get("/items/{id}")
    async def item(ctx: RequestContext) -> None:
        ctx.text("one")

    done = RecordingTracer()
    with TestClient(app, tracers=[done, *spans], **options) as client:
        client.get("/items/7", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
        done.wait()


def test_a_span_arrives_as_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-the-environment")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=caf%C3%A9,service.version=2")
    with Receiver() as receiver:
        spans = OpenTelemetry(
            service_name="shop",
            resource={"deployment.environment.name": "test", "service.version": "3"},
            endpoint=receiver.url,
            headers={"api-key": "secret"},
        )
        send_one(spans)
        assert spans.flush(10)
        status = spans.status()
        assert spans.close(10)
    assert receiver.paths == ["/v1/traces"]
    assert receiver.headers[0]["api-key"] == "secret"
    assert receiver.headers[0]["content-type"] == "application/x-protobuf"
    [request] = receiver.requests
    [resource_spans] = request.resource_spans
    resource = {pair.key: pair.value.string_value for pair in resource_spans.resource.attributes}
    expected = {
        "service.name": "shop",
        "service.version": "3",
        "team": "café",
        "deployment.environment.name": "test",
        "telemetry.sdk.name": "wirespan",
        "telemetry.sdk.language": "python",
        "process.executable.path": sys.executable,
        "host.name": socket.gethostname(),
    }
    assert resource | expected == resource
    pids = [pair.value.int_value for pair in resource_spans.resource.attributes if pair.key == "process.pid"]
    assert pids == [os.getpid()]
    [scope_spans] = resource_spans.scope_spans
    assert scope_spans.scope.name == "wirespan"
    [span] = scope_spans.spans
    assert (span.name, span.kind) == ("GET /items/{id}", span.SPAN_KIND_SERVER)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == ("a" * 32, "b" * 16)
    assert span.end_time_unix_nano > span.start_time_unix_nano
    assert "wirespan.state.queue_ns" in {pair.key for pair in span.attributes}
    assert (status["exported"], status["receiver"], status["last_error"]) == (1, "up", None)


def test_the_variables_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=from%20env")
        spans = OpenTelemetry(protocol="http/protobuf")
        send_one(spans)
        assert spans.close(10)
    assert receiver.headers[0]["api-key"] == "from env"


def test_the_servers_option_exports_and_closes() -> None:
    """Nothing but the option: the span has arrived when the server is down."""
    with Receiver() as receiver:
        send_one(otlp=f"{receiver.url}/v1/traces")
    assert len(receiver.requests) == 1


def test_the_option_may_leave_the_receiver_to_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is in clusters where an operator sets them for every container."""
    with Receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        send_one(otlp="env")
    assert receiver.paths == ["/v1/traces"]


@pytest.mark.parametrize(
    ("trust", "is_trusted"),
    [
        ("always", True),
        ("never", False),
        ("10.0.0.0/8, 127.0.0.0/8", True),
        ("10.0.0.0/8", False),
        ("", False),
    ],
)
def test_the_option_says_whose_traces_go_on(trust: str, is_trusted: bool) -> None:
    with Receiver() as receiver:
        send_one(otlp=receiver.url, trust=trust)
    [span] = receiver.requests[0].resource_spans[0].scope_spans[0].spans
    assert (span.trace_id.hex() == "a" * 32) == is_trusted
    assert [link.trace_id.hex() for link in span.links] == ([] if is_trusted else ["a" * 32])


def test_a_spool_keeps_spans_until_the_receiver_is_there(
    away: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "wirespan"):
        spans = OpenTelemetry(endpoint=away, spool_dir=tmp_path)
        send_one(spans)
        assert spans.close(10)
    assert spans.status()["receiver"] == "down"
    assert caplog.records, "the log says that the receiver is down"
    with Receiver() as receiver:
        again = OpenTelemetry(endpoint=receiver.url, spool_dir=tmp_path)
        with TestClient(App(), tracers=[again]):
            pass
        assert again.flush(10)
        again.close(10)
    assert [len(request.resource_spans) for request in receiver.requests] == [1]


def test_several_exporters_get_the_same_spans(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a handler adds to the request's span is handed over once, and for all of them."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console, memory,otlp,console")
    app = App()
    with Receiver() as receiver:
        otel = OpenTelemetry(endpoint=receiver.url, metrics=False)
        tracer = TracerProvider(otel).get_tracer("shop")

        @app.get("/items/{id}")
        async def item(ctx: RequestContext) -> None:
            get_current_span().set_attribute("item", 7)
            with tracer.start_as_current_span("look"):
                ctx.text("one")

        with TestClient(app, tracers=[otel]) as client:
            client.get("/items/7")
        assert otel.flush(10)
        kept = otel.finished_spans()
        assert otel.close(10)
    sent = [
        span
        for request in receiver.requests
        for scope in request.resource_spans[0].scope_spans
        for span in scope.spans
    ]
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    scopes = [scope for line in lines for scope in line["resourceSpans"][0]["scopeSpans"]]
    shown = [span for scope in scopes for span in scope["spans"]]
    ids = {span.span_id.hex() for span in sent}
    assert len(ids) == 2
    assert ids == {span["span_id"] for span in kept} == {span["spanId"] for span in shown}
    assert [pair.value.int_value for span in sent for pair in span.attributes if pair.key == "item"] == [7]
    assert [span["attributes"]["item"] for span in kept if "item" in span["attributes"]] == [7]
    assert '"key":"item"' in json.dumps(shown, separators=(",", ":"))
    told = [each for each in status() if each["destination"] in {f"{receiver.url}/v1/traces", "console"}]
    assert [each["exported"] for each in told[-2:]] == [2, 2]
    assert otel.status()["destination"] == f"{receiver.url}/v1/traces", "the receiver comes first"


def test_json_on_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    spans = OpenTelemetry(exporter="console", protocol="http/json")
    send_one(spans)
    assert spans.close(10)  # metrics too: a report of them comes with the end
    assert '"name":"GET /items/{id}"' in capfd.readouterr().out.replace('": "', '":"')


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_is_not_asked_for_a_receiver_on_this_machine(
    host: str, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", away)
    monkeypatch.setenv("http_proxy", away)
    monkeypatch.setenv("NO_PROXY", "")
    with Receiver() as receiver:
        spans = OpenTelemetry(endpoint=receiver.url.replace("127.0.0.1", host), metrics=False)
        TracerProvider(spans).get_tracer("shop").start_span("one").end()
        assert spans.flush()
        receiver.take()
        spans.close()


def test_a_proxy_is_asked_for_others_unless_they_are_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    with Receiver() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        spans = OpenTelemetry(endpoint="http://collector.invalid:4318")
        send_one(spans)
        assert spans.flush(10)
        monkeypatch.setenv("no_proxy", "collector.invalid")
        direct = OpenTelemetry(endpoint="http://collector.invalid:4318")
        send_one(direct)
        direct.flush(1)
        status = direct.status()
        assert spans.close(10)
        direct.close(0.1)
    assert proxy.paths == ["http://collector.invalid:4318/v1/traces"]
    assert proxy.headers[0]["host"] == "collector.invalid:4318"
    assert status["receiver"] == "down"
