"""Query strings and urlencoded forms: names with one or more values.

Source: WHATWG URL section 5.1 (application/x-www-form-urlencoded), decoded strictly: text that is not UTF-8
is refused instead of replaced, and the number of pairs is bounded, as each costs memory.
"""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl

MAX_PAIRS: Final = 1_000
"""Pairs in one query or form. Django has the same bound (`DATA_UPLOAD_MAX_NUMBER_FIELDS`)."""


class Pairs(Mapping[str, str]):
    """Values by name. A name given several times has its first value here; `get_all` has the others."""

    __slots__ = ("_values",)

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        self._values = values

    @classmethod
    def parse(cls, text: str) -> "Pairs":
        """Decodes `a=1&b=2`. A name without `=` has the empty value.

        Raises:
            ValueError: More than `MAX_PAIRS` pairs, or bytes that are not UTF-8. The message may be shown to
            the client.
        """
        if not text:
            return cls([])
        if text.count("&") >= MAX_PAIRS:
            raise ValueError(f"more than {MAX_PAIRS} names")
        try:
            return cls(parse_qsl(text, keep_blank_values=True, errors="strict"))
        except UnicodeDecodeError as error:
            raise ValueError("not UTF-8 after percent-decoding") from error

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def get_all(self, name: str) -> list[str]:
        """All values of a name in the order given; empty where there is none."""
        return list(self._values.get(name, ()))

    def __repr__(self) -> str:
        return f"Pairs({self._values!r})"
