"""A kill at any moment loses nothing that was acknowledged."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from wirespan.viewer.store import Store

ACKNOWLEDGED_BEFORE_KILL = 200

# Several tasks add batches and print the span ids of each as soon as `add` returns.
WRITER = textwrap.dedent(
    """
    import asyncio, sys
    from viewer.otlp import request, span
    from wirespan import _core
    from wirespan.viewer.store import Store

    async def send(store):
        while True:
            spans = [span() for _ in range(5)]
            await store.add(_core.decode("traces", "protobuf", request(*spans).SerializeToString()))
            print(" ".join(made.span_id.hex() for made in spans), flush=True)

    async def main():
        store = Store.open(sys.argv[1])
        await asyncio.gather(*(send(store) for _ in range(8)))

    asyncio.run(main())
    """
)


def test_a_killed_store_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    """kill -9 under load, then the file is opened again and compared."""
    path = tmp_path / "viewer.duckdb"
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, env=env
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(ACKNOWLEDGED_BEFORE_KILL)]
        process.send_signal(signal.SIGKILL)
        lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    assert process.returncode == -signal.SIGKILL
    acknowledged = {span_id for line in lines for span_id in line.decode().split()}
    assert len(acknowledged) >= ACKNOWLEDGED_BEFORE_KILL * 5
    store = Store.open(path)
    stored = [span_id for (span_id,) in store.read("SELECT span_id FROM spans ORDER BY seq")]
    assert acknowledged <= set(stored)
    assert len(stored) % 5 == 0, "a request is there whole or not at all"
    assert store.facts().last_seq == len(stored)
    asyncio.run(store.clear())
    store.close()
