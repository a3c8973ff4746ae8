"""Calls between services: whichever span comes first, and whatever happens in between."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.older import make_older
from viewer.running import Running
from viewer.sender import CLIENT, INTERNAL, MS, SERVER, Span, traces
from wirespan import _core
from wirespan.viewer import calls, measurer, writer
from wirespan.viewer.database import Database
from wirespan.viewer.errors import StoreError
from wirespan.viewer.filters import Filters
from wirespan.viewer.prune import Limits, Pruner
from wirespan.viewer.queries.services import services
from wirespan.viewer.store import Store
from wirespan.viewer.writer import Writer


def add(store: Store, spans: Iterable[Span]) -> None:
    asyncio.run(store.add(_core.decode("traces", "protobuf", traces(spans))))


def shown(store: Store) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Of each edge of the map: calls, errors, p95."""
    with store.statistics() as source:
        edges = services(source, Filters(), 0)["edges"]
    return {(edge["from"], edge["to"]): (edge["calls"], edge["errors"], edge["p95_ns"]) for edge in edges}


def expected(spans: Iterable[Span]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """The same from the spans themselves."""
    spans = list(spans)
    known = {(span.trace, span.span): span for span in spans}
    edges: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for span in spans:
        caller = known.get((span.trace, span.parent or 0))
        if span.is_request and caller is not None and caller.service != span.service:
            edges[caller.service, span.service].append(span)
    return {
        edge: (len(found), sum(span.is_error for span in found), rank(found)) for edge, found in edges.items()
    }


def rank(spans: list[Span]) -> int:
    return sorted(span.duration for span in spans)[-(-95 * len(spans) // 100) - 1]


def pair(number: int = 1) -> tuple[Span, Span]:
    """A caller and its callee."""
    caller = Span(service="front", kind=CLIENT, duration=number * MS)
    callee = Span(service="shop", trace=caller.trace, parent=caller.span, duration=number * MS)
    return caller, callee


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[Span]]:
    """Spans of a few traces, each below another or a missing one, in batches in any order."""
    spans: list[Span] = []
    for _ in range(draw(st.integers(1, 25))):
        parent = draw(st.sampled_from([*spans, None]))
        spans.append(
            Span(
                trace=parent.trace if parent else draw(st.integers(1, 3)),
                parent=parent.span if parent else draw(st.sampled_from([None, 2**63])),
                service=draw(st.sampled_from(["a", "b", "c"])),
                kind=draw(st.sampled_from([SERVER, SERVER, CLIENT, INTERNAL])),
                duration=draw(st.integers(1, 9)) * MS,
                failed=draw(st.booleans()),
            )
        )
    spans = draw(st.permutations(spans))
    cuts = sorted(draw(st.sets(st.integers(1, len(spans)), max_size=5)) | {0, len(spans)})
    return [spans[low:high] for low, high in itertools.pairwise(cuts)]


@settings(max_examples=40, deadline=None)
@given(arrivals(), st.integers(0, 2**6 - 1))
def test_calls_in_any_order_of_arrival(batches: list[list[Span]], asked: int) -> None:
    """Numbers are asked for after some of the batches, which brings the tables up in between."""
    store = Store.open()
    sent: list[Span] = []
    for number, batch in enumerate(batches):
        add(store, batch)
        sent += batch
        if asked >> number & 1:
            assert shown(store) == expected(sent)
    assert shown(store) == expected(sent)
    store.close()


@pytest.mark.parametrize("late", ["caller", "callee"])
def test_a_pair_too_far_apart_is_no_call(store: Store, monkeypatch: pytest.MonkeyPatch, late: str) -> None:
    """What is looked at again is bounded."""

    def near(after: int) -> str:
        return calls.new_calls(after, reach=10)

    monkeypatch.setattr(measurer, "new_calls", near)
    for between in (8, 12):
        first, second = pair() if late == "callee" else reversed(pair())
        for spans in ([first], [Span(service="other") for _ in range(between)], [second]):
            add(store, spans)
            shown(store)
    assert shown(store)["front", "shop"][0] == 1


def test_a_caller_that_is_stored_twice_calls_once(store: Store) -> None:
    """Repeated after so long that nobody knows it any more."""
    caller, callee = pair()
    for spans in ([caller], [callee], [caller]):
        add(store, spans)
        store._writer._recent.clear()
        shown(store)
    assert store.facts().spans == 3
    assert shown(store) == expected([caller, callee])


def test_cleared_calls_do_not_come_back(store: Store) -> None:
    caller, callee = pair()
    add(store, [caller, callee])
    assert len(shown(store)) == 1
    add(store, pair(2))
    asyncio.run(store.clear())
    assert shown(store) == {}
    add(store, [callee])
    assert shown(store) == {}, "its caller was cleared"
    add(store, [caller])
    assert shown(store) == expected([caller, callee])


def test_calls_go_with_their_callees(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "viewer.duckdb", 10**9)
    pruner = Pruner(database, Limits(10**9, 3_600))
    pruner._next = float("inf")  # it looks when the test says so
    opened = Writer(database, pruner)

    async def send(*spans: Span) -> None:
        await opened.add(_core.decode("traces", "protobuf", traces(spans)))

    old, new = pair(), pair()
    asyncio.run(send(*old, new[0]))
    opened.catch_up()
    with database.cursor() as cursor:
        cursor.execute("UPDATE arrivals SET at_ns = at_ns - ?", [7_200 * 10**9])
    opened._next_arrival_ns = 0
    asyncio.run(send(new[1]))
    opened.close()
    with database.cursor() as cursor:
        assert cursor.execute("SELECT seq FROM calls ORDER BY seq").fetchall() == [(2,), (4,)]
        assert pruner.prune(cursor)
        assert cursor.execute("SELECT seq FROM calls").fetchall() == [(4,)], "known while its callee is there"
    database.close()


def test_imported_calls(viewer: Running, tmp_path: Path) -> None:
    spans = [span for number in range(1, 9) for span in reversed(pair(number))]
    viewer.send(spans)
    exported = viewer.client.get("/api/export").content
    asyncio.run(viewer.store.clear())
    reply = viewer.client.post(
        "/api/import", content=exported, headers={"content-type": "application/x-ndjson"}
    )
    assert reply.status_code == 200
    assert shown(viewer.store) == expected(spans)


@pytest.mark.parametrize("measured", [False, True])
def test_a_file_without_calls_is_upgraded(tmp_path: Path, measured: bool) -> None:
    """Also one whose last requests were not measured when its process ended."""
    path = tmp_path / "viewer.duckdb"
    store = Store.open(path)
    spans = [*pair(1), *reversed(pair(2)), Span()]
    late = pair(3)
    add(store, [*spans, late[1]])
    store.close()
    make_older(path, 2)
    if not measured:
        with duckdb.connect(str(path)) as connection:
            connection.execute("DELETE FROM measures WHERE seq > 2")
    store = Store.open(path)
    assert shown(store) == expected(spans)
    add(store, [late[0]])
    assert shown(store) == expected([*spans, *late])
    store.close()


_KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from viewer.test_calls import add, shown, threes
    from wirespan.viewer.store import Store

    store = Store.open(sys.argv[1])
    for number, spans in enumerate(threes()):
        add(store, spans)
        if number == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        shown(store)
    """
)


def threes() -> list[list[Span]]:
    """Three batches with pairs inside and across; the same ones at each call."""
    facts: dict[str, Any] = {"trace": 7, "kind": SERVER}
    spans = [
        Span(span=number, parent=parent, service=service, **facts)
        for number, parent, service in (
            (5, 1, "b"),
            (6, 5, "c"),
            (1, None, "a"),
            (7, 1, "c"),
            (8, 6, "a"),
            (9, 2, "b"),
        )
    ]
    return [spans[:2], spans[2:4], [*spans[4:], Span(span=2, parent=7, service="d", **facts)]]


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_a_kill_loses_no_call_and_counts_none_twice(tmp_path: Path, batch: int) -> None:
    """Killed when a batch is stored and not yet measured."""
    path = tmp_path / "viewer.duckdb"
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(path), str(batch)], env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    store = Store.open(path)
    batches = threes()
    assert shown(store) == expected(span for spans in batches[: batch + 1] for span in spans)
    for spans in batches[batch + 1 :]:
        add(store, spans)
    assert shown(store) == expected(span for spans in batches for span in spans) != {}
    store.close()


def test_a_store_that_nobody_asks_is_measured_now_and_then(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a question waits for is bounded."""
    monkeypatch.setattr(writer, "_LAG", 4)
    add(store, pair())
    assert store.read("SELECT count(*) FROM calls") == [(0,)]
    add(store, pair())
    store._writer.close()
    assert store.read("SELECT count(*) FROM calls") == [(2,)]


def test_an_idle_store_is_measured(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "viewer.duckdb", 10**9)
    opened = Writer(database, Pruner(database, Limits(10**9, 3_600)), idle_s=0.01)
    asyncio.run(opened.add(_core.decode("traces", "protobuf", traces(pair()))))
    while opened._measurer.until < opened.last_seq:
        pass
    opened.close()
    database.close()


def test_statistics_that_cannot_be_written_are_as_old_as_they_are(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The spans are safe, the log has one message however often a page asks, and later it works again."""
    first, second = pair(1), pair(2)
    add(store, first)
    assert shown(store) == expected(first)
    with monkeypatch.context() as patched:
        patched.setattr(measurer, "new_calls", lambda _: "INSERT INTO no_such_table SELECT 1")
        add(store, second)
        for _ in range(3):
            assert shown(store) == expected(first)
        assert "no_such_table" in (store.facts().problem or "")
    assert shown(store) == expected([*first, *second])
    assert store.facts().problem is None
    assert len(caplog.records) == 1


def test_a_closed_store_measures_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "viewer.duckdb")
    store._writer.close()
    store._writer.last_seq += 1
    with pytest.raises(StoreError, match="is closed"), store.statistics():
        raise AssertionError("it was read")
    store.close()


def test_an_answer_does_not_wait_for_a_disk_that_hangs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    works = threading.Event()
    add(store, pair())
    with monkeypatch.context() as patched:
        patched.setattr(writer, "_PATIENCE_S", 0.0)
        patched.setattr(store._writer._measurer, "catch_up", lambda *_: works.wait())
        assert shown(store) == {}
        works.set()
    assert shown(store) == expected(pair())


def test_over_http(viewer: Running) -> None:
    """What is acknowledged is in the next answer."""
    for count in range(1, 5):
        viewer.send(reversed(pair(count)))
        (edge,) = viewer.get("/api/services")["edges"]
        assert (edge["calls"], edge["p95_ns"]) == (count, count * MS)
