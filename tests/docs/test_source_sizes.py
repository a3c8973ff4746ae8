"""Files and functions stay small enough to be read in one go."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MAX_FILE, MAX_FUNCTION = 600, 60
LISTED = subprocess.run(
    ["git", "ls-files", "*.py", "*.rs", "*.ts"], cwd=ROOT, capture_output=True, text=True, check=False
)
# From a source archive there is no list; the repository's own run has one.
SOURCES = [ROOT / name for name in LISTED.stdout.split() if (ROOT / name).exists()]


def production(path: Path) -> str:
    """The file without Rust's inline tests."""
    return re.split(r"^#\[cfg\(test\)\]\nmod ", path.read_text(), maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_not_too_long(path: Path) -> None:
    assert len(production(path).splitlines()) <= MAX_FILE, "split it by concept"


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.suffix == ".py"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_functions_are_not_too_long(path: Path) -> None:
    """Rust's are measured by clippy."""
    long = [
        f"{node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION
    ]
    assert not long


def test_no_catch_all_names() -> None:
    """A file is named after what it holds."""
    banned = {"utils", "common", "helpers", "misc", "types"}
    assert not [str(path.relative_to(ROOT)) for path in SOURCES if path.stem in banned]
