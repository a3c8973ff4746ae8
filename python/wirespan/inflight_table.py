"""The tables of `wirespan inflight`: for each server what runs, oldest first."""

from collections.abc import Sequence
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from wirespan.inflight import InflightRequest, InflightServer, state_of
from wirespan.looks import LOOKS

# From these widths on there is room for the whole trace id, and for the bar.
TRACE_WIDTH = 132
BAR_WIDTH = 100
SHORT_TRACE = 8
BAR_CELLS = 12
MINUTE_S, HOUR_S = 60, 3600
LONG = "Request"
LEAST_CELLS = 16
GAP_CELLS = 3
UNKNOWN = Text("·", style="dim")
COLUMNS: dict[str, Literal["left", "right"]] = {
    "Age": "right",
    "State": "left",
    "For": "right",
    "So far": "left",
    "Request": "left",
    "Client": "left",
    "Trace": "left",
}


def overview(servers: Sequence[InflightServer], console: Console) -> RenderableType:
    """All servers, one below the other."""
    return Group(*(part for server in servers for part in (*_server(server, console), Text())))


def _server(server: InflightServer, console: Console) -> list[RenderableType]:
    total, shown = server["total"], len(server["requests"])
    count = f"{total} running" if total else "nothing runs"
    name = server["service"] or "wirespan"
    head = Text.assemble(
        (name, "bold"), " on ", (server["url"], "bold cyan"), (f"  pid {server['pid']}  ", "dim"), count
    )
    if not total:
        return [head]
    parts: list[RenderableType] = [head, _table(server["requests"], console)]
    if total > shown:
        parts.append(Text(f"and {total - shown} that began later", style="dim"))
    if all(request["states"] is None for request in server["requests"]):
        parts.append(Text("States are not recorded: serve with --trace-level base or a tracer.", style="dim"))
    return parts


def _table(requests: Sequence[InflightRequest], console: Console) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    rows = [_row(request, console) for request in requests]
    # A column that says nothing is room for the others.
    names = [name for name in COLUMNS if any(row.get(name) for row in rows)]
    _shorten(rows, names, console.width)
    for name in names:
        table.add_column(name, justify=COLUMNS[name], no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*(row[str(column.header)] or UNKNOWN for column in table.columns))
    return table


def _shorten(rows: Sequence[dict[str, Text]], names: Sequence[str], width: int) -> None:
    """Cuts what requests are called where the table would be too wide: rich would cut all columns alike."""
    others = [max(cell_len(name), *(row[name].cell_len for row in rows)) for name in names if name != LONG]
    room = width - sum(others) - GAP_CELLS * len(names)
    for row in rows:
        row[LONG].truncate(max(room, LEAST_CELLS), overflow="ellipsis")


def _row(request: InflightRequest, console: Console) -> dict[str, Text]:
    has_bar, is_wide = console.width >= BAR_WIDTH, console.width >= TRACE_WIDTH
    trace = request["trace_id"] or ""
    return {
        "Age": Text(duration(request["age_ns"])),
        "State": _state(request),
        "For": Text(duration(request["state_ns"]) if state_of(request) else ""),
        "So far": _bar(request, color=console.is_terminal and not console.no_color) if has_bar else Text(),
        "Request": _name(request),
        "Client": Text(request["client"] or ""),
        "Trace": Text(trace if is_wide else trace[:SHORT_TRACE], style="dim"),
    }


def duration(ns: int) -> str:
    """`12 ms`, `3.4 s`, `2 m 05 s`, `1 h 02 m`."""
    seconds = ns / 1e9
    if seconds < 1:
        return f"{ns // 1_000_000} ms"
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), MINUTE_S)
    return f"{minutes} m {rest:02} s" if seconds < HOUR_S else f"{minutes // 60} h {minutes % 60:02} m"


def _state(request: InflightRequest) -> Text:
    name = state_of(request)
    text = Text(name, style=LOOKS[name].color if name in LOOKS else "dim")
    if request["end_reason"] is not None:
        text.append(f" ({request['end_reason'].replace('_', ' ')})", style="bold red")
    return text


def _name(request: InflightRequest) -> Text:
    if not request["method"]:
        return Text("no head yet", style="dim")
    route, path = request["route"], request["path"]
    text = Text.assemble((request["method"], "bold"), " ", route or path)
    return text.append(f"  {path}", style="dim") if route and route != path else text


def _bar(request: InflightRequest, *, color: bool) -> Text:
    """The share of each state until now, as in the access log."""
    states = request["states"] or {}
    total = sum(states.values()) or 1
    bar, spent, drawn = Text(), 0, 0
    for name, ns in states.items():
        spent += ns
        until = round(BAR_CELLS * spent / total)
        bar.append(("█" if color else LOOKS[name].letter) * (until - drawn), style=LOOKS[name].color)
        drawn = until
    return bar
