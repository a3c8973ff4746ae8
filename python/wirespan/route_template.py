"""Which route template served an ASGI request: traces are grouped by `/items/{id}`, not by `/items/5`.

The server cannot know an application's router, but routers leave their decision in the scope, which they
change in place: Starlette and FastAPI under `route`, Litestar under `path_template`. Django leaves nothing,
so its public `resolve` is asked. Whatever is not found belongs to one nameless bucket (None): names must
never explode.
"""

import functools
import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wirespan._core import Route

MAX_TEMPLATES = 1_000
MOUNT_SUFFIX = "/{path:path}"  # what Starlette adds to the path of a mount
_DJANGO_PARAMETER = re.compile(r"(?<!\?P)<(?:[^<>:]+:)?([^<>:]+)>")


class RouteTemplates:
    """Finds the template of a scope; makes each `Route` once and at most `MAX_TEMPLATES` of them."""

    def __init__(self, app: Any) -> None:
        resolve = _django_resolver(app)
        self._resolve = resolve or _template_in_scope
        self.in_scope = resolve is None  # a router leaves it there, as a key that was not there before
        self._routes: dict[str, Route] = {}

    def __call__(self, scope: Mapping[str, Any]) -> Route | None:
        """The route of this scope, None where it is unknown. Asked once it has been served."""
        template = self._resolve(scope)
        if template is None:
            return None
        route = self._routes.get(template)
        if route is None and len(self._routes) < MAX_TEMPLATES:
            route = self._routes[template] = Route(template)
        return route


def _template_in_scope(scope: Mapping[str, Any]) -> str | None:
    route = scope.get("route")
    if route is None:
        return scope.get("path_template") or None
    own = _own_template(scope, route)
    # Starlette sets `app_root_path` when it enters the first mount: without it nothing is mounted.
    if own is None or "app_root_path" not in scope:
        return own
    return _mounted_template(scope, route, own)


def _own_template(scope: Mapping[str, Any], route: Any) -> str | None:
    """What the matched route itself says, below the application it belongs to."""
    # FastAPI keeps one route for all routers that include it; the prefixes are in this context.
    context = scope.get("fastapi", {}).get("effective_route_context")
    if context is not None and getattr(context, "original_route", None) is route:
        route = context
    template = getattr(route, "path", None)
    return template if isinstance(template, str) else None


def _mounted_template(scope: Mapping[str, Any], route: Any, own: str) -> str | None:
    """The template with the templates of the mounts above it.

    `root_path` holds the mounts' values (`/tenants/acme`), so the mounts are walked again to get their names.
    """
    base = scope["app_root_path"]
    mounted = scope["root_path"].removeprefix(base)
    path = scope["path"].removeprefix(base)
    routes = getattr(scope.get("router"), "routes", ())
    prefix = ""
    mount = None
    while mounted:
        mount, matched = _mount_of(routes, path, mounted)
        if mount is None:
            return None
        prefix += mount.path
        path, mounted = path[len(matched) :], mounted[len(matched) :]
        routes = mount.routes
    if mount is not route:
        return prefix + own
    # Nothing below the mount was chosen: an application with routes missed, one without (files) serves any
    # path.
    return None if routes else prefix + MOUNT_SUFFIX


def _mount_of(routes: Sequence[Any], path: str, mounted: str) -> tuple[Any, str]:
    """The first mount that takes this path, as Starlette chooses, and the part that it takes."""
    for route in routes:
        if not (hasattr(route, "routes") and hasattr(route, "path_regex")):
            continue
        match = route.path_regex.match(path)
        if match is None:
            continue
        matched = path[: len(path) - len(match["path"]) - 1]
        if mounted.startswith(matched):
            return route, matched
    return None, ""


def _django_resolver(app: Any) -> Callable[[Mapping[str, Any]], str | None] | None:
    """How to find a template, if this is Django's ASGI handler."""
    handlers = sys.modules.get("django.core.handlers.asgi")
    if handlers is None or not isinstance(app, handlers.ASGIHandler):
        return None
    urls = importlib.import_module("django.urls")

    # The same path is asked for again and again; hostile new ones only push each other out.
    @functools.lru_cache(maxsize=MAX_TEMPLATES)
    def template(path: str) -> str | None:
        try:
            route: str = urls.resolve(path).route
        except urls.Resolver404:
            return None
        return "/" + _DJANGO_PARAMETER.sub(r"{\1}", route)

    return lambda scope: template(scope["path"].removeprefix(scope.get("root_path", "")) or "/")
