"""SQL that wants more memory than there is fails alone: the viewer goes on with what it had."""

import os
import resource
from pathlib import Path

import pytest

from viewer.otlp import PROTOBUF, body
from viewer.running import Running
from wirespan.viewer import memory, sql
from wirespan.viewer.memory import bounded_memory

ALLOWED = 256 * 1024**2
# Each makes at least four times of that inside one function call, which heeds no interrupt.
GREEDY = (
    "SELECT len(range(1000000000))",
    "SELECT len(list_resize([1::bigint], 2000000000))",
    "SELECT sum(length(repeat(repeat('x', 100000), 1000 + i::int))) FROM range(10) t(i)",
)


@pytest.mark.parametrize("text", GREEDY)
def test_a_greedy_query_fails_alone(viewer: Running, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "EXTRA_BYTES", ALLOWED)
    before = resource.getrlimit(resource.RLIMIT_AS)
    reply = viewer.client.post("/api/sql", json={"sql": text})
    assert (reply.status_code, "needs more memory" in reply.text) == (400, True), reply.text
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    viewer.post("/v1/traces", body(3))
    assert viewer.client.post("/api/sql", json={"sql": "SELECT count(*) FROM spans"}).json()["rows"] == [[3]]


def test_one_value_that_fits_into_memory_is_too_large_to_be_sent(viewer: Running) -> None:
    reply = viewer.client.post("/api/sql", json={"sql": "SELECT repeat('x', 50000000)"})
    assert (reply.status_code, "one row takes more than 32 MiB" in reply.text) == (400, True)
    assert viewer.client.post("/v1/traces", content=body(1), headers=PROTOBUF).status_code == 200


def test_queries_wait_for_each_other_and_not_forever(viewer: Running) -> None:
    with (
        bounded_memory(1024**3, 1.0),
        pytest.raises(sql.QueryTimeout, match="other queries took longer"),
    ):
        sql.query(viewer.store, "SELECT 1", timeout_s=0.1)
    assert sql.query(viewer.store, "SELECT 1")["rows"] == [[1]]


def test_a_limit_that_was_there_stays() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    given = used + 4 * 1024**3
    resource.setrlimit(resource.RLIMIT_AS, (given, hard))
    try:
        with bounded_memory(1024**4, 1.0):
            assert resource.getrlimit(resource.RLIMIT_AS) == (given, hard)
        with bounded_memory(1024**3, 1.0):
            assert used < resource.getrlimit(resource.RLIMIT_AS)[0] < given
        assert resource.getrlimit(resource.RLIMIT_AS) == (given, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_without_proc_there_is_no_bound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_STATM", tmp_path / "missing")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with bounded_memory(1, 1.0):
        assert resource.getrlimit(resource.RLIMIT_AS) == before
