"""What the engine needs to know about an application, the same for a native `App` and for every ASGI app."""

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from wirespan._core import AccessLog, OpenTelemetry
from wirespan.asgi import Lifespan, as_asgi, interface_of
from wirespan.config import Config
from wirespan.context import RequestContext
from wirespan.loading import StartError, describe, load_tracers
from wirespan.route_template import RouteTemplates

if TYPE_CHECKING:
    from wirespan.opentelemetry import TracerProvider

logger = logging.getLogger("wirespan")

BY_VARIABLES = "env"
"""`otlp` that leaves the receiver to the `OTEL_*` variables."""
VIEWER_DELAY_S = 0.5
"""Longest wait of a span before it is sent to a viewer."""


@dataclass(frozen=True)
class Hosted:
    """An application, ready to be started.

    Attributes:
        interface: `native`, `asgi`, `asgi2` or `wsgi`.
        startup: runs its start-up code; raises `StartError`.
        shutdown: runs its shutdown code for at most the given seconds.
        tracers: its own tracers, then the configured ones, then `sinks`.
        sinks: the access log and the OTLP exporter that the options asked for; they are ours to close.
        threads: how many `def` handlers or WSGI requests run at once.
        engine_options: the arguments of `_core.Engine` that depend on the interface.
    """

    interface: str
    startup: Callable[[], Awaitable[None]]
    shutdown: Callable[[float], Awaitable[None]]
    tracers: tuple[Any, ...]
    sinks: tuple[AccessLog | OpenTelemetry, ...]
    threads: int
    engine_options: dict[str, Any]


def host(app: Any, config: Config) -> Hosted:
    """Prepares an application. Nothing of it runs yet.

    Raises:
        StartError: it is not an application, a tracer cannot be loaded, or the log file cannot be opened.
    """
    interface = interface_of(app) if config.interface == "auto" else config.interface
    tracers = load_tracers(config.tracers)
    if interface == "native":
        tracers = [*app.tracers, *tracers]
    # Ends are told in reverse order: a request without a head gets its ids before the log asks for them.
    own = _own_spans(config, tracers)
    made = (_access_log(config, tracers), None if own else _otlp(config))
    sinks = tuple(sink for sink in made if sink is not None)
    _join_provider([*tracers, *sinks])
    _warn_of_sdk([*tracers, *sinks])
    startup, shutdown, options = (
        _native(app, config) if interface == "native" else _asgi(app, interface, config)
    )
    # What the application says about itself wins: only its author knows how many its database can take.
    threads = (app.threads if interface == "native" else None) or config.threads
    return Hosted(interface, startup, shutdown, (*tracers, *sinks), sinks, threads, options)


_Parts = tuple[Callable[[], Awaitable[None]], Callable[[float], Awaitable[None]], dict[str, Any]]


def _native(app: Any, config: Config) -> _Parts:
    app.debug = app.debug or config.debug

    async def startup() -> None:
        try:
            await app.startup()
        except Exception as error:
            raise StartError(f"the application's start-up failed: {describe(error)}") from error

    async def shutdown(timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await app.shutdown()
        except Exception as error:  # noqa: BLE001 - the hooks are user code, and there is nobody left to tell
            logger.error("the application's shutdown failed: %s", describe(error))

    return startup, shutdown, {"native": (RequestContext, app.dispatch)}


def _asgi(app: Any, interface: str, config: Config) -> _Parts:
    asgi = as_asgi(app, interface, config.threads)
    lifespan = Lifespan(asgi, "off" if interface == "wsgi" else config.lifespan)
    templates = RouteTemplates(app)
    options = {
        "asgi": asgi,
        "asgi_state": lifespan.state,
        "root_path": config.root_path,
        "route_of": templates,
        "route_in_scope": templates.in_scope,
    }
    return lifespan.startup, lifespan.shutdown, options


def terminal_looks() -> dict[str, Any]:
    """How `AccessLog` writes to standard output: coloured and as wide as the terminal, if it is one."""
    if not sys.stdout.isatty():
        return {}
    # NO_COLOR: https://no-color.org
    return {"color": not os.environ.get("NO_COLOR"), "columns": shutil.get_terminal_size().columns}


def _access_log(config: Config, tracers: Sequence[Any]) -> AccessLog | None:
    """The log that the options ask for.

    `auto` is `pretty` where a person watches, unless a tracer already is an access log, and `json` in a file.
    """
    form = config.access_log
    path = config.access_log_file
    if form == "auto":
        watched = sys.stdout.isatty() and not any(isinstance(tracer, AccessLog) for tracer in tracers)
        form = "json" if path else "pretty" if watched else "off"
    if form == "off":
        return None
    try:
        return AccessLog(form, path, **({} if path else terminal_looks()))
    except OSError as error:
        raise StartError(str(error)) from error
    except ValueError as error:
        raise StartError(f"access_log: {error}") from error


def _provider() -> "TracerProvider | None":
    """The provider for opentelemetry-api that the application has installed, if it is ours."""
    module = sys.modules.get("wirespan.opentelemetry.provider")
    return None if module is None else module.installed()


def _own_spans(config: Config, tracers: list[Any]) -> bool:
    """Whether the application's own tracer makes the spans, so that the options make none.

    The tracer of an installed provider joins `tracers` where it was left out. A viewer gets its spans beside
    those: it is not what the application was written for.
    """
    provider = _provider()
    has_own = any(isinstance(tracer, OpenTelemetry) for tracer in tracers)
    if provider is not None and not has_own and not (provider.follows_server and config.otlp):
        tracers.append(provider.tracer)
        has_own = True
    if not has_own or not config.otlp or config.otlp_viewer:
        return False
    logger.warning(
        "otlp is ignored: the application has an OpenTelemetry of its own. Use the option, or that, not both"
    )
    return True


def _join_provider(tracers: Sequence[Any]) -> None:
    """The installed provider's spans go the way of the requests' spans."""
    provider = _provider()
    spans = next((tracer for tracer in tracers if isinstance(tracer, OpenTelemetry)), None)
    if provider is not None and provider.follows_server and spans is not None:
        provider.join(spans)


def _warn_of_sdk(tracers: Sequence[Any]) -> None:
    """Its spans know nothing of ours: a request has two traces then, which nobody expects."""
    api, sdk = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.sdk.trace")
    if api is None or sdk is None or not isinstance(api.get_tracer_provider(), sdk.TracerProvider):
        return
    own = [tracer for tracer in tracers if isinstance(tracer, OpenTelemetry)]
    if any(tracer.status()["destination"] != "none" for tracer in own):
        logger.warning(
            "the provider of the OpenTelemetry SDK is installed: its spans are in other traces than those of "
            "requests. Install wirespan.opentelemetry.TracerProvider instead, or use SdkTracer and no otlp"
        )


def _trust(text: str) -> Literal["always", "never"] | list[str]:
    """Whose traces go on, as the exporter wants it."""
    match text.strip():
        case "always":
            return "always"
        case "never":
            return "never"
        case networks:
            return [network.strip() for network in networks.split(",") if network.strip()]


def _otlp(config: Config) -> OpenTelemetry | None:
    """The exporter that the options ask for.

    Raises:
        StartError: the receiver's address, the spool, or one of the `OTEL_*` variables cannot be used.
    """
    if not config.otlp:
        return None
    try:
        return OpenTelemetry(
            endpoint=None if config.otlp == BY_VARIABLES else config.otlp,
            service_name=config.service_name or None,
            sampler_arg=None if config.sample == 1.0 else config.sample,
            trust=_trust(config.trust),
            spool_dir=config.spool,
            spool_max_bytes=config.spool_max_bytes,
            timeline=config.otlp_viewer or None,
            inflight=config.otlp_viewer or None,
            # Somebody looks at it: five seconds, the default, are long then.
            schedule_delay_s=VIEWER_DELAY_S if config.otlp_viewer else None,
        )
    except ValueError as error:
        raise StartError(f"otlp: {error}") from error
