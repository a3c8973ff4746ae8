"""ClickHouse's engine behind its HTTP interface: `python clickhouse.py PORT FOLDER`.

There is no package of the server, but of its engine (chdb-core). What is here is the door only: it passes SQL
and blocks of the format Native through (https://clickhouse.com/docs/interfaces/http), without users and
compression.
"""

import struct
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from chdb import ChdbError, engine_version, session

HELLO = "SELECT displayName(), version(), revision(), timezone()"
# What the Go client wants around the blocks of its first answer, which it reads at a revision of its own.
BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
PLAIN = b"\x00"  # no custom serialization


def text(value: str) -> bytes:
    """A short string, in the format Native."""
    return bytes([len(value)]) + value.encode()


def hello(version: str) -> bytes:
    """The answer to the client's first question. With revision 0 all later blocks are plain ones."""
    columns = [
        ("displayName()", "String", text("engine")),
        ("version()", "String", text(version)),
        ("revision()", "UInt32", struct.pack("<I", 0)),
        ("timezone()", "String", text("UTC")),
    ]
    blocks = (text(name) + text(kind) + PLAIN + value for name, kind, value in columns)
    return BLOCK_INFO + bytes([len(columns), 1]) + b"".join(blocks)


class Engine:
    """One query at a time."""

    def __init__(self, folder: Path) -> None:
        self._session = session.Session(str(folder / "data"))
        self._rows = folder / "rows.native"
        self._version = str(engine_version)
        self._lock = threading.Lock()

    def answer(self, sql: str, rows: bytes, form: str) -> bytes:
        """What a query gives.

        Raises:
            ChdbError: if the engine refuses it, with its words.
        """
        if sql == HELLO:
            return hello(self._version)
        with self._lock:
            if rows:
                self._rows.write_bytes(rows)
                sql = f"{sql.removesuffix('FORMAT Native')} FROM INFILE '{self._rows}' FORMAT Native"
            return bytes(self._session.query(sql, form).bytes() or b"")


class Handler(BaseHTTPRequestHandler):
    """SQL is in the address where the body has rows, else it is the body."""

    protocol_version = "HTTP/1.1"
    engine: Engine

    def do_POST(self) -> None:
        words = parse_qs(urlsplit(self.path).query)
        body = b"".join(self._body())
        sql, rows = (words["query"][0], body) if "query" in words else (body.decode(), b"")
        [form] = words.get("default_format", ["JSONEachRow"])
        try:
            status, answer = 200, self.engine.answer(sql, rows, form)
        except ChdbError as error:
            status, answer = 400, str(error).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _body(self) -> Iterator[bytes]:
        if "content-length" in self.headers:
            yield self.rfile.read(int(self.headers["content-length"]))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()


if __name__ == "__main__":
    Handler.engine = Engine(Path(sys.argv[2]))
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
