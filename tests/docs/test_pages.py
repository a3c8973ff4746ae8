"""What the pages say is true: their code runs, their paths exist, their tables are the code's."""

import re
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

import generate_docs
import wirespan
from wirespan import App, tracers
from wirespan.cli import main
from wirespan.tracers import OpenTelemetry

ROOT = Path(__file__).parent.parent.parent
PAGES = generate_docs.pages()
FENCE = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`((?:core|binding|python|viewer|bench|tests|docs|examples|scripts)/[\w./-]*)`")


def blocks(page: Path, language: str) -> list[tuple[str, str]]:
    """Code blocks of a language: what follows it on the fence, and the code."""
    return [(note.strip(), code) for name, note, code in FENCE.findall(page.read_text()) if name == language]


def named(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in pages])


@named([page for page in PAGES if blocks(page, "python")])
def test_python_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is read from top to bottom, so blocks share names. Those marked `no-run` are only compiled."""
    monkeypatch.setattr(App, "run", lambda *args, **options: None)
    monkeypatch.setattr(wirespan, "run", lambda *args, **options: None)
    monkeypatch.setattr(trace, "set_tracer_provider", lambda provider: None)  # for good, in this process
    exporters: list[OpenTelemetry] = []
    monkeypatch.setattr(tracers, "OpenTelemetry", lambda **options: kept(OpenTelemetry(**options), exporters))
    names: dict[str, Any] = {"__name__": "page"}
    for note, code in blocks(page, "python"):
        compiled = compile(code, str(page), "exec")
        if note != "no-run":
            exec(compiled, names)
    for exporter in exporters:
        exporter.close(0.0)


def kept(exporter: OpenTelemetry, exporters: list[OpenTelemetry]) -> OpenTelemetry:
    exporters.append(exporter)
    return exporter


@named([page for page in PAGES if blocks(page, "sh")])
def test_commands_exist(page: Path) -> None:
    """`make` targets and wirespan's own options."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for _, code in blocks(page, "sh"):
        for target in re.findall(r"^(?:\$ )?make ([a-z-]+)", code, re.MULTILINE):
            assert target in targets
        for name, rest in re.findall(r"\bwirespan ([a-z]+)([^\n|&#]*)", code):
            command = main.commands[name]
            known = {option for parameter in command.params for option in parameter.opts}
            assert set(re.findall(r"--[a-z-]+", rest)) <= known | {"--help"}


@named(PAGES)
def test_paths_exist(page: Path) -> None:
    missing = [path for path in PATH.findall(page.read_text()) if not (ROOT / path).exists()]
    assert not missing


@named(PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


@named(PAGES)
def test_tables_are_the_codes(page: Path) -> None:
    """Fix: `make docs`."""
    assert page.read_text() == generate_docs.render(page.read_text())


def test_the_event_table_is_documented() -> None:
    assert any("<!-- generated: events -->" in page.read_text() for page in PAGES)


def test_architecture_names_every_module() -> None:
    """A newcomer finds each source file of the request's path in ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    tops = [*ROOT.glob("core/src/*"), *ROOT.glob("binding/src/*"), *ROOT.glob("python/wirespan/*.py")]
    skipped = {"__init__.py", "__main__.py", "lib.rs"}
    assert not [str(p.relative_to(ROOT)) for p in tops if p.name not in skipped and p.name not in text]
