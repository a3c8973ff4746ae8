"""Requests, waterfalls and routes in a terminal: the six states have the colours that they have everywhere.

Without colours (NO_COLOR, a pipe) the states are letters, as in the pretty access log.
"""

import datetime
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from wirespan.looks import LOOKS
from wirespan.viewer.waterfall import shown

PIPE_COLUMNS: Final = 160
"""Width where no terminal says one: nothing of interest is cut off in a file."""
SPAN, OUTSIDE = "━", " "
PLAIN_SPAN: Final = "="
WIDE: Final = 120
"""From here on a whole trace id fits, and longer bars."""
MIDDLE: Final = 100
"""From here on the longest reason for an end fits."""
NAME_CELLS: Final = 60
"""Of a request in a list: farther away, a number is hard to tell to which name it belongs."""
COMPLETED: Final = "completed"
GAP: Final = 2
"""Cells between two columns of a table."""
LEAST_CELLS: Final = 8
"""To which a column of a table is cut at most: still readable."""
SERVER_ERROR: Final = 500
CLIENT_ERROR: Final = 400


@dataclass(frozen=True, slots=True)
class Screen:
    """Where to write, how wide it is, and whether it has colours."""

    console: Console
    width: int
    color: bool

    @classmethod
    def open(cls) -> "Screen":
        """Standard output as it is."""
        watched = sys.stdout.isatty()
        width = shutil.get_terminal_size((PIPE_COLUMNS, 24)).columns
        if not watched and "COLUMNS" not in os.environ:
            width = PIPE_COLUMNS
        color = watched and not os.environ.get("NO_COLOR")
        console = Console(
            width=width, highlight=False, soft_wrap=True, no_color=not color, force_terminal=color or None
        )
        return cls(console, width, color)

    def line(self, *parts: Text) -> None:
        """Writes one line, without blanks at its end."""
        text = Text.assemble(*parts)
        text.rstrip()
        self.console.print(text, end="\n")


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Exactly this many cells: filled up, or cut with an ellipsis."""
    if cell_len(text) > width:
        return f"{set_cell_size(text, max(width - 1, 0))}…"[: max(width, 0)]
    space = " " * (width - cell_len(text))
    return f"{space}{text}" if right else f"{text}{space}"


def clean(text: str | None) -> str:
    """A sender's text without control characters: they could move the cursor or repaint the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text or "")


# Requests.


def print_request(screen: Screen, request: Mapping[str, Any]) -> None:
    """One line: time, service and what, status, duration, bar, how it ended or the main state, and trace."""
    wide = screen.width >= WIDE
    identity = request["trace_id"] if wide else request["trace_id"][:8]
    bar_width, end_width = (16, 20) if wide else (8, 20 if screen.width >= MIDDLE else 13)
    used = 8 + 1 + 1 + 3 + 1 + 7 + 1 + bar_width + 1 + end_width + 1 + len(identity)
    name_width = min(max(screen.width - used, 10), NAME_CELLS)
    moment = datetime.datetime.fromtimestamp(request["start_us"] / 1e6, datetime.UTC).astimezone()
    code = request["status"]
    screen.line(
        Text(f"{moment:%H:%M:%S} ", style="dim"),
        Text(fit(title(request, with_service=True), name_width)),
        Text(f" {code or ('err' if request['error'] else '-'):>3} ", style=_status_style(request)),
        Text(f"{shown(request['duration_ns']):>7} "),
        states_bar(screen, request["states"], bar_width),
        _end(request, end_width),
        Text(f" {identity}", style="dim"),
    )


def _end(request: Mapping[str, Any], width: int) -> Text:
    """What was wrong; else the state that took most of the time."""
    reason = request["end_reason"]
    problem = reason if reason not in {None, COMPLETED} else request["error_type"]
    if not problem or problem == str(request["status"]):
        return main_state(request["states"], width)
    return Text(fit(clean(problem), width), style="red")


def title(request: Mapping[str, Any], *, with_service: bool) -> str:
    """What a request is called: method and route, else the path, else the span's name."""
    what = request["route"] or request["path"]
    name = f"{request['method']} {what}" if request["method"] and what else request["name"]
    return clean(f"{request['service']} {name}" if with_service else name)


def _status_style(request: Mapping[str, Any]) -> str:
    code = request["status"] or 0
    if request["error"] or code >= SERVER_ERROR:
        return "bold red"
    return "yellow" if code >= CLIENT_ERROR else "green"


def states_bar(screen: Screen, states: Mapping[str, int] | None, width: int) -> Text:
    """The six states in their order as a bar of fixed width; blank where they are not known."""
    total = sum(states.values()) if states else 0
    if not states or not total:
        return Text(" " * (width + 1))
    pieces = [{"state": state, "duration_ns": spent} for state, spent in states.items()]
    return Text.assemble(*cells(screen, pieces, 0, total, width), " ")


def main_state(states: Mapping[str, int] | None, width: int) -> Text:
    """The state that took most of the time, with its share."""
    total = sum(states.values()) if states else 0
    if not states or not total:
        return Text(" " * width)
    state = max(states, key=lambda name: states[name])
    return Text(fit(f"{state} {100 * states[state] / total:.0f}%", width), style=LOOKS[state].color)


def cells(
    screen: Screen, pieces: Sequence[Mapping[str, Any]], begin: float, end: float, width: int
) -> Iterator[Text]:
    """The states of a stretch of time as cells: each shows the state that has most of it.

    Args:
        screen: tells whether there are colours.
        pieces: states in order of time, the first one beginning at 0.
        begin: where the first cell begins, nanoseconds.
        end: where the last one ends.
        width: how many.
    """
    step = (end - begin) / max(width, 1)
    for number in range(width):
        state = _state_at(pieces, begin + number * step, begin + (number + 1) * step)
        if state is None:
            yield Text(SPAN if screen.color else PLAIN_SPAN, style="dim")
        else:
            look = LOOKS[state]
            yield Text("█" if screen.color else look.letter, style=look.color)


def _state_at(pieces: Sequence[Mapping[str, Any]], begin: float, end: float) -> str | None:
    point, most, found = 0.0, 0.0, None
    for piece in pieces:
        until = point + piece["duration_ns"]
        shared = min(until, end) - max(point, begin)
        if shared > most:
            most, found = shared, piece["state"]
        point = until
    return found


# One trace.


def print_trace(screen: Screen, trace: Mapping[str, Any]) -> None:
    """The waterfall, then what does not add up, then logs and errors in order of time."""
    services = ", ".join(clean(name) for name in dict.fromkeys(span["service"] for span in trace["spans"]))
    moment = datetime.datetime.fromtimestamp(trace["start_us"] / 1e6, datetime.UTC).astimezone()
    count = len(trace["spans"])
    screen.line(Text(f"trace {trace['trace_id']}", style="bold"))
    screen.line(
        Text(
            f"{moment:%Y-%m-%d %H:%M:%S}, {shown(trace['duration_ns'])}, "
            f"{count} span{'s' if count != 1 else ''}, {services}",
            style="dim",
        )
    )
    screen.line(Text(""))
    critical = {part["span_id"] for part in trace["critical_path"]}
    widest = max(cell_len(_label(span, screen.width)) for span in trace["spans"])
    label_width = min(widest, max(screen.width * 2 // 5, 22))
    for span in trace["spans"]:
        _print_span(screen, span, trace["duration_ns"], label_width, is_critical=span["span_id"] in critical)
    _print_legend(screen, trace)
    _print_notes(screen, trace)


def _label(span: Mapping[str, Any], width: int) -> str:
    """The name of a span behind its indent, which leaves room for the name in a terminal of this width."""
    name = title(
        {**span, **(span["http"] or _NO_HTTP)},
        with_service=span["depth"] == 0 or span["kind"] in {"server", "consumer"},
    )
    return "  " * min(int(span["depth"]), width // 10) + name


def _print_span(
    screen: Screen, span: Mapping[str, Any], total_ns: int, label_width: int, *, is_critical: bool
) -> None:
    state_width = 14 if screen.width >= WIDE else 0
    bar_width = max(screen.width - label_width - state_width - 12, 10)
    failed = "bold red" if span["error"] else ""
    screen.line(
        Text("▸ " if is_critical else "  ", style="bold"),
        Text(fit(_label(span, screen.width), label_width), style=failed),
        Text(" "),
        _bar(screen, span, total_ns, bar_width),
        Text(f" {shown(span['duration_ns']):>8}", style=failed),
        *((Text(" "), main_state(span["states"], state_width - 1)) if state_width and span["states"] else ()),
    )


def _bar(screen: Screen, span: Mapping[str, Any], total_ns: int, width: int) -> Text:
    per_cell = max(total_ns, 1) / width
    first = min(int(span["offset_ns"] / per_cell), width - 1)
    end = span["offset_ns"] + span["duration_ns"]
    last = min(max(round(end / per_cell), first + 1), width)
    pieces = span["timeline"] or [
        {"state": state, "duration_ns": spent} for state, spent in (span["states"] or {}).items()
    ]
    begin, finish = first * per_cell - span["offset_ns"], last * per_cell - span["offset_ns"]
    # The edges of the cells are not those of the span: what lies outside belongs to its first and last state.
    begin, finish = max(begin, 0.0), min(max(finish, 1.0), max(span["duration_ns"], 1))
    return Text.assemble(
        OUTSIDE * first, *cells(screen, pieces, begin, finish, last - first), OUTSIDE * (width - last)
    )


def _print_legend(screen: Screen, trace: Mapping[str, Any]) -> None:
    screen.line(Text(""))
    legend = Text("▸ critical path", style="dim")
    if any(span["states"] for span in trace["spans"]):
        for state, look in LOOKS.items():
            legend.append(f"  {'█' if screen.color else look.letter} ", style=look.color)
            legend.append(state, style="dim")
    screen.line(legend)


def _print_notes(screen: Screen, trace: Mapping[str, Any]) -> None:
    names = {
        span["span_id"]: title({**span, **(span["http"] or _NO_HTTP)}, with_service=True)
        for span in trace["spans"]
    }
    if trace["problems"]:
        screen.line(Text(""))
    for problem in trace["problems"]:
        screen.line(
            Text(f"{problem['kind'].replace('_', ' ')}: ", style="yellow"),
            Text(f"{names[problem['span_id']]}: {problem['message']}"),
        )
    notes = sorted([*_errors(trace), *_logs(trace)], key=lambda note: note[0])
    if notes:
        screen.line(Text(""))
    for offset, style, text in notes:
        screen.line(Text(f"{shown(max(offset, 0)):>8}  ", style="dim"), Text(text, style=style))


_NO_HTTP: Final = {"method": None, "route": None, "path": None, "status": None}
_Note = tuple[int, str, str]


def _errors(trace: Mapping[str, Any]) -> Iterator[_Note]:
    for span in trace["spans"]:
        if span["status_message"]:
            end = span["offset_ns"] + span["duration_ns"]
            yield end, "red", clean(f"{span['name']}: {span['status_message']}")
        for event in span["events"]:
            details = event["attributes"]
            if event["name"] == "exception":
                kind, message = details.get("exception.type", ""), details.get("exception.message", "")
                yield event["offset_ns"], "red", clean(f"{span['name']}: {kind}: {message}")


def _logs(trace: Mapping[str, Any]) -> Iterator[_Note]:
    for log in trace["logs"]:
        bad = (log["severity"] or 0) >= 17  # noqa: PLR2004 - OTLP: ERROR begins here
        text = clean(f"{log['service']} {log['severity_text'] or 'LOG'} {log['body'] or ''}")
        yield log["offset_ns"], "red" if bad else "", text


# Routes.


def print_routes(screen: Screen, routes: Sequence[Mapping[str, Any]]) -> None:
    """One block for each route: its numbers, the states at the p99, the verdict."""
    names = [_route_name(route) for route in routes]
    bar_width = 20 if screen.width >= WIDE else 10
    name_width = min(max(cell_len(name) for name in names), max(screen.width - 52 - bar_width, 16))
    numbers = f"{'count':>7} {'1/s':>7} {'errors':>6} {'p50':>8} {'p95':>8} {'p99':>8}"
    heading = f"{fit('route', name_width)} {numbers} p99 states"
    screen.line(Text(heading, style="dim"))
    for route, name in zip(routes, names, strict=True):
        states = (route["states"] or {}).get("p99")
        errors = f"{100 * route['error_rate']:.1f}%" if route["errors"] else "-"
        screen.line(
            Text(fit(name, name_width), style="bold"),
            Text(f" {route['count']:>7} {_rate(route['rate']):>7}"),
            Text(f" {errors:>6}", style="red" if route["errors"] else "dim"),
            *(Text(f" {shown(route[f'{name}_ns']):>8}") for name in ("p50", "p95", "p99")),
            Text(" "),
            states_bar(screen, states, bar_width),
        )
        screen.line(Text(f"  {route['verdict']['text']}", style="dim"))


def _route_name(route: Mapping[str, Any]) -> str:
    what = route["route"] or "(no route)"
    return clean(" ".join(filter(None, (route["service"], route["method"], what))))


def _rate(per_second: float) -> str:
    return f"{per_second:.2f}" if per_second < 1_000 else f"{per_second:.0f}"  # noqa: PLR2004 - seven cells


# Tables of SQL.


def print_table(screen: Screen, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows under their names, as wide as their values; the widest columns give way in a narrow terminal.

    Where all columns together are too many for it, each row is a block with a line for each column.
    """
    names = [clean(name) for name in columns]
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(cell_len, values)) for values in zip(names, *texts, strict=True)]
    room = screen.width - GAP * (len(widths) - 1)
    if sum(min(width, LEAST_CELLS) for width in widths) > room:
        _print_blocks(screen, names, texts)
        return
    while sum(widths) > room:
        widths[widths.index(max(widths))] -= 1
    is_number = [all(isinstance(row[at], int | float) for row in rows) for at in range(len(columns))]
    for style, line in [("dim", names), *(("", text) for text in texts)]:
        cut = (
            fit(cell, width, right=right) for cell, width, right in zip(line, widths, is_number, strict=True)
        )
        screen.line(Text((" " * GAP).join(cut), style=style))


def _print_blocks(screen: Screen, names: Sequence[str], texts: Sequence[Sequence[str]]) -> None:
    label = max(map(cell_len, names)) + GAP
    for number, row in enumerate(texts, 1):
        screen.line(Text(f"row {number}", style="bold"))
        for name, value in zip(names, row, strict=True):
            cut = fit(value, max(screen.width - label, LEAST_CELLS)) if value else ""
            screen.line(Text(fit(name, label), style="dim"), Text(cut))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return clean(f"{value:.6g}" if isinstance(value, float) else str(value))
