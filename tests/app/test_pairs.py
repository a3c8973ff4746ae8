"""Query strings and forms."""

import pytest

from wirespan.pairs import MAX_PAIRS, Pairs


def test_values_are_decoded_and_kept_in_order() -> None:
    """Both ways to write a space, names without value, repeated names."""
    pairs = Pairs.parse("a=1&b=x+y%20z&c&a=2&d=%C3%A9&=e")
    assert dict(pairs) == {"a": "1", "b": "x y z", "c": "", "d": "é", "": "e"}
    assert pairs.get_all("a") == ["1", "2"]
    assert pairs.get_all("none") == []
    assert len(pairs) == 5
    assert pairs.get("none") is None


def test_no_text_is_no_pairs() -> None:
    """An absent query string is an empty mapping, no error."""
    assert dict(Pairs.parse("")) == {}
    assert repr(Pairs.parse("a=1")) == "Pairs({'a': ['1']})"


def test_the_number_of_pairs_is_bounded() -> None:
    """Each pair costs memory that the client chooses."""
    assert len(Pairs.parse("&".join(f"n{i}" for i in range(MAX_PAIRS)))) == MAX_PAIRS
    with pytest.raises(ValueError, match="more than 1000 names"):
        Pairs.parse("&" * MAX_PAIRS)


def test_bytes_that_are_no_text_are_refused() -> None:
    """A replacement character would change what the client said."""
    with pytest.raises(ValueError, match="not UTF-8"):
        Pairs.parse("a=%ff")
