"""Writes into the docs what the code knows better: tables between two marks.

    <!-- generated: events -->
    ...
    <!-- /generated -->

`make docs` rewrites them; a test fails where a page differs from the code.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from wirespan import tables

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


def pages() -> list[Path]:
    """The pages that may hold generated tables."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


GENERATORS: dict[str, Callable[[], str]] = {
    "access-log-fields": tables.access_log_markdown,
    "end-reasons": tables.end_reasons_markdown,
    "events": tables.events_markdown,
    "metric-buckets": tables.metric_buckets_markdown,
    "metrics": tables.metrics_markdown,
    "options": tables.options_markdown,
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
