"""How long the viewer's API takes to answer over many stored spans: `python -m bench.viewer_queries`.

The viewer runs in a process of its own over a file (`--file`, made by `bench.viewer_data`; else one is made).
"Cold" is the first answer after the file was opened, with the file in the system's page cache; "warm" is the
median of the next ones. CPU is the processor time of a warm answer, which other load changes less. Each
question is cold once: the process is started anew for it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from bench import viewer_data
from bench.machine import cpu_seconds, describe
from bench.process import free_port, pinned

_ROUNDS = 5
CORES = "0-1"  # as on a developer's machine: queries use what there is

_QUESTIONS = {
    "list: newest": "/api/requests",
    "list: route, over 50 ms": f"/api/requests?route={quote('/api/v1/items/{id}')}&min_ms=50",
    "list: service, errors": "/api/requests?service=service-3&status=error",
    "list: 404, method": "/api/requests?status=404&method=POST",
    "list: rare (over 20 s)": "/api/requests?min_ms=20000",
    "list: no match (status 418)": "/api/requests?status=418",
    "list: attribute, common": "/api/requests?attr=tenant%3Dtenant-7",
    "list: attribute, rare": "/api/requests?attr=user.id%3D12345",
    "list: attribute, no match": "/api/requests?attr=user.id%3Dnobody",
    "list: text, common": "/api/requests?text=Chrome/7.0",
    "list: text, rare": "/api/requests?text=%22user.id%22:12345,",
    "list: text, no match": "/api/requests?text=nowhere-to-be-found",
    "routes: everything": "/api/routes",
    "routes: a minute": "/api/routes?since=-1m",
    "routes: one service": "/api/routes?service=service-0",
    "series: everything": "/api/routes/series",
    "series: one route": f"/api/routes/series?route={quote('/api/v1/items/{id}')}",
    "heatmap: everything": "/api/heatmap",
    "heatmap: one route": f"/api/heatmap?route={quote('/api/v1/items/{id}')}",
    "services: everything": "/api/services",
    "services: a minute": "/api/services?since=-1m",
    "attribute keys": "/api/attributes?prefix=http",
    "status": "/api/status",
}


def main(path: Path, only: str) -> None:
    """Asks everything and prints the table."""
    print(describe())
    print("| question | rows | cold, ms | warm, ms | slowest, ms | CPU, ms |\n|---|---:|---:|---:|---:|---:|")
    questions = {name: url for name, url in _QUESTIONS.items() if only in name}
    if only in "trace":
        questions["trace"] = f"/api/traces/{_middle_trace(path)}"
    for name, url in questions.items():
        cold, *warm, cpu, answer = _measure(path, url)
        found = next((len(value) for value in answer.values() if isinstance(value, list)), 1)
        numbers = (cold, statistics.median(warm), max(warm), cpu)
        print(f"| {name} | {found} | {' | '.join(f'{number:.0f}' for number in numbers)} |", flush=True)


def _middle_trace(path: Path) -> str:
    port = free_port()
    with pinned(command(port, path), {}, CORES, port):
        sql = "SELECT trace_id FROM spans WHERE seq = (SELECT max(seq) // 2 FROM stored_spans)"
        body = json.dumps({"sql": sql})
        return str(ask(port, "/api/sql", body)["rows"][0][0])


def command(port: int, path: Path) -> list[str]:
    """What starts the viewer over a file."""
    return [sys.executable, "-m", "bench.viewer_server", str(port), str(path)]


def _measure(path: Path, url: str) -> list:
    port = free_port()
    times = []
    with pinned(command(port, path), {}, CORES, port) as pid:
        time.sleep(0.5)
        for number in range(_ROUNDS + 1):
            if number == 1:
                used = cpu_seconds(pid)
            began = time.perf_counter()
            answer = ask(port, url)
            times.append((time.perf_counter() - began) * 1e3)
        cpu_ms = (cpu_seconds(pid) - used) / _ROUNDS * 1e3
    return [*times, cpu_ms, answer]


def ask(port: int, url: str, body: str | None = None) -> dict:
    """The answer; a question with a body is a POST."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(
        "POST" if body else "GET", url, body, {"content-type": "application/json"} if body else {}
    )
    reply = connection.getresponse()
    answer = json.loads(reply.read())
    connection.close()
    if reply.status != 200:
        raise RuntimeError(f"{url}: {reply.status} {answer}")
    return answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--file", type=Path, help="a store that is there already")
    parser.add_argument("--only", default="", help="questions whose name has this")
    given = parser.parse_args()
    if given.file:
        main(given.file, given.only)
    else:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "bench.duckdb"
            viewer_data.main(made, given.spans)
            main(made, given.only)
