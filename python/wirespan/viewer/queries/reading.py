"""What all queries share: the store they read, the six states, ids as text, exact shares."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from wirespan import _core
from wirespan.viewer.filters import FilterError

STATES: Final[tuple[str, ...]] = tuple(_core.state_names())
STATE_COLUMNS: Final = ", ".join(f"{state}_ns" for state in STATES)
KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""Span kinds at their OTLP numbers."""
STATUSES: Final = ("unset", "ok", "error")
"""Span statuses at their OTLP numbers."""


DIGITS: Final = 32
"""Of a trace id in hex: 16 bytes."""


class Source(Protocol):
    """A store that can be read, from any thread."""

    def read(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a query finds."""


def word(words: Sequence[str], number: int) -> str:
    """The word of an OTLP number, or the number itself where the protocol has grown."""
    return words[number] if number < len(words) else str(number)


def trace_hex(high: int, low: int) -> str:
    """A trace id as people write it."""
    return f"{high:016x}{low:016x}"


def trace_halves(source: Source, trace_id: str) -> tuple[int, int] | None:
    """A trace id as it is stored. Its beginning is enough where only one trace begins so.

    Returns:
        The two halves; None when there is no trace that begins so.

    Raises:
        FilterError: it is no hexadecimal number of at most 32 digits, or several traces begin so.
    """
    digits = trace_id.lower()
    if not 1 <= len(digits) <= DIGITS or set(digits) - set("0123456789abcdef"):
        raise FilterError("trace_id", "must be a hexadecimal number of 32 digits, or the beginning of one")
    if len(digits) == DIGITS:
        return int(digits[:16], 16), int(digits[16:], 16)
    first, last = (digits.ljust(DIGITS, fill) for fill in "0f")
    found = source.read(
        "SELECT DISTINCT trace_hi, trace_lo FROM stored_spans WHERE trace_hi BETWEEN ? AND ? "
        "AND (trace_hi > ? OR trace_lo >= ?) AND (trace_hi < ? OR trace_lo <= ?) LIMIT 2",
        [int(text, 16) for text in (first[:16], last[:16], first[:16], first[16:], last[:16], last[16:])],
    )
    if len(found) > 1:
        raise FilterError("trace_id", f"several traces begin with {digits}: give more digits")
    return (found[0][0], found[0][1]) if found else None


def states_of(values: Sequence[int | None]) -> dict[str, int] | None:
    """The six states of a row, None where its sender does not know them."""
    if all(value is None for value in values):
        return None
    return {state: value or 0 for state, value in zip(STATES, values, strict=True)}


def scaled(parts: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers in the proportion of the parts that sum exactly to the total.

    The largest remainders get what rounding down leaves, in order.
    """
    whole = sum(parts.values())
    if whole <= 0:
        return dict.fromkeys(parts, 0)
    exact = {name: value / whole * total for name, value in parts.items()}
    result = {name: int(value) for name, value in exact.items()}
    missing = total - sum(result.values())
    for name in sorted(exact, key=lambda name: result[name] - exact[name])[:missing]:
        result[name] += 1
    return result
