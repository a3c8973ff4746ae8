"""Filters of a URL become one condition with parameters.

Invariant: the text of the SQL comes from this file alone. What a client sends is only ever bound as a value.
"""

import datetime
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from wirespan.config import did_you_mean
from wirespan.pairs import Pairs

LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
MAX_TEXT: Final = 1_000
"""Characters of one filter: longer ones are a mistake or an attack."""

IS_ERROR: Final = "(status = 2 OR coalesce(http_status, 0) >= 500)"
"""An error: the span says so (OTLP status 2), or the server answered 5xx."""
ROUTE: Final = "CASE WHEN method IS NULL THEN name ELSE route END"
"""What a request is grouped by: its route, and its span's name where it is not HTTP."""

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RELATIVE: Final = re.compile(r"-(\d{1,9})([smhd])")
_ATTRIBUTE: Final = re.compile(r"(?P<key>[^=!~<>]+)(?:(?P<operator>!=|=|~|>|<)(?P<value>.*))?", re.DOTALL)
_OWN: Final = "json_extract_string(attributes, ?)"
# What a JSON text must hold to hold the value: JSON is read thirty times slower than text is searched.
_HOLDS: Final = (
    "(contains(attributes, ?) OR resource_id IN "
    "(SELECT r.resource_id FROM resources r WHERE contains(r.attributes, ?)))"
)
_LIKE_SIGNS: Final = re.compile(r"[!%_]")
_PLAIN: Final = re.compile(r"[ !#-\[\]-~]+")
"""Text that JSON writes as it is."""
_TEXT_COLUMNS: Final = ("name", "path", "error_type", "status_message", "attributes")
_LARGEST: Final = 2**63 - 1


class FilterError(ValueError):
    """A filter that cannot be understood: the client gets a 400.

    Attributes:
        parameter: its name in the URL.
    """

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL over `stored_spans` with its values.

    Attributes:
        sql: its text.
        values: of the question marks in it.
        is_costly: it reads long texts, about a gigabyte for a million requests; `measures` lacks them.
        measured: its text over `measures` where that is another one.
    """

    sql: str
    values: tuple[Any, ...] = ()
    is_costly: bool = False
    measured: str | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a client asked for, checked.

    Attributes:
        conditions: all must hold; those of time and of the cursor are not among them.
        since_ns: requests that began then or later; None for all.
        until_ns: requests that began before; None for all.
        limit: how many rows at most.
        before: only rows that arrived earlier than this one (`seq`).
        after: only rows that arrived later.
    """

    conditions: tuple[Condition, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None
    limit: int = LIMIT
    before: int | None = None
    after: int | None = None

    @property
    def is_costly(self) -> bool:
        """Whether all that is stored takes seconds to look through."""
        return any(condition.is_costly for condition in self.conditions)

    def where(self) -> Condition:
        """The whole condition: requests only, in the time range, behind the cursor."""
        return _all([Condition("is_request"), *self._bounds(), *self.conditions])

    def measured(self) -> Condition:
        """The same over `measures`, which finds what it lacks in the spans."""
        known = [
            Condition(one.measured or one.sql, one.values) for one in self.conditions if not one.is_costly
        ]
        whole = _all([Condition("true"), *self._bounds(), *known])
        if not self.is_costly:
            return whole
        spans = self.where()
        sql = f"{whole.sql} AND seq IN (SELECT seq FROM stored_spans WHERE {spans.sql})"  # noqa: S608 - our own words
        return Condition(sql, (*whole.values, *spans.values))

    def _bounds(self) -> list[Condition]:
        bounds = (
            ("start_ns >= ?", self.since_ns),
            ("start_ns < ?", self.until_ns),
            ("seq < ?", self.before),
            ("seq > ?", self.after),
        )
        return [Condition(sql, (value,)) for sql, value in bounds if value is not None]

    def between(self, since_ns: int, until_ns: int) -> "Filters":
        """The same filters over another time range."""
        return replace(self, since_ns=since_ns, until_ns=until_ns)


def parse(query: Pairs, now_ns: int, extra: Mapping[str, object] | frozenset[str] = frozenset()) -> Filters:
    """Reads the filters out of a query.

    Args:
        query: the URL's.
        now_ns: what relative times are relative to, unix nanoseconds.
        extra: parameters that mean something else to the caller.

    Raises:
        FilterError: a value is wrong, or a name is unknown.
    """
    for name in query:
        if name not in NAMES and name not in extra:
            hint = did_you_mean(name, [*NAMES, *extra]) or f"; filters are {', '.join(NAMES)}"
            raise FilterError(name, f"there is no such parameter{hint}")
    conditions = [
        make(name, query.get_all(name)) for name, make in _CONDITIONS.items() if query.get_all(name)
    ]
    return Filters(
        tuple(conditions),
        since_ns=instant(query, "since", now_ns),
        until_ns=instant(query, "until", now_ns),
        limit=whole(query, "limit", low=1, high=MAX_LIMIT) or LIMIT,
        before=whole(query, "before"),
        after=whole(query, "after"),
    )


def whole(query: Pairs, name: str, *, low: int = 0, high: int = _LARGEST) -> int | None:
    """A whole number of the query; None where it is not given.

    Raises:
        FilterError: it is none, or out of bounds.
    """
    text = query.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", text) or not low <= int(text) <= high:
        between = f"between {low} and {high}" if high != _LARGEST else f"from {low} on"
        raise FilterError(name, f"must be a whole number {between}, not {_shown(text)}")
    return int(text)


def instant(query: Pairs, name: str, now_ns: int) -> int | None:
    """A point in time of the query in unix nanoseconds; None where it is not given.

    Raises:
        FilterError: it is neither unix milliseconds, nor ISO 8601, nor relative such as `-15m`.
    """
    text = query.get(name)
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,15}", text):
        return min(int(text) * 1_000_000, _LARGEST)
    if match := _RELATIVE.fullmatch(text):
        return max(now_ns - int(match[1]) * _UNITS_S[match[2]] * 1_000_000_000, 0)
    try:
        moment = datetime.datetime.fromisoformat(text)
        # Without a zone it is the time of this machine, as in its logs.
        since_epoch = moment.astimezone() - datetime.datetime.fromtimestamp(0, datetime.UTC)
    except (ValueError, OverflowError):
        raise FilterError(
            name, f"must be unix milliseconds, ISO 8601 or relative such as -15m, not {_shown(text)}"
        ) from None
    return max(since_epoch // datetime.timedelta(microseconds=1), 0) * 1_000


def _all(parts: list[Condition]) -> Condition:
    return Condition(
        " AND ".join(part.sql for part in parts), tuple(value for part in parts for value in part.values)
    )


def _one_of(sql: str) -> Callable[[str, list[str]], Condition]:
    """A filter by equality: any of the values; the empty one stands for rows that have none."""

    def make(name: str, texts: list[str]) -> Condition:
        values = [_bounded(name, text) for text in texts]
        marks = ", ".join("?" * len(values))
        if "" in values:
            return Condition(f"(({sql}) IN ({marks}) OR ({sql}) IS NULL)", tuple(values))
        return Condition(f"({sql}) IN ({marks})", tuple(values))

    return make


def _of_route(column: str, sql: str) -> Callable[[str, list[str]], Condition]:
    """The same where `measures` has the number of a route that has the value."""

    def make(name: str, texts: list[str]) -> Condition:
        found = _one_of(column)(name, texts).sql
        measured = f"route_id IN (SELECT route_id FROM routes WHERE {found})"  # noqa: S608 - words of this file
        return replace(_one_of(sql)(name, texts), measured=measured)

    return make


def _method(name: str, texts: list[str]) -> Condition:
    return _of_route("method", "method")(name, [text.upper() for text in texts])


def _status(name: str, texts: list[str]) -> Condition:
    parts = [_one_status(name, text) for text in texts]
    joined, measured = (
        " OR ".join(texts)
        for texts in zip(*((part.sql, part.measured or part.sql) for part in parts), strict=True)
    )
    values = tuple(value for part in parts for value in part.values)
    return Condition(f"({joined})", values, measured=f"({measured})")


def _one_status(name: str, text: str) -> Condition:
    if text == "error":
        return Condition(IS_ERROR, measured="failed")
    if match := re.fullmatch(r"([1-5])xx", text):
        low = int(match[1]) * 100
        return Condition("http_status BETWEEN ? AND ?", (low, low + 99))
    if re.fullmatch(r"[1-9][0-9]{2}", text):
        return Condition("http_status = ?", (int(text),))
    raise FilterError(name, f"must be a code such as 404, a class such as 5xx, or error, not {_shown(text)}")


def _duration(sql: str) -> Callable[[str, list[str]], Condition]:
    def make(name: str, texts: list[str]) -> Condition:
        return Condition(sql, (round(min(_number(name, texts[0]) * 1e6, _LARGEST)),))

    return make


def _attributes(name: str, texts: list[str]) -> Condition:
    parts = [_attribute(name, _bounded(name, text)) for text in texts]
    joined = " AND ".join(part.sql for part in parts)
    return Condition(joined, tuple(value for part in parts for value in part.values), is_costly=True)


def _attribute(name: str, text: str) -> Condition:
    match = _ATTRIBUTE.fullmatch(text)
    if match is None:
        raise FilterError(
            name, f"must be key, key=value, key!=value, key~text, key>5 or key<5, not {_shown(text)}"
        )
    key, operator, value = match["key"], match["operator"], match["value"]
    place = pointer(key)
    if operator is None:
        return _matching(key, place, "IS NOT NULL")
    if operator in {"<", ">"}:
        bound = _number(name, value, signed=True)
        return _matching(key, place, f"{operator} ?", bound, value_of="try_cast({} AS DOUBLE)")
    if operator == "~":
        literal = _LIKE_SIGNS.sub(r"!\g<0>", value)
        return _matching(key, place, "ILIKE ? ESCAPE '!'", f"%{literal}%")
    equal = _matching(value if operator == "=" else "", place, "= ?", value)
    return equal if operator == "=" else Condition(f"NOT {equal.sql}", equal.values, is_costly=True)


def _matching(held: str, place: str, test: str, *bound: object, value_of: str = "{}") -> Condition:
    """The span's own attribute passes a test, or where it has none that of its resource (host, version).

    Args:
        held: what the JSON text holds where the test is passed.
        place: of the attribute.
        test: what follows the value in SQL.
        bound: what is bound in the test.
        value_of: what is done with the value before.
    """
    own, resource = value_of.format(_OWN), value_of.format(_OWN.replace("attributes", "r.attributes"))
    sql = (
        f"coalesce({own} {test} OR ({_OWN} IS NULL AND resource_id IN "  # noqa: S608 - words of this file
        f"(SELECT r.resource_id FROM resources r WHERE {resource} {test})), false)"
    )
    values = (place, *bound, place, place, *bound)
    if _PLAIN.fullmatch(held):
        return Condition(f"({_HOLDS} AND {sql})", (held, held, *values), is_costly=True)
    return Condition(f"({sql})", values, is_costly=True)


def pointer(key: str) -> str:
    """Where an attribute is in its JSON object (RFC 6901): keys have dots, which a JSON path would split."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _text(name: str, texts: list[str]) -> Condition:
    parts = " OR ".join(f"contains(lower({column}), lower(?))" for column in _TEXT_COLUMNS)
    values = [_bounded(name, text) for text in texts]
    sql = " AND ".join(f"({parts})" for _ in values)
    return Condition(sql, tuple(value for value in values for _ in _TEXT_COLUMNS), is_costly=True)


def _number(name: str, text: str, *, signed: bool = False) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (number < 0 and not signed):
        raise FilterError(name, f"must be a number, not {_shown(text)}")
    return number


def _bounded(name: str, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise FilterError(name, f"longer than {MAX_TEXT} characters")
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}...")  # noqa: PLR2004 - what fits a line


_CONDITIONS: Final[dict[str, Callable[[str, list[str]], Condition]]] = {
    "service": _of_route("service", "service"),
    "route": _of_route("route", ROUTE),
    "method": _method,
    "status": _status,
    "end_reason": _one_of("end_reason"),
    "min_ms": _duration("duration_ns >= ?"),
    "max_ms": _duration("duration_ns < ?"),
    "attr": _attributes,
    "text": _text,
}
NAMES: Final = (*_CONDITIONS, "since", "until", "limit", "before", "after")
"""Every parameter that is a filter."""
