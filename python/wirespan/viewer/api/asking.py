"""What the handlers of all operations need: parameters read, and mistakes told."""

from typing import Final, NoReturn

from wirespan.context import RequestContext
from wirespan.pairs import Pairs
from wirespan.viewer.filters import NAMES, FilterError, Filters, parse, whole
from wirespan.viewer.openapi import Parameter
from wirespan.viewer.queries.heatmap import MAX_STEPS, STEPS

JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
ZIP: Final = "application/zip"
STEPS_PARAMETER: Final = Parameter(
    "steps", f"Steps of time, {STEPS} if nothing is said.", "integer", low=1, high=MAX_STEPS
)


def filters_of(ctx: RequestContext, now_ns: int, *extra: Parameter) -> Filters:
    """The filters of a request's URL, which may have these other parameters."""
    return parse(ctx.query, now_ns, frozenset(one.name for one in extra))


def only(query: Pairs, *allowed: str) -> None:
    """Refuses parameters that the operation does not have."""
    for name in query:
        if name not in allowed:
            takes = f"it takes {', '.join(allowed)}" if allowed else "it takes none"
            filters = " (filters are for lists)" if name in NAMES else ""
            raise FilterError(name, f"there is no such parameter here: {takes}{filters}")


def steps_of(ctx: RequestContext) -> int:
    """How many steps of time are asked for."""
    return whole(ctx.query, STEPS_PARAMETER.name, low=1, high=MAX_STEPS) or STEPS


def choice(query: Pairs, name: str, choices: tuple[str, ...]) -> str:
    """The value of an operation's only parameter; the first choice is taken where nothing is said."""
    only(query, name)
    chosen = query.get(name, choices[0])
    if chosen not in choices:
        raise FilterError(name, f"must be {' or '.join(choices)}, not {chosen[:80]!r}")
    return chosen


def fail(ctx: RequestContext, status: int, message: str) -> NoReturn:
    """Ends the request with a status and its reason."""
    ctx.abort(status, {"error": {"message": message, "parameter": None}})
