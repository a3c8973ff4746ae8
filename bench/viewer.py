"""How many spans a second one core receives, decodes and stores: `python -m bench.viewer`.

The receiver and all its threads are pinned to one core, the senders to another; the store is a file. Every
counted span is acknowledged, that is on disk. Beside the wall clock's number stands spans per second of CPU
time: it remains true when the senders or the disk are the slower part.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.machine import choose_cores, cpu_seconds, describe
from bench.process import free_port, pinned
from bench.viewer_load import Shape, make_body, send

_BODIES = 8


def main(shape: Shape, senders: int, seconds: float) -> None:
    """Runs once and prints what came out."""
    cores = choose_cores(None, None)
    os.sched_setaffinity(0, {cores.load})
    bodies = [make_body(shape, seed) for seed in range(_BODIES)]
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.duckdb"
        command = [sys.executable, "-m", "bench.viewer_server", str(port), str(path)]
        with pinned(command, {}, cores.server, port) as pid:
            _measure(port, shape, bodies, senders, 1.0)  # warms up
            before = cpu_seconds(pid)
            began = time.perf_counter()
            requests = _measure(port, shape, bodies, senders, seconds)
            wall_s = time.perf_counter() - began
            cpu_s = cpu_seconds(pid) - before
        size = path.stat().st_size
    count = requests * shape.spans
    print(describe())
    print(f"{count:,} spans in {requests} requests of {len(bodies[0]):,} bytes, {senders} senders")
    print(f"{count / wall_s:,.0f} spans/s by the wall clock, {count / cpu_s:,.0f} spans/s of CPU time")
    print(f"{size / 1e6:.0f} MB in the file")


def _measure(port: int, shape: Shape, bodies: list[bytes], senders: int, seconds: float) -> int:
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    try:
        return send(port, shape, bodies, senders, stop)
    finally:
        timer.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spans", type=int, default=512, help="spans a request (the SDKs' batch: 512)")
    parser.add_argument("--children", type=int, default=2, help="spans under each SERVER span")
    parser.add_argument("--json", action="store_true", help="OTLP's JSON instead of protobuf")
    parser.add_argument("--gzip", action="store_true", help="compressed bodies")
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    main(Shape(given.spans, given.children, given.json, given.gzip), given.senders, given.seconds)
