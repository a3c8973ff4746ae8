"""The demo's clients: plain asyncio streams, because no HTTP library offers to behave this badly."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

HOST = "127.0.0.1"
PIECE = 65_536


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    length: int


async def request(port: int, method: str, path: str, traceparent: str = "") -> Reply:
    """A well-behaved client: one request, the whole response.

    Args:
        port: where the server listens, on 127.0.0.1.
        method: of the request.
        path: of the request.
        traceparent: the header that makes it part of a trace; empty sends none.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    with _closing(writer):
        writer.write(_head(method, path, 0, traceparent))
        return _reply(await reader.read(-1))


async def upload_slowly(port: int, path: str, *, pieces: int = 10, pause_s: float = 0.04) -> Reply:
    """A phone with a bad connection: the body comes in pieces."""
    reader, writer = await asyncio.open_connection(HOST, port)
    with _closing(writer):
        writer.write(_head("POST", path, pieces * PIECE))
        for _ in range(pieces):
            await asyncio.sleep(pause_s)
            writer.write(bytes(PIECE))
        return _reply(await reader.read(-1))


async def download_slowly(port: int, path: str, *, pause_s: float = 0.008) -> Reply:
    """A client that takes its time: a small window, and a pause after each piece."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (HOST, port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=PIECE)
    with _closing(writer):
        writer.write(_head("GET", path, 0))
        first = await reader.read(PIECE)
        length = len(first)
        while piece := await reader.read(PIECE):
            length += len(piece)
            await asyncio.sleep(pause_s)
        return Reply(_reply(first).status, length)


async def give_up(port: int, path: str, *, after_s: float = 0.02) -> None:
    """A user who closes the tab before the answer is there."""
    _, writer = await asyncio.open_connection(HOST, port)
    with _closing(writer):
        writer.write(_head("GET", path, 0))
        await asyncio.sleep(after_s)


def _head(method: str, path: str, length: int, traceparent: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Connection: close", f"Content-Length: {length}"]
    if traceparent:
        lines.append(f"traceparent: {traceparent}")
    return "\r\n".join([*lines, "", ""]).encode()


def _reply(raw: bytes) -> Reply:
    """Only the status counts here; a server that went away has none."""
    words = raw[:64].split(b" ", 2)
    return Reply(int(words[1]) if len(words) > 1 and words[1].isdigit() else 0, len(raw))


@contextlib.contextmanager
def _closing(writer: asyncio.StreamWriter) -> Iterator[None]:
    try:
        yield
    finally:
        writer.close()
