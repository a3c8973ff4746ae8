"""Writes into the docs what the code knows better: tables between two marks.

    <!-- generated: events -->
    ...
    <!-- /generated -->

`make docs` rewrites them; a test fails where a page differs from the code.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from wirespan import _core
from wirespan.tables import events_markdown, options_markdown

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


def pages() -> list[Path]:
    """The pages that may hold generated tables."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [titles, ["---"] * len(titles), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def end_reasons() -> str:
    """How an exchange can end."""
    return table(("`end_reason`",), ([f"`{name}`"] for name in _core.end_reasons()))


def access_log_fields() -> str:
    """Fields of the JSON access log."""
    return table(
        ("field", "meaning"), ((f"`{name}`", meaning) for name, meaning in _core.access_log_fields())
    )


GENERATORS: dict[str, Callable[[], str]] = {
    "access-log-fields": access_log_fields,
    "end-reasons": end_reasons,
    "events": events_markdown,
    "options": options_markdown,
}


def render(text: str) -> str:
    """The page with every generated block as the code says.

    Raises:
        KeyError: a block has a name that nobody generates.
    """
    return BLOCK.sub(lambda found: f"{found[1]}{GENERATORS[found[2]]()}{found[3]}", text)


def main() -> int:
    """Rewrites the pages; `--check` only says which differ."""
    stale = [page for page in pages() if render(page.read_text()) != page.read_text()]
    for page in stale:
        print(page.relative_to(ROOT))
        if "--check" not in sys.argv:
            page.write_text(render(page.read_text()))
    return bool(stale and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
