"""The viewer for benchmarks: `python -m bench.viewer_server PORT FILE`."""

from __future__ import annotations

import sys

from wirespan.viewer.app import create
from wirespan.viewer.store import Store


def main(port: int, path: str) -> None:
    """Serves until it is told to stop."""
    store = Store.open(path, max_bytes=64 * 1024**3)
    viewer = create(store)
    viewer.app.on_shutdown(store.close)
    viewer.app.run(port=port, access_log="off")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
