"""The requests that are measured. Every server gives the same answer, checked before the load starts."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass

from bench.errors import BenchError

UPLOAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Scenario:
    """One request and its only right answer (status 200)."""

    name: str
    method: str
    path: str
    body: bytes
    content_type: str
    answer: bytes


_ALL = (
    Scenario("hello", "GET", "/", b"", "text/plain", b"Hello, World!"),
    Scenario("params", "GET", "/users/42", b"", "application/json", b'{"id":"42"}'),
    Scenario("upload", "POST", "/upload", b"x" * UPLOAD_BYTES, "text/plain", str(UPLOAD_BYTES).encode()),
)
SCENARIOS = {scenario.name: scenario for scenario in _ALL}
EVERY_SCENARIO = frozenset(SCENARIOS)


def verify(scenario: Scenario, port: int, times: int = 3) -> None:
    """Asks a few times over one kept-alive connection, as the load will.

    Raises:
        BenchError: A wrong status, type or body, a connection that was closed, or no answer within 10 s.
    """
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        for _ in range(times):
            client.request(scenario.method, scenario.path, body=scenario.body or None)
            response = client.getresponse()
            _check(scenario, response, response.read())
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"no answer to {scenario.method} {scenario.path}: {error!r}") from error
    finally:
        client.close()


def _check(scenario: Scenario, response: http.client.HTTPResponse, body: bytes) -> None:
    found_type = response.headers.get("content-type", "").partition(";")[0]
    found = (response.status, found_type, _canonical(found_type, body))
    wanted = (200, scenario.content_type, _canonical(scenario.content_type, scenario.answer))
    if found != wanted:
        raise BenchError(f"wrong answer to {scenario.method} {scenario.path}: {found}, not {wanted}")
    if response.will_close:
        raise BenchError(
            f"{scenario.method} {scenario.path} closes the connection: the load would measure accept()"
        )


def _canonical(content_type: str, body: bytes) -> object:
    """Spaces in JSON are the serializer's taste."""
    return json.loads(body) if content_type == "application/json" else body
