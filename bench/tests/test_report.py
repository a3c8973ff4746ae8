"""The README's table replaces what is between the markers, and nothing else."""

from pathlib import Path

import pytest
from bench.errors import BenchError
from bench.report import README_BEGIN, README_END, update_readme


def test_table_goes_between_the_markers(tmp_path: Path) -> None:
    """Twice gives the same file."""
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{README_BEGIN}\nold\n{README_END}\nafter\n")
    update_readme(readme, "| new |")
    update_readme(readme, "| new |")
    assert readme.read_text() == f"before\n{README_BEGIN}\n| new |\n{README_END}\nafter\n"


def test_readme_without_markers_is_left_alone(tmp_path: Path) -> None:
    """The message names the markers."""
    readme = tmp_path / "README.md"
    readme.write_text("text\n")
    with pytest.raises(BenchError, match="bench:begin"):
        update_readme(readme, "| new |")
    assert readme.read_text() == "text\n"
