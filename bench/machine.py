"""The machine: which cores, what it is, and what a process tree and a core did, read from /proc (proc(5))."""

from __future__ import annotations

import os
import platform
import resource
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Cores:
    """The two cores of a run."""

    server: int
    load: int


def choose_cores(server: int | None, load: int | None) -> Cores:
    """Fills in what was not asked for: the last allowed core serves, the first one makes the load.

    Raises:
        BenchError: Fewer than two cores, or both sides on one: then they would measure each other.
    """
    allowed = sorted(os.sched_getaffinity(0))
    cores = Cores(allowed[-1] if server is None else server, allowed[0] if load is None else load)
    if cores.server == cores.load or not {cores.server, cores.load} <= set(allowed):
        raise BenchError(
            f"server and load need two different cores of {allowed}, not {cores.server} and {cores.load}"
        )
    return cores


def describe() -> dict[str, str]:
    """Facts that a reader needs to compare numbers: processor, cores, kernel, Python."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    models = [
        line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
    }


def raise_open_files(wanted: int) -> None:
    """Lifts the limit of open files for this process and the servers it starts (they inherit it).

    Raises:
        BenchError: The hard limit is lower and may not be raised.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, PermissionError) as error:
        raise BenchError(
            f"needs {wanted} open files, the hard limit is {hard}: raise it with 'ulimit -Hn'"
        ) from error


def process_tree(pid: int) -> list[int]:
    """The process and all its descendants, threads' children included. Empty when it is gone."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        tasks = Path(f"/proc/{parent}/task")
        if not tasks.exists():
            continue
        found.append(parent)
        for children in tasks.glob("*/children"):
            waiting.extend(int(child) for child in children.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """User plus system time of the process tree so far, in steps of one clock tick (10 ms)."""
    ticks = 0
    for member in process_tree(pid):
        # The command name may hold spaces: fields are counted after its closing parenthesis.
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def resident_bytes(pid: int) -> int:
    """Resident memory of the process tree. Pages that processes share count once for each."""
    pages = (int(Path(f"/proc/{member}/statm").read_text().split()[1]) for member in process_tree(pid))
    return sum(pages) * PAGE_BYTES


def busy_seconds(core: int) -> float:
    """Time that the core was not idle so far: everybody's work, interrupts and time stolen by the host."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
    raise BenchError(f"/proc/stat has no core {core}")
