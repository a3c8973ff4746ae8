"""The viewer's answers, memory and processor time while spans arrive: `python -m bench.viewer_busy --file F`.

A sender keeps a steady rate; meanwhile every question is asked in turn, once a second: five times as often
as an open page asks. The file (made by `bench.viewer_data`) grows: give a copy.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import threading
import time
from pathlib import Path
from urllib.parse import quote

from bench.machine import cpu_seconds, describe, resident_bytes
from bench.process import free_port, pinned
from bench.viewer_load import Shape, make_body
from bench.viewer_queries import CORES, ask, command

_SHAPE = Shape()
_MINUTES = "since=-15m"
_QUESTIONS = {
    "list: newest": "/api/requests",
    "list: route, over 50 ms": f"/api/requests?route={quote('/api/v1/items/{id}')}&min_ms=50",
    "routes: everything": "/api/routes",
    "routes: 15 minutes": f"/api/routes?{_MINUTES}",
    "heatmap: everything": "/api/heatmap",
    "services: everything": "/api/services",
    "services: 15 minutes": f"/api/services?{_MINUTES}",
    "status": "/api/status",
}


def main(path: Path, rate: int, rounds: int) -> None:
    """Asks everything with and without a sender and prints the tables."""
    print(describe())
    port = free_port()
    with pinned(command(port, path), {}, CORES, port) as pid:
        print(f"{resident_bytes(pid) / 1e6:,.0f} MB resident before the first question")
        _table(port, pid, rounds, "no sender")
        stop = threading.Event()
        sender = threading.Thread(target=_send, args=(port, rate, stop))
        sender.start()
        began, used = time.perf_counter(), cpu_seconds(pid)
        time.sleep(rounds)
        share = (cpu_seconds(pid) - used) / (time.perf_counter() - began)
        print(f"{share:.0%} of a core with {rate:,} spans/s and no questions")
        _table(port, pid, rounds, f"{rate:,} spans/s")
        stop.set()
        sender.join()
        print(f"{ask(port, '/api/status')['spans']:,} spans stored")


def _table(port: int, pid: int, rounds: int, title: str) -> None:
    print(f"| {title} | median, ms | slowest, ms | of a core, asked each second |\n|---|---:|---:|---:|")
    for name, url in _QUESTIONS.items():
        times = []
        began, used = time.perf_counter(), cpu_seconds(pid)
        for number in range(rounds):
            time.sleep(max(began + number - time.perf_counter(), 0))
            asked = time.perf_counter()
            ask(port, url)
            times.append((time.perf_counter() - asked) * 1e3)
        share = (cpu_seconds(pid) - used) / (time.perf_counter() - began + 1e-9)
        print(f"| {name} | {statistics.median(times):.0f} | {max(times):.0f} | {share:.0%} |", flush=True)
    print(f"{resident_bytes(pid) / 1e6:,.0f} MB resident")


def _send(port: int, rate: int, stop: threading.Event) -> None:
    """One sender that sends late requests at once, so that the rate is kept."""
    parts = [make_body(_SHAPE, seed).split(_SHAPE.mark) for seed in range(4)]
    connection = http.client.HTTPConnection("127.0.0.1", port)
    began, sent = time.perf_counter(), 0
    while not stop.is_set():
        connection.request("POST", "/v1/traces", _SHAPE.finish(parts[sent % len(parts)]), _SHAPE.headers)
        reply = connection.getresponse()
        reply.read()
        if reply.status != 200:
            raise RuntimeError(f"status {reply.status}")
        sent += 1
        stop.wait(max(began + sent * _SHAPE.spans / rate - time.perf_counter(), 0))
    print(f"{sent * _SHAPE.spans / (time.perf_counter() - began):,.0f} spans/s were sent")
    connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--file", type=Path, required=True, help="a store made by bench.viewer_data")
    parser.add_argument("--rate", type=int, default=20_000, help="spans a second")
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked")
    given = parser.parse_args()
    main(given.file, given.rate, given.rounds)
