"""Writes into the docs what the code knows better: tables between two marks.

    <!-- generated: events -->
    ...
    <!-- /generated -->

and the OpenAPI document of the viewer. `make docs` rewrites them; a test fails where a page differs from
the code.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from wirespan import tables
from wirespan.viewer.api import Api, openapi
from wirespan.viewer.live import Live
from wirespan.viewer.store import Store

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


def documents() -> dict[Path, str]:
    """Every file that is made from the code, with what it should hold."""
    files = {page: render(page.read_text()) for page in pages()}
    store = Store.open()
    described = openapi(Api(store, Live(store)).operations).decode()
    store.close()
    return files | {ROOT / "docs/viewer-openapi.json": described}


def main() -> int:
    """Rewrites the files; `--check` only says which differ."""
    wanted = documents()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(path.relative_to(ROOT))
        if "--check" not in sys.argv:
            path.write_text(wanted[path])
    return bool(stale and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
