"""The page: files that Vite has built, held in memory and never looked up on disk by a client's path.

Files below `assets/` have a hash of their content in their names, so they are cached for good. Everything
else is asked for again each time. A path that is no file is one of the page's own views and gets the page.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wirespan.context import RequestContext
from wirespan.viewer.conditional import NO_CACHE, etag_of, reply

STATIC: Final = Path(__file__).parent / "static"
_ASSETS: Final = "assets/"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
NOT_BUILT: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>wirespan viewer</title>
<h1>The page is not built</h1>
<p>The viewer runs and stores what it is sent. <code>make build</code> makes its page; it needs Node.js.</p>
<p>Until then: <code>wirespan traces</code>, <code>wirespan routes</code>, and the
<a href="/api/openapi.json">HTTP API</a>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page."""

    body: bytes
    content_type: str
    etag: str
    cache: str


class Page:
    """The files of a folder.

    Args:
        folder: what Vite has written; it need not exist.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _load(path, folder)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    async def serve(self, ctx: RequestContext) -> None:
        """Replies with a file, or with the page for one of its views."""
        name = ctx.path.lstrip("/")
        file = self._files.get(name)
        if file is None and name.startswith((_ASSETS, "api/", "v1/")):
            ctx.abort(404, {"error": {"message": f"there is no {ctx.path}", "parameter": None}})
        file = file or self._files.get("index.html")
        if file is None:
            ctx.bytes(NOT_BUILT, 503, _TYPES[".html"])
            return
        reply(ctx, file.body, file.content_type, etag=file.etag, cache=file.cache)


def _load(path: Path, folder: Path) -> File:
    body = path.read_bytes()
    is_asset = path.relative_to(folder).as_posix().startswith(_ASSETS)
    return File(
        body,
        _TYPES.get(path.suffix, "application/octet-stream"),
        etag_of(body),
        "public, max-age=31536000, immutable" if is_asset else NO_CACHE,
    )
