"""Exporters that are set up a little wrong hear what to change."""

import socket

import pytest

from viewer.otlp import JSON, PROTOBUF, body
from viewer.running import Running

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"  # RFC 9113 section 3.4


def test_grpc_is_named_once_in_the_log(viewer: Running, caplog: pytest.LogCaptureFixture) -> None:
    """The sender says "Trying to connect an http1.x server (HTTP status 505)", which few understand."""
    host, port = viewer.url.removeprefix("http://").split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(PREFACE)
            received = b""
            while piece := connection.recv(4096):
                received += piece
            assert received.startswith(b"HTTP/1.1 505 ")
    viewer.post("/v1/traces", body())
    (line,) = [record.getMessage() for record in caplog.records if "gRPC" in record.getMessage()]
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in line


@pytest.mark.parametrize("path", ["/", "/v1/trace", "/v1/traces/", "/v1/traces/v1/traces"])
@pytest.mark.parametrize("headers", [PROTOBUF, JSON], ids=["protobuf", "json"])
def test_a_wrong_path_is_told_the_right_ones(viewer: Running, path: str, headers: dict[str, str]) -> None:
    """An endpoint of one signal has its path; that of all signals has none."""
    reply = viewer.client.post(path, content=b"", headers=headers)
    assert reply.status_code == 404
    assert f"nothing to send to at {path}. OTLP is taken by POST at /v1/traces, /v1/metrics" in reply.text


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_a_wrong_method_is_told_the_right_one(viewer: Running, signal: str) -> None:
    """What people try first is to open the address in a browser."""
    reply = viewer.client.get(f"/v1/{signal}")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert "taken by POST" in reply.text


@pytest.mark.parametrize(
    ("content_type", "named"), [("application/grpc", "grpc"), ("text/plain", "text/plain"), (None, "none")]
)
def test_a_wrong_content_type_is_named(viewer: Running, content_type: str | None, named: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    reply = viewer.client.post("/v1/traces", content=b"x", headers=headers)
    assert reply.status_code == 415
    assert reply.text.startswith("content-type must be one of application/x-protobuf, application/json, not ")
    assert named in reply.text
