"""Route templates of real frameworks, called in process: names must be exact and must never explode."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from litestar import Litestar, get
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from wirespan.route_template import MAX_TEMPLATES, RouteTemplates


async def served(app: Any, path: str, root_path: str = "") -> dict[str, Any]:
    """The scope as the application leaves it."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": root_path + path,
        "raw_path": (root_path + path).encode(),
        "query_string": b"",
        "root_path": root_path,
        "headers": [(b"host", b"test")],
        "client": None,
        "server": None,
        "state": {},
        "extensions": {},
    }

    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        pass

    await app(scope, receive, send)
    return scope


def template(app: Any, path: str, root_path: str = "") -> str | None:
    templates = RouteTemplates(app)
    assert templates.in_scope
    route = templates(asyncio.run(served(app, path, root_path)))
    return route.template if route else None


async def endpoint(request: Any) -> PlainTextResponse:
    return PlainTextResponse("")


async def answer() -> str:
    return ""


def fastapi_app() -> FastAPI:
    inner = APIRouter(prefix="/orders")
    inner.add_api_route("/{order}", answer)
    outer = APIRouter(prefix="/shops")
    outer.add_api_route("/{shop}", answer)
    outer.include_router(inner, prefix="/{shop}")
    users = FastAPI()
    users.add_api_route("/users/{user}", answer)
    app = FastAPI()
    app.add_api_route("/items/{item}", answer)
    app.add_api_route("/files/{path:path}", answer)
    app.include_router(outer, prefix="/v1")
    app.mount("/tenants/{tenant}", users)
    return app


@pytest.mark.parametrize("root_path", ["", "/api"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/items/5", "/items/{item}"),
        ("/files/a/b/c", "/files/{path:path}"),
        ("/v1/shops/7", "/v1/shops/{shop}"),
        ("/v1/shops/7/orders/9", "/v1/shops/{shop}/orders/{order}"),
        ("/tenants/acme/users/3", "/tenants/{tenant}/users/{user}"),
        ("/tenants/acme/nothing", None),
        ("/nothing", None),
    ],
)
def test_fastapi_routes_have_all_their_prefixes(path: str, expected: str | None, root_path: str) -> None:
    """Included routers, mounted applications and a proxy's prefix."""
    assert template(fastapi_app(), path, root_path) == expected


def test_root_path_of_the_application_itself_is_no_mount() -> None:
    """FastAPI puts its own prefix into the scope."""
    app = fastapi_app()
    app.root_path = "/proxy"
    assert template(app, "/proxy/items/5") == "/items/{item}"
    assert template(app, "/proxy/tenants/a/users/3") == "/tenants/{tenant}/users/{user}"


STARLETTE = Starlette(
    routes=[
        Route("/a/{number:int}", endpoint),
        Mount("/static", StaticFiles(directory="."), name="static"),
        Mount(
            "/m/{key}",
            routes=[Route("/{key}", endpoint), Mount("/deep/{more:path}/x", routes=[Route("/y", endpoint)])],
        ),
        Mount("/", routes=[Route("/rest", endpoint)]),
    ]
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/007", "/a/{number:int}"),
        ("/m/1/2", "/m/{key}/{key}"),
        ("/m/1/deep/p/q/x/y", "/m/{key}/deep/{more:path}/x/y"),
        ("/static/pyproject.toml", "/static/{path:path}"),
        ("/rest", "/rest"),
    ],
)
def test_starlette_mounts_give_names_not_values(path: str, expected: str) -> None:
    """Also where a mount and its route use the same name, which hides the mount's value."""
    assert template(STARLETTE, path) == expected


def test_litestar_leaves_its_template_in_the_scope() -> None:
    """As `path_template`."""

    @get("/items/{item:int}")
    async def item_of() -> str:
        return ""

    app = Litestar([item_of], logging_config=None)
    assert [template(app, path) for path in ("/items/5", "/nothing")] == ["/items/{item}", None]


DJANGO = """
import django
from django.conf import settings
from django.urls import include, path, re_path

def view(request): ...

urlpatterns = [path("shop/", include([path("<int:number>/", view)])), re_path(r"^old/(?P<year>\\d+)/$", view)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x")
django.setup(set_prefix=False)

from django.core.asgi import get_asgi_application
from wirespan.route_template import RouteTemplates

templates = RouteTemplates(get_asgi_application())
for path in ("/app/shop/5/", "/app/old/2024/", "/app/none"):
    route = templates({"path": path, "root_path": "/app"})
    print(route and route.template)
print(templates.in_scope)
"""


def test_django_is_asked_for_the_route() -> None:
    """Django leaves nothing in the scope. Its settings are global, so it has a process of its own."""
    command = [sys.executable, "-c", DJANGO]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    assert found == ["/shop/{number}/", r"/^old/(?P<year>\d+)/$", "None", "False", ""]


def test_templates_are_bounded() -> None:
    """An application that makes routes for ever does not fill the memory: the rest is one bucket."""
    templates = RouteTemplates(None)
    for number in range(MAX_TEMPLATES):
        assert templates({"path_template": f"/{number}"}) is not None
    assert templates({"path_template": "/one-more"}) is None
    assert templates({"path_template": "/0"}) is templates({"path_template": "/0"})


def test_mounts_that_the_path_did_not_pass_are_skipped() -> None:
    """Routes beside a mount have no part in its path; a root path that no mount made has no template."""
    inner = Starlette(routes=[Route("/x", endpoint)])
    app = Starlette(routes=[Route("/plain", endpoint), Mount("/{tenant}/a", inner), Mount("/b", inner)])
    assert template(app, "/b/x") == "/b/x"

    async def moved(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        scope["root_path"] = "/elsewhere"

    assert template(moved, "/b/x") is None
