"""Prefixes, nesting, and what registration refuses."""

from collections.abc import Sequence
from typing import Any

import pytest

from wirespan import App, RequestContext
from wirespan.errors import ConfigError
from wirespan.testing import TestClient


def tagging(tag: str) -> Any:
    async def tag_reply(ctx: RequestContext) -> None:
        ctx.add_header("x-tag", tag)
        await ctx.next()

    return tag_reply


def test_groups_nest_their_prefixes_and_middleware() -> None:
    """Outermost first, each group only for its own routes."""
    app = App(middleware=[tagging("app")])
    v1 = app.group("/v1", middleware=[tagging("v1")])
    users = v1.group("/users")
    users.use(tagging("users"))

    @users.get("/{id:int}", middleware=[tagging("route")])
    async def user(ctx: RequestContext) -> None:
        ctx.json(ctx.params)

    @v1.get("/")
    async def home(ctx: RequestContext) -> None:
        ctx.text("v1")

    with TestClient(app) as client:
        reply = client.get("/v1/users/7")
        assert reply.json() == {"id": 7}
        assert reply.headers.get_list("x-tag") == ["app", "v1", "users", "route"]
        assert client.get("/v1/").headers.get_list("x-tag") == ["app", "v1"]
        assert client.get("/none").headers.get_list("x-tag") == ["app"]


def test_every_method_has_a_decorator() -> None:
    """One handler may also take several methods."""
    app = App()

    async def echo(ctx: RequestContext) -> None:
        ctx.text(ctx.method)

    for method in ("get", "post", "put", "patch", "delete", "head", "options"):
        assert getattr(app, method)("/")(echo) is echo
    app.route("/both", methods=["PROPFIND", "GET"])(echo)
    with TestClient(app) as client:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert client.request(method, "/").text == method
        assert client.head("/").status_code == 200
        assert client.request("PROPFIND", "/both").text == "PROPFIND"


def test_middleware_added_later_counts_for_earlier_routes() -> None:
    """Also when requests were served in between."""
    app = App()

    @app.get("/")
    async def home(ctx: RequestContext) -> None:
        ctx.text("ok")

    with TestClient(app) as client:
        assert "x-tag" not in client.get("/").headers
        client.call(lambda: app.use(tagging("late")))
        assert client.get("/").headers["x-tag"] == "late"


@pytest.mark.parametrize("prefix", ["", "v1", "/v1/", "/"])
def test_a_wrong_prefix_is_refused(prefix: str) -> None:
    """Two slashes in a row would make routes that nobody reaches."""
    with pytest.raises(ConfigError, match="must begin with '/' and not end with it"):
        App().group(prefix)


@pytest.mark.parametrize("methods", ["GET", [], ["get"], [""]])
def test_wrong_methods_are_refused(methods: Sequence[str]) -> None:
    """Methods are case-sensitive (RFC 9110 section 9.1): `get` would never match."""
    with pytest.raises(ConfigError, match="list of upper-case names"):
        App().route("/", methods=methods)


def test_wrong_middleware_is_refused_wherever_it_is_given() -> None:
    """A `def` cannot await the rest of the chain."""

    def blocking(ctx: RequestContext) -> None: ...

    middleware: Any = [blocking]
    for give in (
        lambda: App(middleware=middleware),
        lambda: App().group("/a", middleware=middleware),
        lambda: App().get("/", middleware=middleware),
    ):
        with pytest.raises(ConfigError, match="must be `async def"):
            give()
