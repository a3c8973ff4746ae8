"""The header mapping, over a source that is no engine."""

import pytest

from wirespan.headers import Headers


class Source:
    def __init__(self, *items: tuple[str, str]) -> None:
        self.items = list(items)

    def header(self, name: str, /) -> str | None:
        return next(iter(self.header_values(name)), None)

    def header_values(self, name: str, /) -> list[str]:
        return [value for key, value in self.items if key == name.lower()]

    def header_items(self) -> list[tuple[str, str]]:
        return self.items


HEADERS = Headers(Source(("accept", "a"), ("host", "h"), ("accept", "b")))


def test_names_are_read_in_any_case() -> None:
    """RFC 9110 section 5.1."""
    assert HEADERS["Accept"] == HEADERS["ACCEPT"] == "a"
    assert "HOST" in HEADERS
    assert "cookie" not in HEADERS
    assert 1 not in HEADERS  # type: ignore[comparison-overlap]
    assert HEADERS.get("cookie") is None
    with pytest.raises(KeyError):
        HEADERS["cookie"]


def test_repeated_fields_are_kept() -> None:
    """The first is the value; the others are not lost."""
    assert HEADERS.get_all("accept") == ["a", "b"]
    assert list(HEADERS) == ["accept", "host"]
    assert len(HEADERS) == 2
    assert HEADERS.items_all() == [("accept", "a"), ("host", "h"), ("accept", "b")]


def test_representation_holds_no_values() -> None:
    """Values are credentials, and representations end up in logs."""
    assert repr(Headers(Source(("authorization", "secret")))) == "Headers(authorization)"
