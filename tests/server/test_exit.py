"""`SystemExit` and `KeyboardInterrupt` in a handler end the server, as they end any other asyncio program."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.wire
PROGRAM = """
import asyncio, sys, threading, urllib.request
from wirespan import App
from wirespan.server import run_config
from wirespan.sources import load_config

app = App()

@app.get("/first")
async def first(ctx):
    raise SystemExit(7)

@app.get("/later")
async def later(ctx):
    await asyncio.sleep(0)
    raise SystemExit(7)

def visit(url):
    try:
        urllib.request.urlopen(url)
    except OSError:
        pass

def ready(server):
    threading.Thread(target=visit, args=(server.url + sys.argv[1],), daemon=True).start()

run_config(app, load_config({"port": 0, "access_log": "off"}), ready)
"""


@pytest.mark.parametrize("path", ["/first", "/later"])
def test_exit_in_a_step_of_a_handler_ends_the_process(path: str) -> None:
    """From Python 3.12 on the first step runs inside the engine, which must not keep the exception."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, path], check=False, timeout=20, capture_output=True
    )
    assert ended.returncode == 7, ended.stderr.decode()
