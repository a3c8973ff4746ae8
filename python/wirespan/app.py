"""App: routes, middleware, error handlers and hooks. `App.dispatch` is where the engine enters Python."""

import inspect
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias, TypeVar, cast

from wirespan._core import AccessLog, OpenTelemetry
from wirespan.config import OPTIONS, checked
from wirespan.context import RequestContext
from wirespan.errors import ConfigError
from wirespan.group import Endpoint, Group, RouteTable
from wirespan.handler import Call, Middleware, as_call, check_handler, is_async, run_in_thread, stands_alone
from wirespan.middleware import ErrorCall, ErrorHandlers, make_chain
from wirespan.trace import Tracer

Hook: TypeAlias = Callable[[], object]
F = TypeVar("F", bound=Callable[..., object])

_ALLOW = "wirespan.allow"


async def _not_found(ctx: RequestContext) -> None:
    ctx.abort(404)


async def _not_allowed(ctx: RequestContext) -> None:
    ctx.set_header("allow", ctx.values[_ALLOW])
    ctx.abort(405)


async def _options(ctx: RequestContext) -> None:
    ctx.set_header("allow", ctx.values[_ALLOW])
    ctx.empty()


class App(Group):
    """A native application.

    Args:
        tracers: See every request, in this order: objects with `start` and `finish`, and native sinks.
        middleware: Runs for every request, also where no route matches.
        debug: Replies of failed requests show the traceback.
        threads: How many `def` handlers run at once; None leaves it to the option `threads`.

    Raises:
        ConfigError: An argument is of the wrong kind.
    """

    def __init__(
        self,
        *,
        tracers: Sequence[Tracer | AccessLog | OpenTelemetry] = (),
        middleware: Sequence[Middleware] = (),
        debug: bool = False,
        threads: int | None = None,
    ) -> None:
        if threads is not None:
            checked("threads", OPTIONS["threads"], threads)
        super().__init__("", middleware, RouteTable())
        self.tracers = list(tracers)
        self.debug = debug
        self.threads = threads
        self._errors = ErrorHandlers()
        self._startup: list[Hook] = []
        self._shutdown: list[Hook] = []
        self._ready = self._table.ready

    def dispatch(self, ctx: RequestContext) -> Coroutine[Any, Any, Any]:
        """Makes the coroutine that handles a request. The engine calls it once for each.

        The first lines are all that a static route without middleware and error handlers pays for (bench
        "hello").
        """
        methods = self._ready.get(ctx.raw_path)
        if methods is not None:
            ready = methods.get(ctx.method)
            if ready is not None:
                ctx.match_route(ready[0])
                return ready[1](ctx)
        return self._find(ctx)

    def _find(self, ctx: RequestContext) -> Coroutine[Any, Any, Any]:
        raw_path, method = ctx.raw_path, ctx.method
        if raw_path == b"*":  # OPTIONS * asks about the server (RFC 9110 section 9.3.7)
            return self._refuse(ctx, self._table.router.methods)
        found = self._table.router.find(method, raw_path)
        if isinstance(found, frozenset):
            return self._refuse(ctx, found)
        endpoint, params = found
        call = endpoint.call
        if call is None:
            call = endpoint.call = self._make_call(endpoint)
        if params:
            ctx.params = params
        elif b"%" not in raw_path:  # other spellings of a path are not kept: there is no end of them
            self._ready.setdefault(raw_path, {})[method] = (endpoint.route, call)
        ctx.match_route(endpoint.route)
        return call(ctx)

    def _make_call(self, endpoint: Endpoint) -> Call:
        links = [*endpoint.group.middleware, *endpoint.middleware]
        if not links and not self._errors and stands_alone(endpoint.handler):
            return as_call(endpoint.handler)
        return make_chain([*map(_as_link, links), as_call(endpoint.handler)], self._errors)

    def _refuse(self, ctx: RequestContext, methods: frozenset[str]) -> Coroutine[Any, Any, Any]:
        """Replies for a request without a route: 404, 405 or the automatic OPTIONS."""
        handler = _not_found
        if methods:
            handler = _options if ctx.method == "OPTIONS" else _not_allowed
            automatic = {"OPTIONS", "HEAD"} if "GET" in methods else {"OPTIONS"}
            ctx.set(_ALLOW, ", ".join(sorted(methods | automatic)))
        return make_chain([*map(_as_link, self.middleware), handler], self._errors)(ctx)

    def error_handler(self, key: type[Exception] | int) -> Callable[[F], F]:
        """Registers `handler(ctx, error)` for an exception class or a status.

        A class stands for its subclasses, too; the nearest one wins. A status stands for what `ctx.abort` and
        wirespan itself reply with (404, 405, 400), 500 for exceptions of any other class.

        Raises:
            ConfigError: `key` is neither, or the function cannot be a handler.
        """
        if not isinstance(key, int) and not (isinstance(key, type) and issubclass(key, Exception)):
            raise ConfigError(f"error_handler takes an exception class or a status, not {key!r}")

        def register(function: F) -> F:
            check_handler(function)
            self._errors.add(key, self._as_error_call(function))
            self._table.reset()
            return function

        return register

    def _as_error_call(self, function: Callable[..., Any]) -> ErrorCall:
        if is_async(function):
            return cast("ErrorCall", function)

        async def call(ctx: RequestContext, error: Exception) -> None:
            await run_in_thread(function, ctx, error)

        return call

    def on_startup(self, hook: F) -> F:
        """Registers a function, `def` or `async def`, to run before the first request.

        One that raises stops the start.
        """
        self._startup.append(hook)
        return hook

    def on_shutdown(self, hook: F) -> F:
        """Registers a function that runs after the last request; the last registered runs first."""
        self._shutdown.append(hook)
        return hook

    async def startup(self) -> None:
        """Runs the start-up hooks in order. Called by the server, on its event loop."""
        for hook in self._startup:
            await _run_hook(hook)

    async def shutdown(self) -> None:
        """Runs all shutdown hooks in reverse order.

        Raises:
            ExceptionGroup: Some hooks raised; the others ran nevertheless.
        """
        errors: list[Exception] = []
        for hook in reversed(self._shutdown):
            try:
                await _run_hook(hook)
            except Exception as error:  # noqa: BLE001 - raised together below
                errors.append(error)
        if errors:
            raise ExceptionGroup("shutdown hooks failed", errors)

    def run(self, **options: Any) -> None:
        """Serves the application until it is told to stop (SIGINT, SIGTERM).

        Args:
            **options: Options of the server, such as `host` and `port`: `wirespan serve --help` shows them
            all.

        Raises:
            ConfigError: An option is wrong; nothing was bound.
        """
        from wirespan.server import run  # noqa: PLC0415 - the server imports what it serves

        run(self, **options)


def _as_link(middleware: Middleware) -> Call:
    return cast("Call", middleware)  # checked by check_middleware when it was added


async def _run_hook(hook: Hook) -> None:
    result = hook()
    if inspect.isawaitable(result):
        await result
