"""The tables that the command line prints and the documentation contains: `make docs` writes them there."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from wirespan import _core
from wirespan.config import DEFAULTS, OPTIONS, bounds
from wirespan.sources import flag, shown_default, variable

Rows = Sequence[dict[str, Any]]


def event_rows() -> Rows:
    """Every event that is defined, in the order of the engine's table."""
    levels = dict(_core.level_table())
    return [
        {"event": name, "level": levels[level], "when": when} for _, name, level, when in _core.event_table()
    ]


def option_rows() -> Rows:
    """Every option, in the order of the table."""
    return [
        {
            "option": name,
            "group": option.group,
            "flag": flag(name),
            "variable": variable(name),
            "default": DEFAULTS[name],
            "values": ", ".join(option.choices) or bounds(option),
            "help": option.help,
        }
        for name, option in OPTIONS.items()
    ]


def print_events(form: str | None = None) -> None:
    """Prints the event table: None for people, `json` for programs, `markdown` for docs/tracing.md."""
    rows = event_rows()
    if form is not None:
        sys.stdout.write(_json(rows) if form == "json" else events_markdown())
        return
    table = _table("Events of a request", "Event", "Level", "When exactly")
    for row in rows:
        style = "bold" if row["level"] == "base" else ""
        table.add_row(row["event"], row["level"], row["when"], style=style)
    Console().print(table)


def print_options(form: str | None = None) -> None:
    """Prints the option table: None for people, `json` for programs, `markdown` for docs/options.md."""
    if form is not None:
        sys.stdout.write(_json(option_rows()) if form == "json" else options_markdown())
        return
    table = _table("Options", "Option", "Default", "Meaning")
    for row in option_rows():
        table.add_row(row["option"], shown_default(row["option"]), _meaning(row).replace("`", ""))
    Console().print(table)


def events_markdown() -> str:
    """The event table for the documentation."""
    return _markdown(
        ["Event", "Level", "When exactly"],
        ([f"`{row['event']}`", row["level"], row["when"]] for row in event_rows()),
    )


def options_markdown() -> str:
    """The option tables for the documentation: one section for each group."""
    rows = option_rows()
    groups = dict.fromkeys(row["group"] for row in rows)
    sections = (
        f"## {group}\n\n" + _markdown(["Option", "Default", "Meaning"], _option_cells(rows, group))
        for group in groups
    )
    return "\n".join(sections)


def end_reasons_markdown() -> str:
    """How an exchange can end, for the documentation."""
    return _markdown(
        ["`end_reason`", "When"], ([f"`{name}`", _END_REASONS[name]] for name in _core.end_reasons())
    )


# Names are the engine's; a name without a row here is a KeyError in the tests of the documentation.
_END_REASONS = {
    "completed": "the kernel accepted the whole response",
    "client_disconnected": "the client went away before that",
    "read_timeout": "the client was silent for too long while head or body was due",
    "write_timeout": "the client took none of the response for too long",
    "handler_error": "the handler raised, or its response broke a rule",
    "handler_timeout": "the handler ran longer than `timeout_handler_s`",
    "protocol_error": "the request broke a rule of HTTP",
    "limit_exceeded": "the request or the server went over a bound",
    "shutdown": "the server stopped before the exchange was over",
    "upgraded": "the connection became something else; nothing does this yet",
}


def access_log_markdown() -> str:
    """Fields of the JSON access log, for the documentation."""
    return _markdown(
        ["Field", "Meaning"], ([f"`{name}`", meaning] for name, meaning in _core.access_log_fields())
    )


def metrics_markdown() -> str:
    """Every metric, for the documentation."""
    return _markdown(
        ["Metric", "Kind, unit", "Attributes", "Meaning"],
        (
            [f"`{name}`", f"{kind}, `{unit}`", ", ".join(f"`{each}`" for each in attributes), meaning]
            for name, kind, unit, attributes, meaning, _ in _core.metric_table()
        ),
    )


def metric_buckets_markdown() -> str:
    """The buckets of every histogram, for the documentation: metrics with the same ones in one row."""
    names: dict[tuple[str, ...], list[str]] = {}
    for name, _, unit, _, _, uppers in _core.metric_table():
        if uppers:
            names.setdefault((unit, *(f"{bound:g}" for bound in uppers)), []).append(f"`{name}`")
    return _markdown(
        ["Metric", "Unit", "Upper bounds"],
        ([", ".join(metrics), f"`{unit}`", " ".join(uppers)] for (unit, *uppers), metrics in names.items()),
    )


def _option_cells(rows: Rows, group: str) -> Iterable[list[str]]:
    for row in rows:
        if row["group"] == group:
            default = shown_default(row["option"])
            yield [f"`{row['option']}`", f"`{default}`" if default else "", _meaning(row)]


def _meaning(row: dict[str, Any]) -> str:
    """The help with the allowed values, where the help does not say them."""
    return f"{row['help']} ({row['values']})" if row["values"] else str(row["help"])


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _json(rows: Rows) -> str:
    return json.dumps(rows, indent=2) + "\n"
