"""Arguments, the standard variables, and what is said about wrong ones."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from wirespan import App
from wirespan.config import Config
from wirespan.errors import ConfigError
from wirespan.hosting import host
from wirespan.loading import StartError
from wirespan.tracers import OpenTelemetry


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"exporter": "jaeger"}, 'exporter: "jaeger" is not known; known are otlp, console, memory, none'),
        ({"protocol": "grpc"}, "protocol: .*http/protobuf"),
        ({"endpoint": "collector:4318"}, "must be an http:// or https:// URL"),
        ({"headers": {"a b": "secret"}}, 'headers: "a b" or its value cannot stand in a request'),
        ({"sampler": "sometimes"}, "sampler: .*parentbased_traceidratio"),
        ({"sampler_arg": 1.5}, "sampler_arg: a probability is between 0 and 1"),
        ({"keep_ratio": 2}, "keep_ratio: .*between 0 and 1"),
        ({"max_spans_per_s": 0}, "max_spans_per_s: .*more than 0"),
        ({"keep_slower_than_s": -1}, "keep_slower_than_s: "),
        ({"propagators": ["xray"]}, "propagators: .*tracecontext, baggage, b3, b3multi"),
        ({"trust": "maybe"}, "trust: .*always, never"),
        ({"trust": ["10.0.0.0/33"]}, "trust: `10.0.0.0/33` is no network"),
        ({"keep_slower_than_s": {"checkout": 1}}, "keep_slower_than_s: `checkout` matches no path"),
        ({"keep_slower_than_s": {"/checkout": -1}}, "keep_slower_than_s: "),
        ({"keep_state_longer_than_s": {"sleep": 1}}, "keep_state_longer_than_s: .*queue, read, schedule"),
        ({"keep_state_longer_than_s": {"queue": -1}}, "keep_state_longer_than_s: "),
        ({"keep_state_longer_than_s": {}}, "keep_state_longer_than_s: name at least one of queue"),
        ({"attributes": ["http.request.body.content"]}, "attributes: .*client.port"),
        ({"compression": "zstd"}, "compression: .*gzip, none"),
        ({"timeout_s": -1}, "timeout_s: "),
        ({"timeout_s": 0}, "timeout .*must be above 0"),
        ({"max_batch_size": 10, "max_queue_size": 5}, "max_batch_size must not be above max_queue_size"),
        ({"certificate": "/nowhere/ca.pem", "endpoint": "https://localhost"}, "/nowhere/ca.pem"),
        ({"reply_headers": ["x-trace"]}, "reply_headers: .*traceresponse, server-timing"),
        ({"ignore": ["health"]}, "ignore: `health` matches no path"),
        ({"spool_dir": "/tmp", "spool_max_bytes": 1}, "spool_max_bytes must be at least 65536"),
    ],
)
def test_wrong_values_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OpenTelemetry(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"endpont": "http://localhost"}, "has no argument endpont"),
        ({"endpoint": 4318}, "endpoint: "),
        ({"ignore": "/health"}, "ignore: "),
        ({"trust": 1}, "trust: "),
        ({"keep_slower_than_s": "1"}, "keep_slower_than_s: "),
        ({"keep_slower_than_s": {"/a": "1"}}, "str"),
        ({"keep_state_longer_than_s": {"queue": "1"}}, "str"),
        ({"max_queue_size": 1.5}, "max_queue_size: "),
    ],
)
def test_wrong_names_and_types_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        OpenTelemetry(**arguments)


def test_a_wrong_header_does_not_show_its_value() -> None:
    with pytest.raises(ValueError, match="headers") as caught:
        OpenTelemetry(headers={"api-key": "top\nsecret"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OTEL_TRACES_SAMPLER", "xray", "`xray` is not supported"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.1", "set that to parentbased_traceidratio"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "supported is one of otlp, console, memory, none"),
        ("OTEL_TRACES_EXPORTER", "zipkin,otlp,xray", "`zipkin,xray` is not supported, otlp is used"),
        ("OTEL_TRACES_EXPORTER", "none,console", "`none` beside others is ignored, console is used"),
        ("OTEL_METRICS_EXPORTER", "prometheus,none", "`prometheus` is not supported, none is used"),
        ("OTEL_METRICS_EXPORTER", "console,otlp", "one exporter only, otlp is used and console is not"),
        ("OTEL_METRICS_EXPORTER", "prometheus", "supported is one of otlp, console, memory, none"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "some", "supported are trace_based, always_on, always_off"),
        ("OTEL_SDK_DISABLED", "yes", "neither true nor false"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "neither gzip nor none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/xml", "neither http/protobuf nor http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "key", "entry 1 is not name=value"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "not a whole number of milliseconds from 1 on"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0.5", "not a whole number of milliseconds from 0 on"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "-1", "not a whole number of milliseconds from 0 on"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0", "not a whole number from 1 on"),
        ("OTEL_PROPAGATORS", "jaeger", "`jaeger` is not supported"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team", "not name=value"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many", "many"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long", "not a number"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1", "not a number"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "all", "not a number"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "all", "not a number"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "all", "not a number"),
    ],
)
def test_wrong_variables_are_warned_about(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The specification wants them ignored; the operator should know."""
    monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING, "wirespan"):
        OpenTelemetry()
    [record] = caplog.records
    assert record.getMessage().startswith(name)
    assert message in record.getMessage()


def test_variables_that_cannot_be_obeyed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(ValueError, match="grpc is not supported"):
        OpenTelemetry()


@pytest.mark.parametrize("exporter", ["console", "memory", "none"])
def test_variables_of_a_receiver_matter_only_where_there_is_one(
    exporter: Literal["console", "memory", "none"],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are often set for the whole cluster; a test with spans in memory must run there, too."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")
    OpenTelemetry(exporter=exporter, metrics=exporter)
    assert not caplog.records


def test_the_kept_spans_are_only_in_memory() -> None:
    with pytest.raises(ValueError, match="memory"):
        OpenTelemetry().finished_spans()


def test_the_state_before_anything_happened() -> None:
    status = OpenTelemetry(exporter="memory").status()
    assert (status["kept"], status["queued"], status["exported"], status["receiver"]) == (0, 0, 0, "unknown")
    assert set(status["dropped"].values()) == {0}
    assert status["spooled"] == {"spans": 0, "batches": 0, "bytes": 0}


def test_time_outs_are_checked() -> None:
    spans = OpenTelemetry(exporter="memory")
    with pytest.raises(ValueError, match="timeout_s"):
        spans.flush(-1)
    assert spans.flush(1)
    assert spans.close(1)


def test_the_option_adds_the_exporter() -> None:
    hosted = host(App(), Config(otlp="http://127.0.0.1:1", access_log="off"))
    assert [type(sink) for sink in hosted.sinks] == [OpenTelemetry]
    assert hosted.tracers == hosted.sinks
    with pytest.raises(StartError, match="otlp: the OTLP endpoint must be"):
        host(App(), Config(otlp="collector", access_log="off"))
    with pytest.raises(StartError, match="otlp: trust: `everybody` is no network"):
        host(App(), Config(otlp="http://127.0.0.1:1", access_log="off", trust="everybody"))


def test_the_options_beside_it_reach_the_exporter(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    config = Config(
        otlp="http://127.0.0.1:1", access_log="off", service_name="shop", sample=0.5, spool=str(spool)
    )
    [sink] = host(App(), config).sinks
    assert spool.is_dir()
    assert isinstance(sink, OpenTelemetry)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StartError, match=r"otlp: cannot use .*/file as spool_dir"):
        host(App(), Config(otlp="http://127.0.0.1:1", access_log="off", spool=str(file)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spool": "/tmp/spool"}, "spool is about spans, and none are sent: give otlp too"),
        ({"sample": 0.1}, "sample is about spans"),
        ({"trust": "never"}, "trust is about spans"),
        ({"service_name": "shop"}, "service_name is about spans"),
        ({"otlp": "http://localhost", "sample": 2.0}, "sample must be between 0 and 1"),
        ({"otlp": "http://localhost", "spool_max_bytes": 1}, "spool_max_bytes must be at least 65536"),
        ({"ignore": ["health"]}, "ignore must begin with / or \\*"),
        ({"trusted_proxies": "nginx"}, "trusted_proxies must be networks such as .*, not 'nginx'"),
        ({"proxy_headers": "x-real-ip"}, "proxy_headers must be x-forwarded or forwarded"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config(**options)


def test_spans_for_a_viewer_are_spans() -> None:
    assert Config(view=True, service_name="shop", sample=0.5).service_name == "shop"


def test_no_exporter_by_default() -> None:
    assert host(App(), Config(access_log="off")).sinks == ()


def test_a_process_may_fork(tmp_path: Path) -> None:
    """The hook runs in the child; parent and child both end."""
    code = (
        "import os\nfrom wirespan.tracers import OpenTelemetry\nspans = OpenTelemetry()\n"
        "child = os.fork()\nif child == 0: raise SystemExit(7)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ, check=False, timeout=20
    )
    assert ended.returncode == 7


def test_no_spans_is_not_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each signal has a variable of its own; an argument is about both."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert "metrics" in OpenTelemetry().status()
    assert "metrics" not in OpenTelemetry(exporter="none").status()
