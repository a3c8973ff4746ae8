"""`--reload` in this process: what is refused before anything starts, and a child that does not listen."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from wirespan import reload
from wirespan.config import Config
from wirespan.errors import ConfigError
from wirespan.loading import StartError

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"


def test_tracers_must_have_names() -> None:
    """An object cannot be handed to another process."""
    with pytest.raises(ConfigError, match=r"reload needs tracers by name: tracers=\['module:object'\]"):
        reload.run_reloading("shop", Config(tracers=(object(),)))


def test_missing_watchfiles_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the port is bound."""
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(StartError, match="--reload needs watchfiles: pip install watchfiles"):
        reload.run_reloading("shop", Config())


def test_child_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that blocks the loop hears no signal."""
    children: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        children.append(popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE))
        return children[-1]

    monkeypatch.setattr(reload, "GRACE_S", 0.01)
    monkeypatch.setattr(subprocess, "Popen", start)
    child = reload._Child("shop", Config(), 0)
    (process,) = children
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        child.end()
        assert process.returncode == -9


def test_end_of_the_child_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Between changes the parent looks; a restart has its own line."""
    child = mock.Mock(has_failed=mock.Mock(side_effect=[False, True, False]))
    quiet: set[tuple[int, str]] = set()
    changes = [quiet, quiet, quiet, {(1, str(Path.cwd() / "shop.py"))}]
    watchfiles = mock.Mock(watch=mock.Mock(return_value=changes))
    reload._watch(watchfiles, child, Config(), threading.Event())
    assert capsys.readouterr().err == (
        f"wirespan: the server has ended, waiting for a change in {Path.cwd()}\n"
        "wirespan: shop.py changed, restarting\n"
    )
    assert child.restart.call_count == 1
