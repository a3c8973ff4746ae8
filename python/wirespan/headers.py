"""Request headers as a mapping. A view: nothing is converted before it is read (RFC 9110 section 5)."""

from collections.abc import Iterator, Mapping
from typing import Protocol


class HeaderSource(Protocol):
    """Where the fields are: `_core.Exchange`."""

    def header(self, name: str, /) -> str | None:
        """First value of a field."""

    def header_values(self, name: str, /) -> list[str]:
        """All values of a field."""

    def header_items(self) -> list[tuple[str, str]]:
        """All fields in the order sent, lower-case names."""


class Headers(Mapping[str, str]):
    """Header fields by name, in any case; values are latin-1 text.

    A name that was sent several times has its first value here; `get_all` has the others. Iteration gives
    each name once, in lower case.
    """

    __slots__ = ("_source",)

    def __init__(self, source: HeaderSource) -> None:
        self._source = source

    def __getitem__(self, name: str) -> str:
        value = self._source.header(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._source.header(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._source.header_items()))

    def __len__(self) -> int:
        return len({name for name, _ in self._source.header_items()})

    def get_all(self, name: str) -> list[str]:
        """All values of a field in the order sent; empty where there is none."""
        return self._source.header_values(name)

    def items_all(self) -> list[tuple[str, str]]:
        """All fields in the order sent, repeated names included."""
        return self._source.header_items()

    def __repr__(self) -> str:
        # Names alone: values hold credentials, and representations end up in logs.
        return f"Headers({', '.join(self)})"
