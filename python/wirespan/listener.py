"""The socket that the server listens on, bound here so that what goes wrong is told in the operator's words.

The engine duplicates the descriptor (`listen_fd`), makes it listen and asks for kernel time stamps. With
`--reload` the parent process keeps a second reference, so that no connection is refused during a restart.
"""

import contextlib
import errno
import os
import socket
import stat

from wirespan.config import Config
from wirespan.loading import StartError, reason


def open_listener(config: Config) -> socket.socket:
    """A bound stream socket as the options say: an inherited descriptor, a Unix socket, or TCP.

    Raises:
        StartError: the port is in use, there is no permission, the descriptor is no socket, and so on.
    """
    if config.fd is not None:
        return _inherited(config.fd)
    return _unix(config.uds) if config.uds is not None else _tcp(config.host, config.port)


def url_of(listener: socket.socket) -> str:
    """Where clients reach it: `http://127.0.0.1:8000`, or `unix:/run/app.sock`."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{name}"
    host, port = name[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def remove_socket_file(config: Config) -> None:
    """Removes the file of the Unix socket, if there is one of ours."""
    if config.uds is not None and config.fd is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(config.uds)


def _tcp(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise StartError(f"there is no address for the host {host!r}: {reason(error)}") from error
    # `localhost` is both: IPv4 is what its users type, and `::1` is there for the others.
    family, _, _, _, addr = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(addr)
    except OSError as error:
        listener.close()
        raise StartError(_tcp_problem(error, host, port)) from error
    return listener


def _tcp_problem(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use: stop the other server, or choose another --port"
        case errno.EACCES:
            return f"no permission to listen on port {port}: ports below 1024 are for root, choose another"
        case errno.EADDRNOTAVAIL:
            return f"this machine does not have the address {host}: 127.0.0.1 or 0.0.0.0 always works"
        case _:
            return f"cannot listen on {host} port {port}: {reason(error)}"


def _unix(path: str) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
    except OSError as error:
        listener.close()
        raise StartError(f"cannot make the socket {path}: {reason(error)}") from error
    return listener


def _remove_stale(path: str) -> None:
    """A server that was killed leaves its file behind; a living one answers, and keeps it."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return  # nothing is there, or bind says better what is wrong
    if not stat.S_ISSOCK(mode):
        raise StartError(f"{path} exists and is not a socket: choose another --uds")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # A full backlog must not make us wait: it answers EAGAIN, which is a sign of life.
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise StartError(f"cannot use the socket {path}: {reason(error)}") from error
    raise StartError(f"the socket {path} is in use by a running server")


def _inherited(fd: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=fd)
        kind = listener.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    except OSError as error:
        raise StartError(f"descriptor {fd} is not an open socket: {reason(error)}") from error
    if kind != socket.SOCK_STREAM or listener.family not in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        listener.detach()
        raise StartError(f"descriptor {fd} is not a TCP or Unix stream socket")
    return listener
