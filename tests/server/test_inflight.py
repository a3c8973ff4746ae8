"""What runs now: seen from other threads and processes, in every stage of a request, gone when it is over."""

import asyncio
import gc
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness import DEADLINE_S, Client, Server, read_body, request, wait_for
from harness.apps import gated
from wirespan import App
from wirespan._core import Exchange
from wirespan.inflight import InflightRequest, log_cut, one_line
from wirespan.inflight_command import ask
from wirespan.loading import StartError
from wirespan.serving import Server as PublicServer
from wirespan.serving import serving

DETAILED = 2
Serve = Callable[..., Server]


def until(is_so: Callable[[], bool]) -> None:
    wait_for(is_so, "what runs is as it should be")


class Gate:
    """A handler that waits until the test opens it."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        await self.opened.wait()
        exchange.reply(200, "text/plain", b"")

    def open(self, server: Server) -> None:
        server.loop.call_soon_threadsafe(self.opened.set)


def running(server: Server, count: int = 1) -> list[dict[str, Any]]:
    """What runs, as soon as there are so many."""
    until(lambda: len(server.engine.inflight()) == count)
    return server.engine.inflight()


def test_a_suspended_handler_is_told_with_all_that_is_known(serve: Serve) -> None:
    """The secret of a query stays where it is."""
    gate = Gate()
    server = serve(gate, trace_level=DETAILED)
    with server.connect() as client:
        client.send(request("/report/7?token=secret"))
        until(lambda: [one["state"] for one in server.engine.inflight()] == ["await"])
        [told] = server.engine.inflight()
        assert (told["id"], told["method"], told["path"], told["route"]) == (1, "GET", "/report/7", None)
        assert told["client"] == "{}:{}".format(*client.socket.getsockname())
        assert (told["trace_id"], told["background"], told["end_reason"]) == (None, False, None)
        assert 0 < told["state_ns"] <= told["age_ns"]
        assert sum(told["states"].values()) == told["age_ns"]
        gate.open(server)
        assert client.response().status == 200
    running(server, 0)


def test_without_records_age_and_path_are_known(serve: Serve) -> None:
    """Level `disabled` costs nothing and still tells what is stuck."""
    gate = Gate()
    server = serve(gate)
    with server.connect() as client:
        client.send(request("/stuck"))
        [told] = running(server)
        until(lambda: server.engine.inflight()[0]["path"] == "/stuck")
        assert (told["state"], told["state_ns"], told["states"]) == (None, 0, None)
        assert server.engine.inflight()[0]["age_ns"] > told["age_ns"] > 0
        gate.open(server)
        client.response()


def test_a_blocked_loop_is_seen_from_another_thread(serve: Serve) -> None:
    """This is when the question matters most."""
    entered, leave = threading.Event(), threading.Event()

    async def block(exchange: Exchange) -> None:
        entered.set()
        leave.wait(DEADLINE_S)
        exchange.reply(200, "text/plain", b"")

    server = serve(block, trace_level=DETAILED)
    with server.connect() as client:
        client.send(request("/block"))
        assert entered.wait(DEADLINE_S)
        [told] = server.engine.inflight()
        assert (told["path"], told["state"]) == ("/block", "run")
        leave.set()
        client.response()


def test_heads_and_bodies_on_their_way_are_told(serve: Serve) -> None:
    """A client that dawdles is known before the application is."""

    async def echo(exchange: Exchange) -> None:
        exchange.reply(200, "text/plain", await read_body(exchange))

    server = serve(echo, trace_level=DETAILED)
    with server.connect() as head, server.connect() as body:
        head.send(b"GET /unfin")
        running(server)
        body.send(b"POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\na")
        # The handler of the second asks for its body first.
        told = [("", "read"), ("POST", "read")]
        until(lambda: [(one["method"], one["state"]) for one in server.engine.inflight()] == told)
        first, second = server.engine.inflight()
        assert (first["method"], first["path"], first["state"]) == ("", "", "read")
        assert second["state"] == "read"
        body.send(b"bc")
        assert body.response().body == b"abc"
        assert [one["id"] for one in running(server)] == [first["id"]]


def test_a_reader_that_does_not_read_is_in_write(serve: Serve) -> None:
    """Streams too, and for as long as they run."""

    async def stream(exchange: Exchange) -> None:
        while True:
            await exchange.send(b"x" * 65_536)

    server = serve(stream, trace_level=DETAILED)
    with server.connect(receive_buffer=4_096) as client:
        client.send(request("/stream"))
        until(lambda: [one["state"] for one in server.engine.inflight()] == ["write"])
    running(server, 0)


def test_background_work_is_told_as_such(serve: Serve) -> None:
    """The client has its answer, the handler goes on."""
    done = asyncio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        await done.wait()

    server = serve(asgi=app, trace_level=DETAILED)
    with server.connect() as client:
        assert client.get("/mail").status == 204
        until(lambda: [one["background"] for one in server.engine.inflight()] == [True])
        assert server.engine.inflight()[0]["state"] is None
        server.loop.call_soon_threadsafe(done.set)
        running(server, 0)


def test_a_handler_whose_client_left_is_still_there(serve: Serve) -> None:
    """It holds what it holds; the reason says that nobody waits for it."""
    gate = Gate()
    server = serve(gate, trace_level=DETAILED)
    with server.connect() as client:
        client.send(request("/left"))
        running(server)
        until(lambda: server.engine.inflight()[0]["state"] == "await")
        client.reset()
    until(lambda: server.engine.inflight()[0]["end_reason"] == "client_disconnected")
    gate.open(server)
    running(server, 0)


def test_pipelined_requests_begin_one_after_the_other(serve: Serve) -> None:
    """Bytes that nobody has looked at are no request yet."""
    gate = Gate()
    server = serve(gate)
    with server.connect() as client:
        client.send(request("/1") + request("/2") + request("/3"))
        assert [one["id"] for one in running(server)] == [1]
        gate.open(server)
        assert [client.response().status for _ in range(3)] == [200] * 3
    running(server, 0)


def test_the_oldest_of_many_are_told_in_order(serve: Serve) -> None:
    """The list is bounded, whatever runs."""
    gate = Gate()
    server = serve(gate, backlog=2_048)
    clients = [server.connect() for _ in range(1_005)]
    try:
        for client in clients:
            client.send(request("/many"))
        until(lambda: server.call(lambda: server.engine.active) == len(clients))
        told = server.engine.inflight()
        assert [one["id"] for one in told] == list(range(1, 1_001))
        ages = [one["age_ns"] for one in told]
        assert ages == sorted(ages, reverse=True)
        gate.open(server)
        assert {client.response().status for client in clients} == {200}
    finally:
        for client in clients:
            client.close()
    running(server, 0)


def test_nothing_is_left_when_all_is_over(serve: Serve) -> None:
    """However requests end: answered, refused, raised, reset."""

    async def moody(exchange: Exchange) -> None:
        if exchange.path == "/raise":
            raise RuntimeError("moody")
        exchange.reply(200, "text/plain", await read_body(exchange))

    server = serve(moody)
    for data in (
        request("/") * 5,
        request("/raise"),
        b"nonsense\r\n\r\n",
        b"GET /half",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ):
        for end in (Client.finish_sending, Client.reset):
            with server.connect() as client:
                client.send(data)
                end(client)
                client.close()
    until(lambda: server.call(lambda: (server.engine.active, server.engine.connections)) == (0, 0))
    assert server.engine.inflight() == []


def test_looking_all_the_time_harms_nobody(serve: Serve) -> None:
    """Threads that look while requests begin and end: every answer is whole, and nothing is kept."""
    server = serve(trace_level=DETAILED)
    is_over = threading.Event()
    seen: list[int] = []

    def look() -> None:
        while not is_over.is_set():
            seen.extend(one["age_ns"] for one in server.engine.inflight())
            time.sleep(0)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    with server.connect() as client:
        assert {client.get("/").status for _ in range(500)} == {200}
    is_over.set()
    for watcher in watchers:
        watcher.join(DEADLINE_S)
    running(server, 0)
    gc.collect()


# ---- the public server and its socket ---------------------------------------------------------------------


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of sockets of this test's servers. Short: the path of a socket has at most 107 bytes."""
    folder = tmp_path_factory.mktemp("run")
    monkeypatch.setenv("XDG_RUNTIME_DIR", os.fspath(folder))
    return folder / "wirespan"


def test_the_socket_answers_for_its_server(runtime: Path) -> None:
    """Private, named after the process, and gone with the server."""
    app, opened = gated()
    with serving(app, inspect="auto", trace_level="base") as server:
        [path] = runtime.iterdir()
        assert (path.name, path.stat().st_mode & 0o777) == (f"{os.getpid()}.sock", 0o600)
        assert runtime.stat().st_mode & 0o777 == 0o700
        waiting = threading.Thread(target=httpx.get, args=(f"{server.url}/report/7",))
        waiting.start()
        until(lambda: [one["state"] for one in server.inflight()] == ["await"])
        told = ask(path)
        assert (told["pid"], told["url"], told["total"]) == (os.getpid(), server.url, 1)
        assert [one["route"] for one in told["requests"]] == ["/report/{number}"]
        assert (
            told["requests"][0].keys()
            == server.inflight()[0].keys()
            == InflightRequest.__annotations__.keys()
        )
        server.call(opened.set)
        waiting.join(DEADLINE_S)
    assert list(runtime.iterdir()) == []
    assert server.inflight() == []


def test_a_port_answers_where_it_was_asked_for() -> None:
    """On loopback only, and not to web pages that rebind their name."""
    with socket.socket() as reserved:  # bound: nobody else is given the port; not listening: we can have it
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with serving(App(), inspect=f"localhost:{port}") as server:
            assert ask(("127.0.0.1", port))["url"] == server.url
            answer = httpx.get(f"http://127.0.0.1:{port}/inflight", headers={"host": "evil.test"})
            assert answer.status_code == 403


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """Whoever asked for it must know."""
    taken = tmp_path / "taken"
    taken.write_text("precious")
    with (
        pytest.raises(StartError, match="the file exists and is no socket"),
        serving(App(), inspect=str(taken)),
    ):
        pass
    assert taken.read_text() == "precious"


def test_a_server_without_its_socket_serves(runtime: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody asked for it, so it is a line in the log."""
    runtime.mkdir(mode=0o755)
    with serving(App(), inspect="auto") as server:
        assert httpx.get(server.url).status_code == 404
    assert "`wirespan inflight` will not find this server" in caplog.text


def test_two_servers_of_a_process_have_their_own(runtime: Path) -> None:
    """The first name is free again when its server is down."""
    with serving(App(), inspect="auto") as one, serving(App(), inspect="auto") as two:
        urls = {path.name: ask(path)["url"] for path in runtime.iterdir()}
    assert urls == {f"{os.getpid()}.sock": one.url, f"{os.getpid()}-2.sock": two.url}


def test_nothing_runs_before_the_start() -> None:
    """A server that is not ready answers all the same."""
    assert PublicServer(App(), access_log="off").inflight() == []


def test_a_shutdown_says_what_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    """Users ask what held their deployment up."""
    app, _ = gated()
    with serving(app, trace_level="base", timeout_shutdown_s=0.0) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(request("/report/7"))
        until(lambda: [one["state"] for one in server.inflight()] == ["await"])
    client.close()
    [line] = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert line.startswith("shutdown ends GET /report/7 (/report/{number}) after 0.")
    assert ", await for 0." in line


def example(**changes: Any) -> InflightRequest:
    plain: dict[str, Any] = {
        "id": 1,
        "method": "GET",
        "route": "/a",
        "path": "/a",
        "state": "await",
        "state_ns": 1_500_000_000,
        "states": None,
        "age_ns": 2_000_000_000,
        "background": False,
        "end_reason": None,
        "trace_id": None,
        "client": None,
    }
    told: InflightRequest = json.loads(json.dumps(plain | changes))
    return told


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "GET /a after 2.0 s, await for 1.5 s"),
        ({"route": "/{x}", "trace_id": "4bf9"}, "GET /a (/{x}) after 2.0 s, await for 1.5 s, trace 4bf9"),
        ({"state": None}, "GET /a after 2.0 s"),
        ({"background": True}, "GET /a after 2.0 s, background for 1.5 s"),
        ({"method": "", "path": "", "route": None}, "a request without a head after 2.0 s, await for 1.5 s"),
    ],
)
def test_a_request_is_one_line(changes: dict[str, Any], line: str) -> None:
    """What is not known takes no room."""
    assert one_line(example(**changes)) == line


def test_a_log_has_room_for_the_oldest(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand lines at the end of a server are no help."""
    log_cut([example()] * 23)
    assert len(caplog.records) == 21
    assert caplog.records[-1].message == "shutdown ends 3 more"
