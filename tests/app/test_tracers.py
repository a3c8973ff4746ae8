"""The tracers that ship: here only that they are reachable and typed; their output has tests of its own."""

import runpy
from pathlib import Path

import pytest

from wirespan import App, RequestContext, _core, tracers
from wirespan.testing import RecordingTracer, TestClient

ROOT = Path(__file__).parents[2]


def test_the_access_log_is_the_native_one() -> None:
    """A Python class around it would enter Python for each request."""
    assert tracers.AccessLog is _core.AccessLog


def test_the_timeline_example_prints_each_event(capsys: pytest.CaptureFixture[str]) -> None:
    """It is the model that users copy, so it must work, and be short."""
    path = ROOT / "examples" / "timeline.py"
    timeline = runpy.run_path(str(path))["Timeline"]()
    app = App(tracers=[timeline])

    @app.get("/items/{id:int}")
    async def item(ctx: RequestContext) -> None:
        ctx.json(ctx.params)

    done = RecordingTracer()
    app.tracers.insert(0, done)  # the first to start is the last to finish
    with TestClient(app) as client:
        client.get("/items/7")
        done.wait()
    printed = capsys.readouterr().out
    assert "GET /items/{id:int} 200 completed" in printed
    for name in ("HTTP_START", "SERVER_HANDLE_START", "HTTP_FINISH"):
        assert name in printed
    assert len(path.read_text().splitlines()) < 60


def test_the_documentation_shows_the_example_as_it_is() -> None:
    """Two copies drift apart; the message says which one to edit."""
    example = (ROOT / "examples" / "timeline.py").read_text()
    page = (ROOT / "docs" / "tracers.md").read_text()
    assert example in page, "copy examples/timeline.py into docs/tracers.md"
