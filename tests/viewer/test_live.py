"""Following: nothing lost, nothing doubled, in order, with filters; and what runs now."""

import asyncio
import json
from typing import Any

import pytest

from viewer.running import Reader, Running, running
from viewer.sender import Span
from wirespan.viewer import live
from wirespan.viewer.filters import Filters
from wirespan.viewer.inflight import MAX_SERVERS, Inflight, Server
from wirespan.viewer.live import Live

STREAM = "/api/requests/stream"


def requests(lines: list[str]) -> list[dict[str, Any]]:
    """All requests of a stream until now."""
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    return [request for event in events for request in event.get("requests", [])]


def shows(count: int, reader: Reader) -> Any:
    return lambda line: line == "" and len(requests(reader.lines)) >= count


def server(instance: str = "a", *ids: int, **facts: Any) -> dict[str, Any]:
    running = [
        {"id": number, "method": "GET", "path": "/x", "age_ns": 5, "state": "await", "state_ns": 3}
        for number in ids
    ]
    return {"instance": instance, "service": "shop", "pid": 7, "at_us": 1, "requests": running, **facts}


def report(viewer: Running, body: Any) -> int:
    return viewer.client.post("/v1/wirespan/inflight", json=body).status_code


def test_new_requests_arrive_in_order_and_old_ones_do_not(viewer: Running) -> None:
    viewer.send([Span()])
    with Reader(viewer.url + STREAM) as reader:
        reader.wait(lambda line: line.startswith("event: inflight"))
        spans = [Span() for _ in range(5)]
        for span in spans:
            viewer.send([span])
        reader.wait(shows(5, reader))
        assert [request["span_id"] for request in requests(reader.lines)] == [span.span_id for span in spans]


def test_filters(viewer: Running) -> None:
    with Reader(f"{viewer.url}{STREAM}?status=5xx&limit=1") as reader:
        reader.wait(lambda line: line.startswith("event: inflight"))
        spans = [Span(status=code) for code in (200, 500, 404, 503)]
        viewer.send(spans)
        reader.wait(shows(2, reader))
        assert [request["status"] for request in requests(reader.lines)] == [500, 503]


def test_a_stream_resumes_behind_the_last_event(viewer: Running) -> None:
    spans = [Span() for _ in range(4)]
    viewer.send(spans)
    listed = viewer.get("/api/requests")["requests"]
    with Reader(f"{viewer.url}{STREAM}?after={listed[-1]['seq']}") as reader:
        reader.wait(shows(3, reader))
        assert [request["seq"] for request in requests(reader.lines)] == [
            one["seq"] for one in listed[-2::-1]
        ]
        last = reader.wait(lambda line: line.startswith("id: "))[4:]
    more = Span()
    viewer.send([more])
    with Reader(f"{viewer.url}{STREAM}?after=0", {"last-event-id": last}) as reader:
        reader.wait(shows(1, reader))
        assert [request["span_id"] for request in requests(reader.lines)] == [more.span_id]


@pytest.mark.parametrize("last", ["x", "", "9" * 30, "-1"])
def test_a_last_event_id_that_is_none_is_not_believed(viewer: Running, last: str) -> None:
    viewer.send([Span()])
    with Reader(f"{viewer.url}{STREAM}?after=0", {"last-event-id": last}) as reader:
        reader.wait(shows(1, reader))


def test_more_than_one_batch_comes_whole(viewer: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BATCH", 3)
    spans = [Span() for _ in range(10)]
    viewer.send(spans)
    with Reader(f"{viewer.url}{STREAM}?after=0") as reader:
        reader.wait(shows(10, reader))
        assert [request["span_id"] for request in requests(reader.lines)] == [span.span_id for span in spans]


def test_the_stream_goes_on_after_everything_was_cleared(viewer: Running) -> None:
    viewer.send([Span()])
    with Reader(viewer.url + STREAM) as reader:
        reader.wait(lambda line: line.startswith("event: inflight"))
        viewer.client.delete("/api/data").raise_for_status()
        span = Span()
        viewer.send([span])
        reader.wait(shows(1, reader))


def test_inflight_is_shown_and_followed(viewer: Running) -> None:
    with Reader(viewer.url + STREAM) as reader:
        assert report(viewer, server("a", 1, 2)) == 200
        reader.wait(lambda line: line.startswith("data: ") and '"id":2' in line)
        found = viewer.get("/api/inflight")["servers"]
        assert [request["id"] for request in found[0]["requests"]] == [1, 2]
        assert found[0]["requests"][0]["trace_id"] is None
        assert report(viewer, server("a", 2)) == 200
        reader.wait(lambda line: line.startswith("data: ") and '"id":2' in line and '"id":1' not in line)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instance": 5},
        server("a") | {"pid": -1},
        server("x" * 3_000),
        server("a") | {"requests": [{"id": 1}]},
        server("a", *range(1_001)),
        [],
    ],
)
def test_a_wrong_report_is_refused(viewer: Running, body: Any) -> None:
    assert report(viewer, body) == 400
    assert viewer.get("/api/inflight")["servers"] == []


def convert(body: dict[str, Any]) -> Server:
    import msgspec  # noqa: PLC0415

    return msgspec.convert(body, Server)


def test_a_silent_server_is_forgotten() -> None:
    now, changes = [0.0], []
    kept = Inflight(lambda: now[0], lambda: changes.append(1))
    kept.put(convert(server("a", 1)))
    now[0] = 4.0
    kept.put(convert(server("b", 1)))
    assert [one["instance"] for one in kept.shown()["servers"]] == ["a", "b"]
    now[0] = 5.5
    version = kept.version
    assert [one["instance"] for one in kept.shown()["servers"]] == ["b"]
    assert kept.version > version
    assert len(changes) == 2


def test_servers_are_bounded() -> None:
    kept = Inflight(lambda: 0.0)
    for number in range(MAX_SERVERS + 2):
        kept.put(convert(server(f"{number:04}")))
    names = [one["instance"] for one in kept.shown()["servers"]]
    assert len(names) == MAX_SERVERS
    assert names[0] == "0002"


def test_silence_has_heartbeats_and_closing_ends_it(viewer: Running) -> None:
    async def run() -> list[bytes]:
        follower = Live(viewer.store, heartbeat_s=0.01, pause_s=0)
        pieces = []
        async for piece in follower.follow(Filters(), None):
            pieces.append(piece)
            if len(pieces) == 2:
                assert follower.clients == 1
            if len(pieces) == 4:
                follower.close()
        assert follower.clients == 0
        return pieces

    first, second, *beats = asyncio.run(run())
    assert first == b"retry: 1000\n: wirespan\n\n"
    assert b"event: inflight" in second
    assert beats == [b":\n\n", b":\n\n"]


def test_a_server_that_falls_silent_leaves_the_stream() -> None:
    async def run() -> list[bytes]:
        with running() as viewer:
            follower = Live(viewer.store, heartbeat_s=0.01, pause_s=0)
            follower.inflight.put(convert(server("a", 1)))
            pieces = []
            async for piece in follower.follow(Filters(), None):
                pieces.append(piece)
                if b'"instance":"a"' in piece:
                    follower.inflight._now = lambda: 1e12
                if b'"servers":[]' in piece:
                    follower.close()
            return pieces

    assert b'"servers":[]' in asyncio.run(run())[-1]


def test_followers_are_bounded(viewer: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_CLIENTS", 1)
    with Reader(viewer.url + STREAM) as reader:
        reader.wait(lambda line: line.startswith("event: inflight"))
        assert viewer.refused(STREAM)[:2] == (
            503,
            "too many follow already: close a page that shows this viewer",
        )


def test_a_client_that_left_is_forgotten(viewer: Running) -> None:
    with Reader(viewer.url + STREAM) as reader:
        reader.wait(lambda line: line.startswith("event: inflight"))
    with Reader(viewer.url + STREAM) as reader:
        while viewer.viewer.live.clients > 1:
            viewer.send([Span()])  # writing to it shows that it is gone
        reader.wait(lambda line: line.startswith("event: requests"))
