"""Generated requests, judged by h11 and by us: the same verdict, and the same message where both accept.

We differ on purpose, always on the strict side:

- h11 accepts a bare LF as a line end, several empty lines before a request, folded fields and spaces around
  names where we do not. The generator makes none of these; `test_heads.py` tests them.
- h11 takes identical repeated Content-Length fields for one; we refuse any repetition.
- h11 takes any target without spaces and control bytes, and any Host; we take the four forms of RFC 9112.
- h11 keeps DEL in values; we refuse it.
- h11 lets Transfer-Encoding win over Content-Length; we refuse both together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import h11
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import Client, Server, read_body
from harness.client import Address
from wirespan._core import Exchange

pytestmark = pytest.mark.wire

TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
FRAMING = {"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te", "trailer"}

names = st.text(TOKEN, min_size=1, max_size=12).filter(lambda name: name.lower() not in FRAMING)
values = st.text(st.sampled_from([chr(c) for c in (9, *range(0x20, 0x7F), *range(0x80, 0x100))]), max_size=20)
broken_values = st.text(st.sampled_from("ab \t\0\x01\x0b\r"), max_size=6)
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "PURGE", "M-SEARCH"])
targets = st.text(st.sampled_from("abz019-._~%41/?&=;:@!$'()*+,"), max_size=20).map(lambda tail: "/" + tail)
fields = st.lists(st.tuples(names, values), max_size=5)
bodies = st.binary(max_size=200)


@dataclass
class Message:
    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes


seen: list[Message] = []


async def note(exchange: Exchange) -> None:
    """Keeps the decoded request for the test to compare."""
    body = await read_body(exchange)
    query = f"?{exchange.query_string}" if exchange.query_string else ""
    items = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in exchange.header_items()]
    seen.append(Message(exchange.method.encode(), exchange.raw_path + query.encode("latin-1"), items, body))
    exchange.reply(200, "text/plain", b"")


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with Server(note) as server:
        yield server.address


def second_opinion(data: bytes) -> Message | None:
    """What h11 makes of the bytes; None where it refuses them or finds them incomplete."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    message = None
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                message = Message(event.method, event.target, list(event.headers), b"")
            elif isinstance(event, h11.Data) and message is not None:
                message.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return message
            else:
                return None
    except h11.RemoteProtocolError:
        return None


def our_opinion(address: Address, data: bytes) -> Message | None:
    """What we make of the bytes."""
    seen.clear()
    with Client(address) as client:
        client.send_if_open(data)
        client.finish_sending()
        client.read_all()
    return seen[0] if seen else None


def chunked(body: bytes, cuts: list[int]) -> bytes:
    """The body in chunks that end at these places."""
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    pieces = [body[a:b] for a, b in pairwise(places)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


def head(method: str, target: str, lines: list[tuple[str, str]]) -> bytes:
    text = f"{method} {target} HTTP/1.1\r\nHost: a\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines)
    return text.encode("latin-1") + b"\r\n"


def compare(address: Address, data: bytes) -> None:
    theirs, ours = second_opinion(data), our_opinion(address, data)
    if ours is not None and theirs is not None and theirs.target == ours.target + b"?":
        theirs.target = ours.target  # an empty query and none are one for us
    assert ours == theirs, data


compared = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@compared
@given(methods, targets, fields, bodies)
def test_message_of_known_length(
    address: Address, method: str, target: str, fields: list[tuple[str, str]], body: bytes
) -> None:
    lines = [*fields, ("Content-Length", str(len(body)))]
    compare(address, head(method, target, lines) + body)


@compared
@given(methods, targets, fields, bodies, st.lists(st.integers(0, 300), max_size=4))
def test_chunked_message(
    address: Address, method: str, target: str, fields: list[tuple[str, str]], body: bytes, cuts: list[int]
) -> None:
    lines = [*fields, ("Transfer-Encoding", "chunked")]
    compare(address, head(method, target, lines) + chunked(body, cuts))


@compared
@given(names, broken_values)
def test_values_with_forbidden_bytes(address: Address, name: str, value: str) -> None:
    compare(address, head("GET", "/", [(name, f"x{value}x")]))


@compared
@given(st.text(st.sampled_from("aZ-_: \t()[]@\0\xe9"), min_size=1, max_size=8))
def test_names(address: Address, name: str) -> None:
    compare(address, head("GET", "/", [("A", "b"), (f"x{name}x", "value")]))


@compared
@given(st.text(st.sampled_from("0123456789+-, xab_"), max_size=6))
def test_lengths(address: Address, length: str) -> None:
    """What h11 reads as `1, 1` we refuse; so the body is as long as the text could mean."""
    if "," in length:
        length = length.replace(",", "")
    compare(address, head("POST", "/", [("Content-Length", length)]) + b"x" * 100)


@compared
@given(st.text(st.sampled_from("0123456789abcdefABCDEF+-x;= \t\r\n_"), max_size=8), bodies)
def test_we_never_accept_a_chunk_that_h11_refuses(address: Address, line: str, body: bytes) -> None:
    """The other way round is allowed: h11 takes white space and bare LF here."""
    data = (
        head("POST", "/", [("Transfer-Encoding", "chunked")])
        + line.encode()
        + b"\r\n"
        + body
        + b"\r\n0\r\n\r\n"
    )
    ours = our_opinion(address, data)
    if ours is not None:
        assert ours == second_opinion(data), data
