"""The command `wirespan`: serve an application, see the demo, print the tables of events and options.

The flags of `serve` are made from the option table in `config.py`; nothing is listed twice.
"""

import importlib
import os
import sys
from typing import Any

import click

from wirespan._core import __version__
from wirespan.banner import print_banner
from wirespan.config import OPTIONS, Option, checked, kind
from wirespan.errors import ConfigError
from wirespan.loading import say
from wirespan.server import EXIT_OPTIONS, leave_soon, reported, run_config
from wirespan.sources import flag, load_config, parse, shown_default
from wirespan.tables import print_events, print_options
from wirespan.viewer.commands import COMMANDS

HELP_WIDTH = 100
STANDARD_ERROR = 2
SECONDS = click.FloatRange(min=0)
SECONDS.name = "number"  # in messages
PORT = click.IntRange(0, 65_535)
DEMO_S = 20.0
EXIT_INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it


SECTIONS = {
    "Serve": ("serve", "inflight", "demo"),
    "Look at traces": ("view", "traces", "trace", "routes", "sql", "export", "import"),
    "Look things up": ("events", "options"),
}


class OptionType(click.ParamType[Any]):
    """Checks a flag's text like the same option's environment variable, with the same words."""

    def __init__(self, name: str) -> None:
        self.name = OPTIONS[name].metavar or kind(name).__name__
        self._option = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as the field holds it.

        Raises:
            UsageError: in one line, with what would be right.
        """
        try:
            parsed = parse(self._option, value) if isinstance(value, str) else value
            return checked(self._option, OPTIONS[self._option], parsed)
        except ConfigError as error:
            problem = str(error).removeprefix(self._option)
            raise click.UsageError(f"{flag(self._option)}{problem}", ctx) from error


class TableOption(click.Option):
    """A flag made from one row of the option table. Not given on the command line, it has no value."""

    def __init__(self, name: str, option: Option) -> None:
        self.group = option.group
        words = flag(name)
        facts: dict[str, Any] = {"type": OptionType(name), "metavar": _metavar(name, option)}
        if kind(name) is bool:
            words, facts = f"{words}/{words.replace('--', '--no-', 1)}", {"default": None}
        elif kind(name) is tuple:
            facts = {"multiple": True, "metavar": option.metavar}
        super().__init__([words, name], help=_help(name, option), **facts)


def _metavar(name: str, option: Option) -> str:
    return option.metavar or "|".join(option.choices) or {int: "N", float: "SECONDS"}.get(kind(name), "TEXT")


def _help(name: str, option: Option) -> str:
    default = shown_default(name)
    return f"{option.help.replace('`', '')} [{default}]" if default else option.help.replace("`", "")


class GroupedCommand(click.Command):
    """A command whose help shows its flags under the headings of the option table."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes one section for each group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        # Ours first, `--config` and `--help` at the end; the argument is in the usage line already.
        params = sorted(self.get_params(ctx), key=lambda param: not isinstance(param, TableOption))
        for param in params:
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                groups.setdefault(getattr(param, "group", "Help"), []).append(record)
        for group, records in groups.items():
            with formatter.section(group):
                formatter.write_dl(records, col_max=34)


class Commands(click.Group):
    """The program. What its user got wrong is one line on stderr."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands by what they are for."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(80)) for name in names])

    # Click's own exits; ours returns the code, for `sys.exit(main())` and for tests.
    def main(self, *args: Any, **extra: Any) -> int:  # type: ignore[override]
        """Runs one command line.

        Args:
            args: the words after the program's name, as one list; those of the process if there is none.
            extra: as for any click command.

        Returns:
            The exit code.
        """
        _fill_standard_descriptors()
        extra |= {"prog_name": "wirespan", "standalone_mode": False}
        try:
            with reported():
                super().main(*args, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            sys.stdout.write(f"{error.format_message()}\n")
            return EXIT_OPTIONS
        except click.ClickException as error:
            say(f"{' '.join(error.format_message().split())}{_help_of(error)}")
            return EXIT_OPTIONS
        except click.Abort:
            return EXIT_INTERRUPTED
        except SystemExit as error:
            return error.code if isinstance(error.code, int) else 1
        return 0


def _help_of(error: click.ClickException) -> str:
    """Where to read on after a word that is missing or unknown; other messages say what would be right."""
    if isinstance(error, click.MissingParameter | click.NoSuchOption) and error.ctx is not None:
        return f" See '{error.ctx.command_path} --help'."
    return ""


def _fill_standard_descriptors() -> None:
    """Where a supervisor closed 0, 1 or 2, the next socket would be standard output: libuv aborts then."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= STANDARD_ERROR:
        descriptor = os.dup(descriptor)
    os.close(descriptor)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - open to the end
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


@click.group(
    cls=Commands, context_settings={"max_content_width": HELP_WIDTH, "help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="wirespan", message="%(prog)s %(version)s")
def main() -> None:
    """An HTTP server for Python that traces every request from the kernel to the last byte."""


@main.command(cls=GroupedCommand)
@click.argument("target", metavar="MODULE:APP")
@click.option("--config", "file", metavar="FILE.toml", help="Read options from a file.")
def serve(target: str, file: str | None, **flags: Any) -> None:
    """Serve an app: wirespan, ASGI or WSGI.

    MODULE:APP is where it is: shop.main:app is `app` in shop/main.py. APP is `app` when it is left out.

    Each flag is also an environment variable (--port: WIRESPAN_PORT) and a key of the configuration file
    (port).
    """
    given = {name: value for name, value in flags.items() if value is not None and value != ()}
    config = load_config({}, command_line=given, file=file)
    with reported(debug=config.debug):
        run_config(target, config, lambda server: print_banner(target, server))
        leave_soon()


serve.params.extend(TableOption(name, option) for name, option in OPTIONS.items())


@main.command()
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="As the documentation has it.")
def events(form: str | None) -> None:
    """Print all events and when they happen.

    Exactly, with the trace level that records them.
    """
    print_events(form)


@main.command()
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="As the documentation has it.")
def options(form: str | None) -> None:
    """Print all options with defaults and bounds."""
    print_options(form)


@main.command()
@click.argument("places", nargs=-1, metavar="[PLACE]...")
@click.option("--json", "as_json", is_flag=True, help="As JSON; with --watch one line each second.")
@click.option("--watch", is_flag=True, help="Look again each second, until Ctrl-C.")
def inflight(places: tuple[str, ...], *, as_json: bool, watch: bool) -> None:
    """Show the requests that run now.

    What each waits for, and for how long, at all servers of yours on this machine. PLACE is what a server was
    told with --inspect: the path of a socket, or HOST:PORT.
    """
    command = importlib.import_module("wirespan.inflight_command")
    show = command.watch if watch else command.print_once
    show(command.places_of(places), as_json=as_json)


@main.command()
@click.option(
    "--seconds",
    type=SECONDS,
    metavar="N",
    help="How long; 0 is until Ctrl-C. [0 in a terminal with the page, else 20]",
)
@click.option("--view/--no-view", default=True, help="With the viewer's page. [on]")
@click.option(
    "--view-port",
    type=PORT,
    metavar="N",
    help="Where the page is. [4318, or a free one if that is taken; 0: a free one]",
)
def demo(seconds: float | None, *, view: bool, view_port: int | None) -> None:
    """See where requests spend their time.

    A small shop and a service in front of it run under a realistic mix of requests. Each request is one line,
    the page shows it, and the summary at the end says what was slow, and why.
    """
    if seconds is None:  # a page that goes away while somebody looks at it is no page
        seconds = 0.0 if view and sys.stdout.isatty() else DEMO_S
    demo_module = importlib.import_module("wirespan.demo")  # it needs FastAPI, which nothing else here does
    demo_module.run_demo(seconds or None, view=view, view_port=view_port)


for _command in COMMANDS:
    main.add_command(_command)
