"""A client that sends exactly the bytes it is given and reads exactly the bytes that come."""

import contextlib
import re
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

DEADLINE_S = 60.0
"""How long a read waits before the test fails. Long, because it is only ever spent by a failing test."""

Address = tuple[str, int] | str


@dataclass
class Response:
    """One response as it was on the wire."""

    raw_head: bytes
    body: bytes = b""
    raw: bytes = b""
    fields: list[tuple[str, str]] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.raw_head.split(b" ", 2)[1])

    def get(self, name: str) -> str | None:
        """The value of a field that may be there once; more than once fails."""
        values = [value for key, value in self.fields if key == name.lower()]
        assert len(values) <= 1, self.raw_head
        return values[0] if values else None

    @property
    def closes(self) -> bool:
        return (self.get("connection") or "").lower() == "close"


class Client:
    """A blocking socket with a deadline on every read."""

    def __init__(self, address: Address, *, receive_buffer: int | None = None) -> None:
        if isinstance(address, str):
            family: socket.AddressFamily = socket.AF_UNIX
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:  # must be set before the handshake to bound the window
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_S)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.sent = 0
        self.received = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Closes with RST: what a crashed client or a cut cable looks like."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def finish_sending(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data: bytes, *, step: int | None = None) -> None:
        """Sends everything, in pieces of `step` bytes where given."""
        pieces: Iterable[bytes] = (
            [data] if step is None else (data[i : i + step] for i in range(0, len(data), step))
        )
        for piece in pieces:
            self.socket.sendall(piece)
            self.sent += len(piece)

    def send_if_open(self, data: bytes, *, step: int | None = None) -> None:
        """As `send`, to a server that may close before it has read all."""
        with contextlib.suppress(ConnectionError):
            self.send(data, step=step)

    def _fill(self) -> bool:
        """Waits for more. False at the end of the stream."""
        try:
            data = self.socket.recv(65_536)
        except ConnectionResetError:
            return False
        except TimeoutError:
            raise AssertionError(f"nothing came within {DEADLINE_S} s after {bytes(self.buffer)!r}") from None
        self.buffer += data
        self.received += len(data)
        return bool(data)

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end of the stream."""
        while len(self.buffer) < size and self._fill():
            pass
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def read_until(self, mark: bytes) -> bytes:
        """Bytes up to and with `mark`."""
        searched = 0
        while (found := self.buffer.find(mark, searched)) < 0:
            searched = max(0, len(self.buffer) - len(mark))
            assert self._fill(), f"closed before {mark!r}: {bytes(self.buffer)!r}"
        return self.read(found + len(mark))

    def read_all(self) -> bytes:
        """Everything up to the end of the stream."""
        while self._fill():
            pass
        return self.read(len(self.buffer))

    def expect(self, data: bytes) -> None:
        """The next bytes are exactly these."""
        got = self.read(len(data))
        assert got == data

    def expect_closed(self) -> None:
        """The server sends no more and closes."""
        rest = self.read_all()
        assert rest == b""

    def expect_silence(self, seconds: float = 0.1) -> None:
        """The server sends nothing and keeps the connection for this long."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65_536)
        except TimeoutError:
            assert not self.buffer
            return
        finally:
            self.socket.settimeout(DEADLINE_S)
        raise AssertionError(f"expected nothing, got {bytes(self.buffer + data)!r}")

    def response(self, *, head_only: bool = False) -> Response:
        """The next response, its body read as its own framing says."""
        raw_head = self.read_until(b"\r\n\r\n")
        lines = raw_head[:-4].decode("latin-1").split("\r\n")
        assert re.fullmatch(r"HTTP/1\.1 [1-9][0-9]{2} .*", lines[0]), lines[0]
        fields = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines[1:])]
        response = Response(raw_head, raw=raw_head, fields=fields)
        if not head_only and response.status >= 200 and response.status not in (204, 304):
            self._read_body(response)
        return response

    def _read_body(self, response: Response) -> None:
        if response.get("transfer-encoding") == "chunked":
            self._read_chunks(response)
        elif (length := response.get("content-length")) is not None:
            response.body = self.read(int(length))
            assert len(response.body) == int(length), "the body is shorter than its length"
            response.raw += response.body
        else:
            response.body = self.read_all()
            response.raw += response.body

    def _read_chunks(self, response: Response) -> None:
        body, raw = bytearray(), bytearray(response.raw)
        chunk = b""
        while chunk != b"\r\n":
            line = self.read_until(b"\r\n")
            chunk = self.read(int(line, 16) + 2)
            assert chunk.endswith(b"\r\n"), chunk
            body += chunk[:-2]
            raw += line + chunk
        response.body, response.raw = bytes(body), bytes(raw)

    def get(self, path: str = "/", *lines: str, method: str = "GET") -> Response:
        """Sends a request without a body and reads the response."""
        self.send(request(path, *lines, method=method))
        return self.response(head_only=method == "HEAD")


def request(path: str = "/", *lines: str, method: str = "GET", body: bytes = b"") -> bytes:
    """The bytes of a plain request; `lines` are header lines, a length is added where there is a body."""
    if body:
        lines = (*lines, f"Content-Length: {len(body)}")
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines])
    return head.encode("latin-1") + b"\r\n\r\n" + body


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Waits until `condition()` is true: for facts that nobody signals, such as a counter of the engine."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.005)
