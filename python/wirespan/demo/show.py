"""The demo's run: two servers in threads, traffic in this one, and a summary at the end."""

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from types import ModuleType

from rich.console import Console
from rich.text import Text

from wirespan._core import AccessLog, OpenTelemetry
from wirespan.demo.clients import download_slowly, give_up, request, upload_slowly
from wirespan.demo.footer import footer
from wirespan.demo.front import make_front
from wirespan.demo.tally import Tally, lesson, summary_table
from wirespan.hosting import VIEWER_DELAY_S, terminal_looks
from wirespan.loading import StartError
from wirespan.looks import LOOKS
from wirespan.serving import Server, serving

Act = Callable[[], Awaitable[object]]


def run_demo(seconds: float | None = None, *, view: bool = True, view_port: int | None = None) -> None:
    """Runs until Ctrl-C, or for this many seconds, and ends with the summary.

    Args:
        seconds: None is until Ctrl-C.
        view: with a viewer in a process of its own, which forgets everything at the end.
        view_port: where its page is; None is 4318, or a free one if that is taken.

    Raises:
        StartError: FastAPI is not installed, or the viewer does not start.
    """
    make_shop = _shop_module().make_shop
    console = Console(highlight=False)
    tally = Tally()
    log = AccessLog("pretty", **terminal_looks())
    with _page(console, view_port, view=view) as page, _quiet(), contextlib.ExitStack() as services:

        def serve(name: str, app: object) -> Server:
            tracers = (log, tally, *_exporters(name, page, services))
            return services.enter_context(
                serving(app, tracers=tracers, timeout_shutdown_s=1.0, inspect="auto")
            )

        shop = serve("shop", make_shop())
        front = serve("front", make_front(shop.port))
        _introduce(console, shop.url, front.url, seconds)
        with footer(console, _reminder(page)):
            asyncio.run(_send(acts(shop.port, front.port), seconds))
            log.flush()
    log.close()
    _conclude(console, tally)


@contextlib.contextmanager
def _page(console: Console, port: int | None, *, view: bool) -> Iterator[str]:
    """A viewer for the run, and its address; empty where there is none."""
    if view and importlib.util.find_spec("duckdb") is None:
        console.print(Text("No page: the viewer needs duckdb: pip install 'wirespan[view]'\n", style="dim"))
        view = False
    if not view:
        yield ""
        return
    beside = importlib.import_module("wirespan.viewer.beside")
    # Not a viewer that is there already: it would keep the demo's requests, or end with another demo.
    with beside.viewer_beside("--db=:memory:", port=port, shared=False) as url:
        console.print(Text.assemble("Every request in a page:  ", (url, "bold cyan"), "\n"))
        yield url


def _exporters(service: str, page: str, owner: contextlib.ExitStack) -> list[OpenTelemetry]:
    """What sends a service's spans to the page; closed when its server is down."""
    if not page:
        return []
    exporter = OpenTelemetry(
        service_name=service, endpoint=page, timeline=True, inflight=True, schedule_delay_s=VIEWER_DELAY_S
    )
    owner.callback(exporter.close)
    return [exporter]


def _shop_module() -> ModuleType:
    try:
        return importlib.import_module("wirespan.demo.shop")
    except ModuleNotFoundError as error:
        raise StartError(
            f"the demo's shop is a FastAPI app, and {error.name} is missing: pip install 'wirespan[demo]'"
        ) from None


def acts(shop: int, front: int) -> list[tuple[float, Act]]:
    """The mix: what one kind of client does, and its pause in seconds before it does it again."""
    return [
        (0.15, lambda: request(front, "GET", f"/page/{random.randint(1, 99)}")),  # noqa: S311 - no secret
        (0.10, lambda: request(shop, "GET", f"/products/{random.randint(1, 99)}")),  # noqa: S311 - no secret
        (0.25, lambda: request(shop, "GET", "/search?text=lamp")),
        (0.30, lambda: request(shop, "GET", f"/stock/{random.randint(1, 9)}")),  # noqa: S311 - no secret
        (0.80, lambda: upload_slowly(shop, "/photos")),
        (1.10, lambda: request(shop, "GET", "/report")),
        (1.20, lambda: download_slowly(shop, "/export")),
        (1.30, lambda: request(shop, "POST", "/checkout")),
        (0.90, lambda: give_up(shop, "/search?text=nothing")),
        (1.70, lambda: request(shop, "GET", "/favicon.ico")),
        (0.70, lambda: request(front, "GET", "/health")),
    ]


async def _send(mix: list[tuple[float, Act]], seconds: float | None) -> None:
    """Lets every client act until the time is over or the user has seen enough."""
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, enough.set)
    clients = [asyncio.create_task(_repeat(pause_s, act, enough)) for pause_s, act in mix]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await enough.wait()
    enough.set()
    await asyncio.wait(clients)


async def _repeat(pause_s: float, act: Act, enough: asyncio.Event) -> None:
    """Acts until it is enough. What has begun is not cut off: that would look like a client that left."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s * random.uniform(0.5, 1.5)):  # noqa: S311 - no secret
                await enough.wait()
        if enough.is_set():
            return
        with contextlib.suppress(OSError):
            await act()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The bug in the shop would print its traceback between the lines."""
    logger = logging.getLogger("wirespan")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _introduce(console: Console, shop_url: str, front_url: str, seconds: float | None) -> None:
    until = "Ctrl-C ends it" if seconds is None else f"{seconds:g} seconds, or until Ctrl-C"
    console.print(Text.assemble(("wirespan demo", "bold"), (f"  {until}", "dim")))
    console.print(Text.assemble("  the shop     ", (shop_url, "cyan"), "  a FastAPI app"))
    console.print(
        Text.assemble("  the service  ", (front_url, "cyan"), "  a wirespan app that calls the shop")
    )
    console.print("\nEach line is a request, each bar shows where its time went:")
    legend = Text("  ")
    for state, look in LOOKS.items():
        legend.append(f"{'█' if _has_color(console) else look.letter} {state}  ", style=look.color)
    console.print(legend)
    console.print()


def _reminder(page: str) -> Text:
    """What stays in sight while the requests scroll by."""
    where = Text.assemble("  the page  ", (page, "bold cyan"), "   ") if page else Text("  ")
    return where.append("Ctrl-C ends the demo", style="dim")


def _has_color(console: Console) -> bool:
    return console.is_terminal and not console.no_color


def _conclude(console: Console, tally: Tally) -> None:
    console.print()
    if tally.totals:
        console.print("Where the time went, the slowest first:", style="bold")
        console.print(summary_table(tally, console.width, color=_has_color(console)))
        console.print()
        console.print(lesson(tally))
    console.print("\nYour own app:  wirespan serve package.module:app", style="bold")
