"""Groups of routes: a common prefix and common middleware. The application is the group without a prefix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from wirespan import _core
from wirespan.errors import ConfigError
from wirespan.handler import Call, Handler, Middleware, check_handler, check_middleware
from wirespan.router import Router

H = TypeVar("H", bound=Handler)
M = TypeVar("M", bound=Middleware)

_METHOD_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_")


@dataclass(slots=True, eq=False)
class Endpoint:
    """One registered route. `call` is made when it is first used, with the middleware known by then."""

    route: _core.Route
    handler: Handler
    group: "Group"
    middleware: tuple[Middleware, ...]
    call: "Call | None" = None


class RouteTable:
    """The routes of all groups of an application."""

    def __init__(self) -> None:
        self.router: Router[Endpoint] = Router()
        self.endpoints: list[Endpoint] = []
        # The fast way of `App.dispatch`: raw path, method, then what to do. Filled on first use, static
        # routes only.
        self.ready: dict[bytes, dict[str, tuple[_core.Route, Call]]] = {}

    def add(self, methods: list[str], template: str, endpoint: Endpoint) -> None:
        """Registers a route."""
        self.router.add(methods, template, endpoint)
        self.endpoints.append(endpoint)
        self.reset()

    def reset(self) -> None:
        """Something was registered: chains are made anew."""
        self.ready.clear()
        for endpoint in self.endpoints:
            endpoint.call = None


class Group:
    """Routes with a common prefix and common middleware."""

    def __init__(
        self, prefix: str, middleware: Sequence[Middleware], table: RouteTable, parent: "Group | None" = None
    ) -> None:
        self._prefix = prefix
        self._table = table
        self._parent = parent
        self._middleware: list[Middleware] = []
        for function in middleware:
            self.use(function)

    def use(self, middleware: M) -> M:
        """Adds middleware for all routes of the group, those registered before included. Also a decorator.

        Middleware runs in the order added: the application's, then outer groups', inner groups', the route's.
        The application's also runs where no route matches.

        Raises:
            ConfigError: It is not an `async def`.
        """
        check_middleware(middleware)
        self._middleware.append(middleware)
        self._table.reset()
        return middleware

    @property
    def middleware(self) -> list[Middleware]:
        """All middleware that runs for the group's routes, outermost first."""
        return [*(self._parent.middleware if self._parent else ()), *self._middleware]

    def group(self, prefix: str, *, middleware: Sequence[Middleware] = ()) -> "Group":
        """A group inside this one.

        Raises:
            ConfigError: The prefix does not begin with "/", or ends with it.
        """
        if not prefix.startswith("/") or prefix.endswith("/"):
            raise ConfigError(f"group prefix {prefix!r} must begin with '/' and not end with it")
        return Group(self._prefix + prefix, middleware, self._table, self)

    def route(
        self, path: str, *, methods: Sequence[str] = ("GET",), middleware: Sequence[Middleware] = ()
    ) -> Callable[[H], H]:
        """Registers a handler for several methods.

        Raises:
            ConfigError: When applied: the path is no template or taken, or the function cannot be a handler.
        """
        if (
            isinstance(methods, str)
            or not methods
            or any(set(method) - _METHOD_CHARS or not method for method in methods)
        ):
            raise ConfigError(f"methods of {path!r} must be a list of upper-case names, not {methods!r}")
        for function in middleware:
            check_middleware(function)

        def register(handler: H) -> H:
            check_handler(handler)
            template = self._prefix + path
            endpoint = Endpoint(_core.Route(template), handler, self, tuple(middleware))
            self._table.add(list(methods), template, endpoint)
            return handler

        return register

    def get(self, path: str, *, middleware: Sequence[Middleware] = ()) -> Callable[[H], H]:
        """Registers a handler for GET, and for HEAD where that has none."""
        return self.route(path, methods=("GET",), middleware=middleware)

    def post(self, path: str, *, middleware: Sequence[Middleware] = ()) -> Callable[[H], H]:
        """Registers a handler for POST."""
        return self.route(path, methods=("POST",), middleware=middleware)

    def put(self, path: str, *, middleware: Sequence[Middleware] = ()) -> Callable[[H], H]:
        """Registers a handler for PUT."""
        return self.route(path, methods=("PUT",), middleware=middleware)

    def patch(self, path: str, *, middleware: Sequence[Middleware] = ()) -> Callable[[H], H]:
        """Registers a handler for PATCH."""
        return self.route(path, methods=("PATCH",), middleware=middleware)

    def delete(self, path: str, *, middleware: Sequence[Middleware] = ()) -> Callable[[H], H]:
        """Registers a handler for DELETE."""
        return self.route(path, methods=("DELETE",), middleware=middleware)

    def head(self, path: str, *, middleware: Sequence[Middleware] = ()) -> Callable[[H], H]:
        """Registers a handler for HEAD, in place of the one that GET gives."""
        return self.route(path, methods=("HEAD",), middleware=middleware)

    def options(self, path: str, *, middleware: Sequence[Middleware] = ()) -> Callable[[H], H]:
        """Registers a handler for OPTIONS, in place of the automatic one."""
        return self.route(path, methods=("OPTIONS",), middleware=middleware)
