"""Spans in any order and state become a tree whose numbers add up."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirespan.viewer.waterfall import CONSUMER, SERVER, Node, Waterfall, arrange, critical_path, shown

MS = 1_000_000


def node(name: str, parent: str | None, start: int, duration: int, **facts: Any) -> Node:
    """Times in milliseconds."""
    plain: dict[str, Any] = {"kind": 1, "clock": "a"}
    return Node(name, parent, start * MS, duration * MS, **(plain | facts))


def tree(waterfall: Waterfall) -> list[tuple[str, int]]:
    return [(one.span_id, one.depth) for one in waterfall.nodes]


def kinds(waterfall: Waterfall) -> list[tuple[str, str]]:
    return [(problem.span_id, problem.kind) for problem in waterfall.problems]


def path(waterfall: Waterfall) -> list[tuple[str, int, int]]:
    return [(part.span_id, part.start_ns // MS, part.duration_ns // MS) for part in waterfall.critical_path]


def test_order_of_arrival_does_not_matter() -> None:
    spans = [
        ("a", None, 0, 100),
        ("b", "a", 10, 20),
        ("c", "a", 40, 50),
        ("d", "c", 45, 5),
        ("e", "c", 45, 30),
    ]
    expected = [("a", 0), ("b", 1), ("c", 1), ("e", 2), ("d", 2)]
    for seed in range(20):
        shuffled = random.Random(seed).sample(spans, len(spans))
        assert tree(arrange(node(*span) for span in shuffled)) == expected


def test_a_repeated_span_is_there_once() -> None:
    assert tree(arrange([node("a", None, 0, 9), node("a", None, 0, 9)])) == [("a", 0)]


def test_a_shared_id_has_its_children_below_the_server() -> None:
    client, server = node("s", "a", 1, 8, kind=3), node("s", "a", 2, 6, kind=SERVER)
    found = arrange([node("a", None, 0, 10), server, client, node("x", "s", 3, 1)])
    assert [(one.span_id, one.kind, one.depth) for one in found.nodes] == [
        ("a", 1, 0),
        ("s", 3, 1),
        ("s", 2, 1),
        ("x", 1, 2),
    ]


def test_a_missing_parent_makes_a_root_and_is_said() -> None:
    found = arrange([node("b", "gone", 5, 1), node("a", None, 0, 10)])
    assert tree(found) == [("a", 0), ("b", 0)]
    assert kinds(found) == [("b", "missing_parent")]
    assert "the parent gone is not here" in found.problems[0].message


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_circle_is_cut_at_its_first_span(length: int) -> None:
    names = [f"s{number}" for number in range(length)]
    spans = [node(name, names[number - 1], number, 1) for number, name in enumerate(names)]
    found = arrange([node("tail", names[-1], 50, 1), *reversed(spans)])
    assert tree(found) == [*((name, depth) for depth, name in enumerate(names)), ("tail", length)]
    assert ("s0", "cycle") in kinds(found)
    assert [kind for _, kind in kinds(found)].count("cycle") == 1


def test_two_circles_are_both_cut() -> None:
    found = arrange([node("a", "b", 0, 1), node("b", "a", 0, 1), node("c", "d", 0, 1), node("d", "c", 1, 1)])
    assert sorted(name for name, kind in kinds(found) if kind == "cycle") == ["a", "c"]


def test_ten_thousand_levels_are_no_recursion() -> None:
    spans = [node(f"{n}", None if n == 0 else f"{n - 1}", n, 20_000 - n) for n in range(10_000)]
    found = arrange(spans)
    assert found.nodes[-1].depth == 9_999
    assert len(found.critical_path) > 1_000


class TestClocks:
    def test_a_shorter_child_goes_to_the_middle_and_takes_its_own_along(self) -> None:
        found = arrange(
            [
                node("a", None, 100, 50),
                node("b", "a", 5_000, 30, clock="b"),
                node("c", "b", 5_010, 10, clock="b"),
            ]
        )
        starts = {one.span_id: (one.start_ns // MS, one.skew_ns // MS) for one in found.nodes}
        assert starts == {"a": (100, 0), "b": (110, -4_890), "c": (120, -4_890)}
        assert kinds(found)[0] == ("b", "clock_skew")
        assert "4.89 s earlier" in found.problems[0].message

    def test_a_longer_child_begins_with_its_parent(self) -> None:
        found = arrange([node("a", None, 100, 10), node("b", "a", 40, 30, clock="b")])
        assert found.nodes[1].start_ns == 100 * MS
        assert ("b", "outlives_parent") in kinds(found)
        assert "later" in found.problems[0].message

    def test_a_longer_child_that_begins_after_its_parent_stays(self) -> None:
        found = arrange([node("a", None, 100, 10), node("b", "a", 105, 30, clock="b")])
        assert found.nodes[1].skew_ns == 0
        assert ("b", "outlives_parent") in kinds(found)

    def test_what_fits_stays(self) -> None:
        found = arrange([node("a", None, 100, 10), node("b", "a", 101, 3, clock="b")])
        assert found.nodes[1].skew_ns == 0

    def test_a_consumer_may_begin_after_its_producer_ended(self) -> None:
        late = node("b", "a", 500, 5, clock="b", kind=CONSUMER)
        assert arrange([node("a", None, 100, 10), late]).nodes[1].skew_ns == 0
        early = node("b", "a", 50, 6, clock="b", kind=CONSUMER)
        assert arrange([node("a", None, 100, 10), early]).nodes[1].start_ns == 102 * MS

    def test_one_clock_is_never_corrected(self) -> None:
        found = arrange([node("a", None, 100, 10), node("b", "a", 50, 5)])
        assert found.nodes[1].start_ns == 50 * MS


def test_self_time_is_what_no_child_covers() -> None:
    found = arrange(
        [node("a", None, 0, 100), node("b", "a", 10, 20), node("c", "a", 20, 20), node("d", "a", 90, 50)]
    )
    assert {one.span_id: one.self_ns // MS for one in found.nodes} == {"a": 60, "b": 20, "c": 20, "d": 50}


def test_gaps_are_said_unless_states_account_for_them() -> None:
    spans = [("a", None, 0, 100), ("b", "a", 0, 5), ("c", "a", 50, 48)]
    found = arrange(node(*span) for span in spans)
    assert kinds(found) == [("a", "gap")]
    assert "45 ms from 5 ms on" in found.problems[0].message
    assert (found.problems[0].start_ns, found.problems[0].duration_ns) == (found.start_ns + 5 * MS, 45 * MS)
    assert kinds(arrange(node(*span, has_states=True) for span in spans)) == []


class TestCriticalPath:
    def test_goes_back_along_what_ended_last(self) -> None:
        found = arrange(
            [
                node("a", None, 0, 100),
                node("b", "a", 10, 30),
                node("c", "a", 20, 60),
                node("d", "c", 30, 40),
                node("e", "a", 85, 10),
            ]
        )
        assert path(found) == [
            ("a", 0, 20),
            ("c", 20, 10),
            ("d", 30, 40),
            ("c", 70, 10),
            ("a", 80, 5),
            ("e", 85, 10),
            ("a", 95, 5),
        ]

    def test_a_child_that_ends_later_counts_until_its_parent_ends(self) -> None:
        found = arrange([node("a", None, 0, 10), node("b", "a", 5, 20)])
        assert path(found) == [("a", 0, 5), ("b", 5, 5)]

    def test_several_roots_are_one_after_the_other(self) -> None:
        found = arrange([node("a", None, 0, 10), node("b", None, 20, 10), node("c", None, 22, 5)])
        assert path(found) == [("a", 0, 10), ("b", 20, 10)]

    @given(
        st.lists(
            st.tuples(st.integers(0, 12), st.integers(0, 100), st.integers(0, 100), st.sampled_from("ab")),
            min_size=1,
            max_size=12,
        )
    )
    def test_is_within_the_trace_and_never_doubles(self, rows: list[tuple[int, int, int, str]]) -> None:
        """For any spans at all, cycles and missing parents included."""
        spans = [
            node(f"{number}", f"{parent}", start, duration, clock=clock)
            for number, (parent, start, duration, clock) in enumerate(rows)
        ]
        found = arrange(spans)
        assert sorted(one.span_id for one in found.nodes) == sorted(f"{n}" for n in range(len(rows)))
        point = found.start_ns
        for part in critical_path([one for one in found.nodes if one.parent is None]):
            assert part.start_ns >= point
            point = part.start_ns + part.duration_ns
        assert point <= found.end_ns
        for one in found.nodes:
            assert 0 <= one.self_ns <= one.duration_ns


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (123_456_789, "123 ms"),
        (840 * MS, "840 ms"),
        (61_000 * MS, "61 s"),
    ],
)
def test_durations_for_people(ns: int, text: str) -> None:
    assert shown(ns) == text
