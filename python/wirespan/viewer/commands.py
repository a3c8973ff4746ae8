"""The viewer's commands: `view` runs one, the others ask one that runs, over its HTTP API."""

import functools
import importlib
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from wirespan._core import __version__
from wirespan.loading import say
from wirespan.server import EXIT_START
from wirespan.viewer.client import TOKEN_VARIABLE, URL, ViewerClient, ViewerError
from wirespan.viewer.terminal import Screen, print_request, print_routes, print_table, print_trace

_SIZES: Final = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
}
_AGES_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
Command = Callable[..., Any]


class _Amount(click.ParamType[float]):
    """A number with a unit, such as `512MB` or `7d`."""

    def __init__(self, name: str, units: dict[str, int], example: str) -> None:
        self.name = name
        self._units = units
        self._example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number in bytes or seconds."""
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)", str(value).strip())
        unit = match[2] if match else ""
        known = {word.lower(): size for word, size in self._units.items()}
        if match is None or unit.lower() not in known:
            self.fail(f"{value!r} is no {self.name}: say for example {self._example}", param, ctx)
        return float(match[1]) * known[unit.lower()]


SIZE: Final = _Amount("size", _SIZES, "512MB or 4GiB")
AGE: Final = _Amount("age", _AGES_S, "12h or 7d")


def _asks_a_viewer(command: Command) -> Command:
    """Adds the flags that say which viewer, and hands the command a client.

    A pipe that is closed early, as `head` does, ends the command quietly. What a viewer refuses may have
    several lines, such as the place in a query.
    """

    @click.option("--viewer", "url", metavar="URL", default="", help=f"Where the viewer is. [{URL}]")
    @click.option(
        "--token", default="", metavar="TEXT", help=f"Its token, if it has one; or {TOKEN_VARIABLE}."
    )
    @functools.wraps(command)
    def run(url: str, token: str, **given: Any) -> None:
        try:
            command(ViewerClient(url, token), **given)
            sys.stdout.flush()
        except ViewerError as error:
            say(str(error))
            raise SystemExit(EXIT_START) from None
        except BrokenPipeError:
            _leave_output()
        except OSError as error:
            _leave_output()
            say(f"cannot write the output: {error.strerror}")
            raise SystemExit(EXIT_START) from None

    return run


def _leave_output() -> None:
    """Python would complain once more when it flushes standard output at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_FILTERS: Final = {
    "--service": "Of this service.",
    "--route": "Of this route, such as /items/{id}.",
    "--method": "With this method.",
    "--status": "404, 5xx or error.",
    "--end-reason": "That ended so, such as client_disconnected.",
    "--attr": "With an attribute: key=value, key!=value, key~text, key>5, key<5, or key.",
    "--text": "With this text in name, path, error or attributes.",
}
_BOUNDS: Final = {
    "--min-ms": "That took at least so long.",
    "--max-ms": "That took less.",
    "--since": "That began since then: -15m, 2h ago as -2h, or a date and time.",
    "--until": "That began before.",
}


def _filtered(command: Command) -> Command:
    """Adds the flags of all filters, and hands the command their parameters."""

    @functools.wraps(command)
    def run(*args: Any, **given: Any) -> None:
        parameters = []
        for name in (*_FILTERS, *_BOUNDS):
            key = name[2:].replace("-", "_")
            value = given.pop(key)
            values = value if isinstance(value, tuple) else () if value is None else (value,)
            parameters += [(key, str(text)) for text in values]
        command(*args, parameters=parameters, **given)

    for name, text in reversed(_BOUNDS.items()):
        run = click.option(name, metavar="TEXT" if name[2] in "su" else "N", help=text)(run)
    for name, text in reversed(_FILTERS.items()):
        run = click.option(name, metavar="TEXT", multiple=True, help=text)(run)
    return run


@click.command()
@click.option(
    "--db", metavar="PATH", help="DuckDB file, or :memory:. [~/.local/share/wirespan/viewer.duckdb]"
)
@click.option("--max-size", type=SIZE, metavar="SIZE", help="Remove the oldest beyond this. [4GiB]")
@click.option("--max-age", type=AGE, metavar="AGE", help="Remove what is older. [7d]")
@click.option("--host", default="127.0.0.1", metavar="TEXT", help="Address to listen on. [127.0.0.1]")
@click.option("--port", default=4_318, type=click.IntRange(0, 65_535), metavar="N", help="TCP port. [4318]")
@click.option(
    "--token",
    default="",
    envvar=TOKEN_VARIABLE,
    metavar="TEXT",
    help=f"What clients must know; or {TOKEN_VARIABLE}, which other users cannot list. "
    "[none on 127.0.0.1, else a new one]",
)
@click.option("--beside", is_flag=True, hidden=True)
def view(
    db: str | None,
    max_size: float | None,
    max_age: float | None,
    beside: bool,
    **place: Any,
) -> None:
    """Receive traces and show them in a page.

    Listens for OTLP over HTTP and serves the page and its API on one port. Only this machine can connect,
    unless --host says otherwise; then a token is demanded.
    """
    process = importlib.import_module("wirespan.viewer.process")  # the store's database is an extra
    file = db or str(process.default_db())
    limits = {"max_bytes": max_size and int(max_size), "max_age_s": max_age}
    chosen = {name: value for name, value in limits.items() if value is not None}
    settings = process.Settings(db=file, **place, **chosen)

    def ready(url: str) -> None:
        if beside:
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
        else:
            where = "in memory" if file == process.MEMORY else f"in {file}"
            sys.stderr.write(
                f"wirespan {__version__} viewer on {url}\n"
                f"OTLP over HTTP on the same port, stored {where}, Ctrl-C stops\n"
            )

    process.run_viewer(settings, ready, beside=beside)


@click.command()
@_asks_a_viewer
@_filtered
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=20, metavar="N", help="How many at most. [20]"
)
@click.option("--follow", "-f", is_flag=True, help="Go on with new ones as they arrive.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def traces(
    client: ViewerClient, parameters: list[tuple[str, str]], limit: int, *, follow: bool, as_json: bool
) -> None:
    """List requests, the newest last.

    Each line ends with its trace id; `wirespan trace ID` shows it. Filters can be repeated: any of the
    services, routes and so on, all of --attr and --text.
    """
    screen = Screen.open()

    def show(request: dict[str, Any]) -> None:
        if as_json:
            _print_json(request)
        else:
            print_request(screen, request)

    found = client.get("/api/requests", [*parameters, ("limit", str(limit))])["requests"]
    for request in reversed(found):
        show(request)
    if not follow:
        if not found and not as_json:
            sys.stderr.write("wirespan: no requests yet, or none that fits\n")
        return
    sys.stdout.flush()
    # What arrived between the two calls is in the stream.
    last = found[0]["seq"] if found else client.get("/api/requests", [("limit", "1")])["requests"]
    after = last if isinstance(last, int) else last[0]["seq"] if last else 0
    for event in client.follow("/api/requests/stream", [*parameters, ("after", str(after))]):
        if event.name == "requests":
            for request in event.data["requests"]:
                show(request)
            sys.stdout.flush()


@click.command()
@click.argument("trace_id", metavar="ID")
@_asks_a_viewer
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def trace(client: ViewerClient, trace_id: str, *, as_json: bool) -> None:
    """Show one trace as a waterfall.

    ID is a trace id or its beginning, as `wirespan traces` prints it.
    """
    found = client.get(f"/api/traces/{_safe(trace_id)}")
    if as_json:
        _print_json(found, indent=2)
    else:
        print_trace(Screen.open(), found)


@click.command()
@_asks_a_viewer
@_filtered
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def routes(client: ViewerClient, parameters: list[tuple[str, str]], *, as_json: bool) -> None:
    """Show each route's rate, errors, percentiles, and why it is slow."""
    found = client.get("/api/routes", parameters)
    if as_json:
        _print_json(found, indent=2)
    elif found["routes"]:
        print_routes(Screen.open(), found["routes"])
    else:
        sys.stderr.write("wirespan: no requests yet, or none that fits\n")


@click.command()
@click.argument("query", metavar="SELECT")
@_asks_a_viewer
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def sql(client: ViewerClient, query: str, *, as_json: bool) -> None:
    """Ask the store in SQL, read only.

    The views are spans and requests, the tables logs, metrics and resources; `wirespan sql "DESCRIBE spans"`
    shows the columns of one.
    """
    answer = client.post("/api/sql", json.dumps({"sql": query}).encode())
    if as_json:
        for row in answer["rows"]:
            _print_json(dict(zip(answer["columns"], row, strict=True)))
    else:
        print_table(Screen.open(), answer["columns"], answer["rows"])
    if answer["truncated"]:
        sys.stderr.write(f"wirespan: only the first {len(answer['rows'])} rows; use LIMIT or aggregate\n")


@click.command()
@click.argument("trace_id", metavar="[ID]", default="")
@_asks_a_viewer
@click.option(
    "--format",
    "form",
    type=click.Choice(["otlp", "parquet", "har", "json"]),
    default="otlp",
    help="parquet: all only; har, json: one trace only. [otlp]",
)
@click.option("--output", "-o", metavar="PATH", help="File to write instead of standard output.")
def export(client: ViewerClient, trace_id: str, form: str, output: str | None) -> None:
    """Write one trace, or everything that is stored, to a file.

    Other tools read it, and `wirespan import` does.
    """
    if not trace_id and form in {"har", "json"}:
        raise click.UsageError(f"--format {form} is for one trace: give its ID")
    if trace_id and form == "parquet":
        raise click.UsageError("--format parquet is for everything: leave the ID out")
    path = f"/api/traces/{_safe(trace_id)}/export" if trace_id else "/api/export"
    if output is None:
        client.download(path, [("format", form)], sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        _download(client, path, form, Path(output))
    except OSError as error:
        raise ViewerError(f"cannot write {output}: {error.strerror}") from error


def _download(client: ViewerClient, path: str, form: str, target: Path) -> None:
    """Beside the file first, so one that was begun never looks whole. Devices are written as they are."""
    is_plain = target.is_file() or not target.exists()
    part = target.with_name(f"{target.name}.part") if is_plain else target
    try:
        with part.open("wb") as file:
            client.download(path, [("format", form)], file)
        if is_plain:
            part.replace(target)
    finally:
        if is_plain:
            part.unlink(missing_ok=True)


@click.command("import")
@click.argument("file", type=click.File("rb"))
@_asks_a_viewer
def import_(client: ViewerClient, file: Any) -> None:
    """Take in an export, or OTLP JSON of other programs.

    FILE may be - for standard input.
    """
    body = file.read()
    kind = "application/zip" if body.startswith(b"PK") else "application/x-ndjson"
    taken = client.post("/api/import", body, kind)
    sys.stdout.write(
        f"{taken['spans']} spans, {taken['logs']} logs, {taken['metric_points']} metric points\n"
    )


def _safe(trace_id: str) -> str:
    """The id as a part of a path.

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{1,32}", trace_id):
        raise click.UsageError(f"{trace_id!r} is no trace id: it has up to 32 hexadecimal digits")
    return trace_id


def _print_json(value: Any, indent: int | None = None) -> None:
    sys.stdout.write(f"{json.dumps(value, indent=indent, ensure_ascii=False)}\n")


COMMANDS: Final = (view, traces, trace, routes, sql, export, import_)
