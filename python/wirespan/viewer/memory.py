"""A bound on the memory of a stretch of work: the kernel refuses what goes beyond (setrlimit(2), RLIMIT_AS).

DuckDB's own limit does not count what one function makes for one row: `SELECT range(1000000000)` wants 16 GB
inside a call that heeds no interrupt. An allocation that the kernel refuses, DuckDB turns into an error of
that query alone; measured with strings, lists and aggregates of every size.

The limit is the process's: it holds for all threads while the work goes on, so it must leave room for theirs.
"""

import contextlib
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_STATM: Final = Path("/proc/self/statm")
_one: Final = threading.Lock()


@contextlib.contextmanager
def bounded_memory(extra_bytes: int, wait_s: float) -> Iterator[None]:
    """Lets the process grow by this much at most. One stretch of work at a time; others wait.

    Where the system does not tell the size of a process (it is no Linux), there is no bound.

    Raises:
        TimeoutError: others took longer than `wait_s`.
    """
    if not _one.acquire(timeout=wait_s):
        raise TimeoutError
    try:
        with _limited(extra_bytes) if _STATM.exists() else contextlib.nullcontext():
            yield
    finally:
        _one.release()


@contextlib.contextmanager
def _limited(extra_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    # Field 1 of statm: pages of address space in use (proc(5)).
    wanted = int(_STATM.read_text().split()[0]) * resource.getpagesize() + extra_bytes
    known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([wanted, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
