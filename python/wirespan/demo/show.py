"""The demo's run: two servers in threads, traffic in this one, and a summary at the end."""

import asyncio
import contextlib
import importlib
import logging
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import ModuleType

from rich.console import Console
from rich.text import Text

from wirespan._core import AccessLog
from wirespan.demo.clients import download_slowly, give_up, request, upload_slowly
from wirespan.demo.front import make_front
from wirespan.demo.tally import BLOCKS, COLORS, LETTERS, Tally, lesson, summary_table
from wirespan.loading import StartError
from wirespan.serving import serving

Act = Callable[[], Awaitable[object]]
# Where rich knows no width it takes 80 columns and cuts the table.
PIPE_WIDTH = 110


def run_demo(seconds: float | None = None) -> None:
    """Runs until Ctrl-C, or for this many seconds, and ends with the summary.

    Raises:
        StartError: FastAPI is not installed.
    """
    make_shop = _shop_module().make_shop
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    colored = console.is_terminal and not os.environ.get("NO_COLOR")
    marks = BLOCKS if colored else LETTERS
    tally = Tally()
    log = AccessLog("pretty", color=colored)
    tracers = (log, tally)
    with (
        _quiet(),
        serving(make_shop(), tracers=tracers, timeout_shutdown_s=1.0) as shop,
        serving(make_front(shop.port), tracers=tracers, timeout_shutdown_s=1.0) as front,
    ):
        _introduce(console, shop.url, front.url, marks)
        asyncio.run(_send(acts(shop.port, front.port), seconds))
    log.close()
    _conclude(console, tally, marks)


def _shop_module() -> ModuleType:
    try:
        return importlib.import_module("wirespan.demo.shop")
    except ModuleNotFoundError as error:
        raise StartError(f"the demo's shop is a FastAPI app: pip install {error.name}") from None


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
    clients = [asyncio.create_task(_repeat(pause_s, act)) for pause_s, act in mix]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await enough.wait()
    for client in clients:
        client.cancel()
    await asyncio.wait(clients)


async def _repeat(pause_s: float, act: Act) -> None:
    while True:
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
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


def _introduce(console: Console, shop_url: str, front_url: str, marks: Mapping[str, str]) -> None:
    line = Text.assemble(
        ("wirespan demo", "bold"),
        "  a FastAPI shop on ",
        (shop_url, "cyan"),
        ", a native service on ",
        (front_url, "cyan"),
    )
    console.print(line, soft_wrap=True)
    legend = Text("each bar is one request:  ")
    for state, color in COLORS.items():
        legend.append(f"{marks[state]} {state}  ", style=color)
    console.print(legend, "Ctrl-C ends it", style="dim")
    console.print()


def _conclude(console: Console, tally: Tally, marks: Mapping[str, str]) -> None:
    console.print()
    if tally.totals:
        console.print(summary_table(tally, marks))
        console.print()
        console.print(lesson(tally))
    console.print("\nYour own app:  wirespan serve package.module:app", style="bold")
