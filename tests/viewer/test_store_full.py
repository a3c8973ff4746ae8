"""A disk without room: senders hear it, nothing acknowledged is lost, and it goes on when there is room."""

import asyncio
import contextlib
import json
import math
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from viewer.otlp import JSON, PROTOBUF, batch, body
from wirespan.testing import TestClient
from wirespan.viewer import health
from wirespan.viewer.errors import StoreError
from wirespan.viewer.store import Store

MANY = 300  # spans that do not fit where 100 did not
SMALL = 4 * 1024**2  # a store of this size checkpoints its log at 1 MiB


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to make any file larger (RLIMIT_FSIZE); Python ignores its signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(store: Store) -> int:
    """Adds spans until one batch is refused. How many were acknowledged."""

    async def add() -> int:
        for count in range(10_000):
            try:
                await store.add(batch(100))
            except StoreError:
                return count * 100
        raise AssertionError("there was always room")

    return asyncio.run(add())


def test_a_log_that_cannot_grow_refuses_and_goes_on(
    client: TestClient, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with files_of_at_most(256 * 1024):
        acknowledged = fill(store)
        for headers in (PROTOBUF, JSON):
            content = body(MANY) if headers is PROTOBUF else _JSON
            reply = client.post("/v1/traces", content=content, headers=headers)
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
            assert "file too large. To go on, raise the limit" in reply.text
        problem = store.facts().problem
        assert problem is not None
        assert "viewer.duckdb: file too large" in problem
        assert store.facts().spans == acknowledged
    assert client.post("/v1/traces", content=body(7), headers=PROTOBUF).status_code == 200
    assert (store.facts().spans, store.facts().problem) == (acknowledged + 7, None)
    messages = [record.getMessage() for record in caplog.records if record.name == "wirespan.viewer"]
    assert messages == [problem, "the store can be written again; 3 requests were refused"]


_SPANS = [
    {"traceId": "1" * 32, "spanId": f"{number:016x}", "startTimeUnixNano": "1", "name": "a" * 100}
    for number in range(1, MANY)
]
_JSON = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": _SPANS}]}]})


def test_a_checkpoint_that_cannot_be_written_is_survived(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """DuckDB then gives up its database with everything in it: the file is opened again, and has all."""
    path = tmp_path / "viewer.duckdb"
    store = Store.open(path, max_bytes=SMALL)
    with files_of_at_most(3 * 1024**2 // 2):  # the log fits, the tables soon do not
        acknowledged = fill(store)
        assert "the store was opened again after an error" in caplog.text
        assert store.facts().spans >= acknowledged
    asyncio.run(store.add(batch(7)))
    stored = store.facts().spans
    # A commit that was written before its checkpoint failed was refused: its sender repeats it.
    assert stored in {acknowledged + 7, acknowledged + 107}
    store.close()
    again = Store.open(path)
    assert again.facts().spans == stored
    again.close()


def test_a_database_that_cannot_be_opened_again_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even reading works until then, and the next look at what is too old brings it back."""
    store = Store.open(tmp_path / "viewer.duckdb", max_bytes=SMALL)
    store._writer._pruner._next = math.inf  # its thread must be at rest when the database is closed under it
    asyncio.run(store.add(batch(3)))
    file = tmp_path / "viewer.duckdb"
    hidden = tmp_path / "hidden"
    store._database.close()
    file.rename(hidden)
    file.mkdir()
    with pytest.raises(StoreError):
        asyncio.run(store.add(batch(1)))
    assert "the store cannot be opened again" in caplog.text
    file.rmdir()
    hidden.rename(file)
    store._writer._pruner._next = 0
    store._writer._prune()
    assert "could not remove old rows" in caplog.text
    assert store.facts().spans == 3
    store.close()


def test_an_error_without_words_is_named() -> None:
    assert health.first_line(KeyError()) == "KeyError"


_VIEWER = """
    mount -t tmpfs -o size=24m tmpfs "$1" && head -c 20m /dev/zero >"$1/ballast" &&
    exec "$2" -m wirespan view --beside --db "$1/viewer.duckdb" --port 0
"""


def test_a_full_disk_under_a_viewer(tmp_path: Path) -> None:
    """A file system of 24 MiB that only the viewer sees, in a mount namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", _VIEWER, "sh", str(disk), sys.executable]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        if not url:
            pytest.skip(f"no mount namespaces here: {process.stderr.read()[-200:]}")
        with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
            acknowledged = _fill_over_http(client)
            status = client.get("/api/status").json()
            assert "no space left on device. To go on, make room" in status["problem"]
            assert status["spans"] >= acknowledged
            os.unlink(f"/proc/{process.pid}/root{disk}/ballast")
            assert client.post("/v1/traces", content=body(7), headers=PROTOBUF).status_code == 200
            status = client.get("/api/status").json()
            assert status["problem"] is None
            assert acknowledged + 7 <= status["spans"] <= acknowledged + 507
        process.stdin.close()
        errors = process.stderr.read()
        assert process.wait(20) == 0
    assert errors.count("no space left on device") == 1
    assert "Traceback" not in errors


def _fill_over_http(client: httpx.Client) -> int:
    for count in range(1_000):
        reply = client.post("/v1/traces", content=body(500), headers=PROTOBUF)
        if reply.status_code != 200:
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
            assert b"no space left on device" in reply.content
            return count * 500
    raise AssertionError("there was always room")
