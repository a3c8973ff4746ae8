"""Where the running requests of a server can be asked for, and how to find the servers of this user.

The folder is `$XDG_RUNTIME_DIR/wirespan`, else `wirespan-<uid>` in the folder for temporary files; each
server has `<pid>.sock` there. It is private (0700), and a socket without a listener is of a process that
died: whoever looks into the folder takes it away.
"""

import ipaddress
import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import TypeAlias

from wirespan.errors import ConfigError

Place: TypeAlias = Path | tuple[str, int]
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_HIGHEST_PORT = 65_535
_WRONG = "inspect must be auto, off, the path of a socket (with a /) or HOST:PORT of this machine, not {!r}"


def parse_place(text: str) -> Place | None:
    """A path, or a loopback address and port. None for the words `auto` and `off`.

    Raises:
        ConfigError: it is none of these.
    """
    if text in {"auto", "off"}:
        return None
    if "/" in text:
        return Path(text)
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit() and int(port) <= _HIGHEST_PORT):
        raise ConfigError(_WRONG.format(text))
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise ConfigError(_WRONG.format(text)) from None
    if not is_local:
        raise ConfigError(
            f"inspect must be a loopback address such as 127.0.0.1, not {host!r}: it shows paths and clients"
        )
    return host, int(port)


def private_dir() -> Path:
    """The folder for this process's socket, made if it is not there.

    Raises:
        OSError: it cannot be made, or belongs to somebody else.
    """
    folder = next(folder for folder in _folders() if folder.parent.is_dir())
    folder.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(folder):
        raise PermissionError(f"{folder} must be a folder of mode 0700 that belongs to user {os.getuid()}")
    return folder


def find_sockets() -> list[Path]:
    """The sockets of this user's live servers; those of dead ones are removed."""
    folders = [folder for folder in _folders() if _is_private(folder)]
    found = sorted(path for folder in folders for path in folder.glob("*.sock"))
    return [path for path in found if _is_alive(path)]


def free_socket() -> Path:
    """A path for a socket of this process: `<pid>.sock`, or `<pid>-2.sock` for its second server.

    Raises:
        OSError: there is no folder for it.
    """
    folder = private_dir()
    taken = set(find_sockets())
    names = (f"{os.getpid()}{f'-{number}' if number > 1 else ''}.sock" for number in range(1, len(taken) + 2))
    return next(path for path in map(folder.joinpath, names) if path not in taken)


def _folders() -> list[Path]:
    """Best first. A service may have another one than its user's shell, so both are looked at."""
    temporary = Path(tempfile.gettempdir(), f"wirespan-{os.getuid()}")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [Path(runtime, "wirespan"), temporary] if runtime else [temporary]


def _is_private(folder: Path) -> bool:
    """Whether nobody else can put a socket there. A link does not count: its target may change."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & _OTHERS


def _is_alive(path: Path) -> bool:
    """Whether somebody listens. One whose answer is late is asked all the same."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return False
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True
