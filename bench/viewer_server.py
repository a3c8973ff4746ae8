"""The viewer's receiver and store alone, for `bench.viewer`: `python -m bench.viewer_server PORT FILE`."""

from __future__ import annotations

import sys

from wirespan import App
from wirespan.viewer.receiver import add_receiver
from wirespan.viewer.store import Store


def main(port: int, path: str) -> None:
    """Serves until it is told to stop."""
    store = Store.open(path, max_bytes=64 * 1024**3)
    app = App()
    add_receiver(app, store)
    app.on_shutdown(store.close)
    app.run(port=port, access_log="off")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
