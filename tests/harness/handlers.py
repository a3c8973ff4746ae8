"""Handlers that many tests use. They are written against the engine's own exchange, without the framework."""

from wirespan._core import Exchange

HELLO = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello"
"""What `hello` answers, as bytes on the wire, on a connection that is kept."""


async def hello(exchange: Exchange) -> None:
    """Answers without looking at the request."""
    exchange.reply(200, "text/plain", b"hello")


async def read_body(exchange: Exchange) -> bytes:
    """The whole request body."""
    pieces = []
    while piece := await exchange.read():
        pieces.append(piece)
    return b"".join(pieces)


async def echo(exchange: Exchange) -> None:
    """Answers with the request's body."""
    exchange.reply(200, "application/octet-stream", await read_body(exchange))
