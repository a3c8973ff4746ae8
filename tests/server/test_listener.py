"""Binding: what the operator did wrong is told in one line, and nobody's socket is taken away."""

import contextlib
import errno
import os
import re
import socket
from pathlib import Path

import pytest

from wirespan.config import Config
from wirespan.listener import open_listener, remove_socket_file, url_of
from wirespan.loading import StartError


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", r"http://127\.0\.0\.1:\d+"),
        ("localhost", r"http://127\.0\.0\.1:\d+"),
        ("::1", r"http://\[::1\]:\d+"),
    ],
)
def test_tcp_address_has_a_url(host: str, url: str) -> None:
    """IPv4, a name, IPv6; port 0 becomes a real one."""
    with open_listener(Config(host=host, port=0)) as listener:
        assert re.fullmatch(url, url_of(listener))


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("203.0.113.7", "this machine does not have the address 203.0.113.7"),
        ("no.such.invalid", "there is no address"),
    ],
)
def test_wrong_host_is_told(host: str, message: str) -> None:
    """Not a number from the operating system."""
    with pytest.raises(StartError, match=message):
        open_listener(Config(host=host, port=0))


def test_port_in_use_is_told() -> None:
    """The most common mistake of all."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            StartError, match=f"port {port} on 127.0.0.1 is in use: stop the other server, or choose"
        ):
            open_listener(Config(port=port))


def test_socket_file_of_a_dead_server_is_replaced(tmp_path: Path) -> None:
    """A server that was killed cannot clean up."""
    path = str(tmp_path / "app.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    config = Config(uds=path)
    with open_listener(config) as listener:
        assert url_of(listener) == f"unix:{path}"
    remove_socket_file(config)
    remove_socket_file(config)
    assert not os.path.exists(path)


def test_socket_file_of_a_living_server_is_kept(tmp_path: Path) -> None:
    """Two servers by mistake: the second one gives way."""
    path = str(tmp_path / "app.sock")
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(path)
        living.listen()
        with pytest.raises(StartError, match=re.escape(f"the socket {path} is in use by a running server")):
            open_listener(Config(uds=path))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    """A wrong --uds must not delete data."""
    path = tmp_path / "data"
    path.write_text("precious")
    with pytest.raises(StartError, match="exists and is not a socket"):
        open_listener(Config(uds=str(path)))
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", ["missing/app.sock", "x" * 200])
def test_impossible_socket_path_is_told(tmp_path: Path, name: str) -> None:
    """No such folder, or longer than the kernel allows."""
    with pytest.raises(StartError, match="cannot make the socket"):
        open_listener(Config(uds=str(tmp_path / name)))


def test_inherited_descriptor_is_used() -> None:
    """As systemd and `--reload` hand it over."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        url = url_of(bound)
        with open_listener(Config(fd=os.dup(bound.fileno()))) as listener:
            assert url_of(listener) == url


def test_wrong_descriptor_is_told(tmp_path: Path) -> None:
    """Closed, a file, or a datagram socket."""
    with pytest.raises(StartError, match="descriptor 999 is not an open socket: Bad file descriptor"):
        open_listener(Config(fd=999))
    with (tmp_path / "file").open("w") as file, pytest.raises(StartError, match="is not an open socket"):
        open_listener(Config(fd=file.fileno()))
    with (
        socket.socket(type=socket.SOCK_DGRAM) as datagrams,
        pytest.raises(StartError, match="is not a TCP or Unix stream"),
    ):
        open_listener(Config(fd=datagrams.fileno()))


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EACCES, "no permission to listen on port 80: ports below 1024 are for root, choose another"),
        (errno.ENOBUFS, "cannot listen on 127.0.0.1 port 80: No buffer space available"),
    ],
)
def test_what_the_system_refuses_is_told(number: int, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the operator's words where there are better ones, else in the system's."""

    def refuse(listener: socket.socket, addr: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(StartError, match=re.escape(message)):
        open_listener(Config(port=80))


def test_socket_file_of_another_kind_is_kept(tmp_path: Path) -> None:
    """It belongs to a program that speaks something else."""
    path = str(tmp_path / "other.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(path)
        with pytest.raises(StartError, match="cannot use the socket"):
            open_listener(Config(uds=path))
    assert os.path.exists(path)


def test_socket_file_of_a_busy_server_is_kept(tmp_path: Path) -> None:
    """A full backlog is a sign of life, too."""
    path = str(tmp_path / "busy.sock")
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(socket.socket(socket.AF_UNIX))
        busy.bind(path)
        busy.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect(path)
        with pytest.raises(StartError, match="is in use by a running server"):
            open_listener(Config(uds=path))
