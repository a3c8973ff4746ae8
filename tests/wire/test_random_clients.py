"""Random clients against random handlers: whatever both do, each exchange ends once and the books balance."""

import asyncio
import contextlib
import os
import random
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from harness import Recorder, Server, read_body, states_ms, wait_for
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
SEED = int(os.environ.get("WIRESPAN_TEST_SEED", "1"))
CLIENTS = int(os.environ.get("WIRESPAN_TEST_CLIENTS", "250"))
AT_ONCE = 40
SIZES = (0, 1, 100, 5_000, 70_000, 400_000)
ENDS = ("read", "read", "read", "read some", "close", "reset", "half-close", "slow")


async def reply(exchange: Exchange, dice: random.Random) -> None:
    exchange.reply(dice.choice((None, 200, 204, 404)), "text/plain", b"x" * dice.choice(SIZES))


async def stream(exchange: Exchange, dice: random.Random) -> None:
    for _ in range(dice.randrange(6)):
        await exchange.send(b"y" * dice.choice(SIZES))
        await asyncio.sleep(dice.choice((0, 0, 0.002)))
    await exchange.finish()
    await asyncio.sleep(dice.choice((0, 0.002)))


async def consume(exchange: Exchange, dice: random.Random) -> None:
    await read_body(exchange)
    await reply(exchange, dice)


async def echo_pieces(exchange: Exchange, dice: random.Random) -> None:
    while piece := await exchange.read():
        await exchange.send(piece)
    await exchange.finish()


async def fail(exchange: Exchange, dice: random.Random) -> None:
    if dice.random() < 0.5:
        await exchange.send(b"z" * dice.choice(SIZES))
    raise dice.choice(
        (ValueError("on purpose"), asyncio.CancelledError(), ConnectionError("not the client's"))
    )


async def wrong_length(exchange: Exchange, dice: random.Random) -> None:
    exchange.set_header("content-length", "10")
    await exchange.send(b"w" * dice.choice((1, 10, 11)))
    await exchange.finish()


async def wait_for_leaving(exchange: Exchange, dice: random.Random) -> None:
    for _ in range(20):
        if exchange.is_disconnected:
            return
        await asyncio.sleep(0.002)
    await reply(exchange, dice)


async def give_up_reading(exchange: Exchange, dice: random.Random) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.003), asyncio.TaskGroup() as group:
            group.create_task(_read_once(exchange))
            group.create_task(_read_once(exchange))
    await stream(exchange, dice)


async def _read_once(exchange: Exchange) -> None:
    await exchange.read()


async def slow(exchange: Exchange, dice: random.Random) -> None:
    await asyncio.sleep(dice.choice((0.001, 0.01, 0.5)))  # the last is over timeout_handler_s
    await reply(exchange, dice)


HANDLERS = (
    reply, stream, consume, echo_pieces, fail, wrong_length, wait_for_leaving, give_up_reading, slow,
)  # fmt: skip


async def handler(exchange: Exchange) -> None:
    dice = random.Random(exchange.query_string)
    await dice.choice(HANDLERS)(exchange, dice)


def one_request(dice: random.Random) -> bytes:
    target = f"/?{dice.randrange(1 << 40)}"
    body = b"b" * dice.choice(SIZES)
    lines = ["Host: x"]
    match dice.randrange(8):
        case 0 | 1 | 2:
            lines.append(f"Content-Length: {len(body)}")
        case 3 | 4:
            lines.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        case 5:
            lines += [f"Content-Length: {len(body)}", "Expect: 100-continue"]
        case 6:
            body = b""
        case 7:
            lines, body = dice.choice(
                ((["Host x"], b""), (["Transfer-Encoding: chunked", "Host: x"], b"q\r\n"))
            )
    method = dice.choice(("GET", "POST", "HEAD"))
    head = "\r\n".join((f"{method} {target} HTTP/1.1", *lines))
    return head.encode() + b"\r\n\r\n" + body


class RandomClient:
    """One connection that does what its dice say."""

    def __init__(self, number: int) -> None:
        self.dice = random.Random(f"{SEED} {number}")
        self.received = 0
        self.saw_end = False
        # The server closed while we were still sending: the kernel then throws away what we have not read.
        self.was_cut = False
        self.port = 0

    async def run(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as sock:
            sock.setblocking(False)
            if self.dice.random() < 0.3:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
            await loop.sock_connect(sock, ("127.0.0.1", port))
            self.port = sock.getsockname()[1]
            data = b"".join(one_request(self.dice) for _ in range(self.dice.choice((1, 1, 2, 5))))
            if self.dice.random() < 0.15:
                data = data[: self.dice.randrange(len(data))]
            end = self.dice.choice(ENDS)
            sending = asyncio.ensure_future(self.send(sock, data))
            try:
                async with asyncio.timeout(2.5):
                    await self.receive(sock, end, sending)
            except (OSError, TimeoutError):
                pass  # the server may close whenever it likes
            finally:
                sending.cancel()
                await asyncio.wait([sending])
            if end == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def send(self, sock: socket.socket, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        step = self.dice.choice((len(data) or 1, 50_000, 997, 40))
        step = max(step, len(data) // 200)
        try:
            for at in range(0, len(data), step):
                await loop.sock_sendall(sock, data[at : at + step])
                if self.dice.random() < 0.1:
                    await asyncio.sleep(0.001)
        except OSError:
            self.was_cut = True

    async def receive(self, sock: socket.socket, end: str, sending: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        if end in ("close", "reset"):
            await asyncio.sleep(self.dice.choice((0, 0.001, 0.01)))
            return
        if end == "half-close":
            await asyncio.wait([sending])
            sock.shutdown(socket.SHUT_WR)
        limit = self.dice.choice(SIZES) if end == "read some" else 1 << 40
        while self.received < limit:
            data = await loop.sock_recv(sock, 2_000 if end == "slow" else 65_536)
            self.received += len(data)
            if not data:
                self.saw_end = True
                return
            if end == "slow":
                await asyncio.sleep(0.001)


async def drive(port: int) -> list[RandomClient]:
    gate = asyncio.Semaphore(AT_ONCE)
    clients = [RandomClient(number) for number in range(CLIENTS)]

    async def one(client: RandomClient) -> None:
        async with gate:
            with contextlib.suppress(ConnectionError):
                await client.run(port)

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(one(client))
    return clients


@pytest.mark.parametrize("traced", [True, False], ids=["traced", "untraced"])
def test_every_exchange_ends_once_and_the_books_balance(
    serve: Callable[..., Server], recorder: Recorder, loop: str, traced: bool
) -> None:
    tracers: list[Any] = [recorder] if traced else []
    server = serve(
        handler, tracers=tracers, loop=loop, timeout_header_s=0.4, timeout_body_s=0.4, timeout_write_s=1.0,
        timeout_idle_s=0.5, timeout_handler_s=0.3, limit_body_buffer_bytes=65_536, limit_body_bytes=300_000,
        limit_write_buffer_bytes=65_536,
    )  # fmt: skip
    clients = asyncio.run(drive(server.port))
    wait_for(lambda: server.call(lambda: server.engine.active) == 0, "every exchange is over")
    wait_for(lambda: server.call(lambda: server.engine.connections) == 0, "every connection is closed")
    unexpected = {what for what, error in server.errors if not what.endswith(": the handler raised")}
    assert unexpected == set()
    if traced:
        check_records(recorder, clients)


def check_records(recorder: Recorder, clients: list[RandomClient]) -> None:
    assert len(recorder.started) == len(recorder.finished)
    assert Counter(map(id, recorder.started)) == Counter(map(id, recorder.finished))
    sent: dict[int, int] = defaultdict(int)
    for exchange in recorder.finished:
        stats = exchange.stats
        states_ms(stats)
        assert stats.end_reason is not None
        assert exchange.client is not None
        sent[exchange.client[1]] += stats.send_size
    ports = Counter(client.port for client in clients)
    for client in clients:
        if ports[client.port] == 1:
            assert sent[client.port] >= client.received
            if client.saw_end and not client.was_cut:
                assert sent[client.port] == client.received
