"""Where the engine listens: IPv4, IPv6, Unix sockets, inherited descriptors."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import HELLO, Server, request
from wirespan._core import Exchange

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here"))],
)
def test_tcp_knows_both_ends(serve: Serve, host: str, loop: str) -> None:
    ends: list[object] = []

    async def handler(exchange: Exchange) -> None:
        ends.append((exchange.client, exchange.server))
        exchange.reply(200, "text/plain", b"hello")

    server = serve(handler, host=host, loop=loop)
    with server.connect() as client:
        client.send(request())
        client.expect(HELLO)
        assert ends == [(client.socket.getsockname()[:2], server.address[:2])]


def test_unix_socket_serves(serve: Serve, tmp_path: Path, loop: str) -> None:
    ends: list[object] = []

    async def handler(exchange: Exchange) -> None:
        ends.append(exchange.client)
        exchange.reply(200, "text/plain", b"hello")

    with serve(handler, uds=str(tmp_path / "socket"), loop=loop).connect() as client:
        client.send(request() + request())
        client.expect(HELLO * 2)
    assert ends == [None, None]


def test_stale_unix_socket_is_replaced(serve: Serve, tmp_path: Path) -> None:
    """A killed server leaves its file behind; the next start must not need a hand."""
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    with serve(uds=path).connect() as client:
        client.send(request())
        client.expect(HELLO)


def test_unix_socket_in_use_is_not_taken_away(serve: Serve, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    serve(uds=path)
    with pytest.raises(OSError):  # noqa: PT011 - the text is the system's
        serve(uds=path)


def test_inherited_tcp_descriptor_serves(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        server = serve(fd=listener.detach())
    server.address = address
    with server.connect() as client:
        client.send(request())
        client.expect(HELLO)


def test_inherited_unix_descriptor_serves(serve: Serve, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        server = serve(fd=listener.detach())
    server.address = path
    with server.connect() as client:
        client.send(request())
        client.expect(HELLO)


def test_descriptor_that_does_not_listen_is_refused(serve: Serve, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises((OSError, ValueError)):
        serve(fd=file.fileno())


def test_port_in_use_is_refused_before_anything_is_served(serve: Serve) -> None:
    server = serve()

    def again() -> None:
        server.engine.listen_tcp("127.0.0.1", server.port)

    with pytest.raises(OSError, match="in use"):
        server.call(again)
