"""One trace as a waterfall: a tree out of spans that came late, twice, without parents or with wrong clocks.

Theory of operation, in this order:

1. *Repeats.* A span that was sent twice is there once. Two different spans with one id both stay; children
   go to the one that serves (kind server), as senders that share an id between client and server mean it.
2. *Parents.* A parent that is not there (late, sampled away, or never sent) makes its child a root, and a
   `missing_parent` problem. Parents in a circle are cut at the span that began first (`cycle`).
3. *Clocks.* Spans of one resource share a clock; so do those whose resources name the same host. Where a
   child is on another clock than its parent and cannot have happened when it says, it is moved with all that
   is below it, in the way that Jaeger does (its clock skew adjuster): a child that is not longer than
   its parent goes to the middle of it, because the network is assumed to take as long there as back; a longer
   one begins with its parent. A consumer may begin after its producer has ended, so it is only moved
   when it begins before. Every move is reported (`clock_skew`).
4. *Self time* of a span: the time in which none of its children ran.
5. *Gaps*: time of a span with children that nobody accounts for (at least `GAP_SHARE` of the trace and a
   millisecond), unless the span has its six states, which account for everything.
6. *The critical path*: going back from the end, always the child that ended last before the point reached.
   Shortening a span that is not on it does not shorten the trace.

Nothing here recurses: a chain of ten thousand spans is deeper than Python's stack.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

GAP_SHARE: Final = 0.1
GAP_NS: Final = 1_000_000
OUTLIVES_NS: Final = 1_000
"""Clocks of one machine differ by less between two readings; not worth a word."""
SERVER, CONSUMER = 2, 5
SHOWN: Final = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns"))


@dataclass(slots=True, eq=False)
class Node:
    """A span in the tree.

    Attributes:
        clock: what tells time for it: equal where two spans share a clock.
        start_ns: corrected for the clock, unix nanoseconds.
        skew_ns: what was added to the start that its sender gave.
        depth: how many spans are above it.
        facts: what the API sends of it besides its place.
    """

    span_id: str
    parent_id: str | None
    start_ns: int
    duration_ns: int
    kind: int
    clock: str
    has_states: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    skew_ns: int = 0
    self_ns: int = 0
    depth: int = 0
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)

    @property
    def end_ns(self) -> int:
        """Corrected for the clock."""
        return self.start_ns + self.duration_ns


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a span that does not add up.

    Attributes:
        start_ns: where the stretch of time that it is about begins, unix nanoseconds; None without one.
        duration_ns: of that stretch.
    """

    span_id: str
    kind: str
    message: str
    start_ns: int | None = None
    duration_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the critical path."""

    span_id: str
    start_ns: int
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A trace, put in order.

    Attributes:
        nodes: parents before their children, siblings by time.
    """

    nodes: list[Node]
    start_ns: int
    end_ns: int
    critical_path: list[Segment]
    problems: list[Problem]


def arrange(spans: Iterable[Node]) -> Waterfall:
    """Puts the spans of a trace in order, in any order that they come.

    Args:
        spans: at least one; changed in place.
    """
    nodes = _unique(spans)
    problems = _link(nodes)
    roots = [node for node in nodes if node.parent is None]
    ordered = list(_downwards(roots))
    problems += _correct_clocks(ordered)
    for node in ordered:
        node.children.sort(key=_by_time)
    roots.sort(key=_by_time)
    ordered = list(_downwards(roots))
    start_ns, end_ns = min(node.start_ns for node in ordered), max(node.end_ns for node in ordered)
    least_ns = max(GAP_NS, round(GAP_SHARE * (end_ns - start_ns)))
    for node in ordered:
        problems += _measured(node, least_ns)
    path = critical_path(roots)
    return Waterfall(ordered, start_ns, end_ns, path, problems)


def shown(duration_ns: int) -> str:
    """A duration for people: three digits and a unit."""
    for size, unit in SHOWN:
        if duration_ns >= size:
            number = duration_ns / size
            return f"{number:.0f} {unit}" if number >= 100 else f"{number:.3g} {unit}"  # noqa: PLR2004
    return "0 ns"


def _by_time(node: Node) -> tuple[int, int]:
    """Of two that begin together, the longer one is more likely to hold the other's cause."""
    return node.start_ns, -node.duration_ns


def _unique(spans: Iterable[Node]) -> list[Node]:
    seen: dict[tuple[Any, ...], Node] = {}
    for node in spans:
        seen.setdefault((node.span_id, node.parent_id, node.kind, node.clock, node.start_ns), node)
    return list(seen.values())


def _link(nodes: Sequence[Node]) -> list[Problem]:
    """Gives every node its parent, where that is there and not below the node itself."""
    by_id: dict[str, Node] = {}
    for node in sorted(nodes, key=lambda node: node.kind == SERVER):
        by_id[node.span_id] = node
    problems = []
    for node in nodes:
        parent = by_id.get(node.parent_id) if node.parent_id is not None else None
        if node.parent_id is not None and parent is None:
            problems.append(
                Problem(
                    node.span_id,
                    "missing_parent",
                    f"the parent {node.parent_id} is not here: late, not sampled, or never sent",
                )
            )
        node.parent = parent
    for node in _first_of_circles(nodes):
        problems.append(
            Problem(node.span_id, "cycle", f"its parent {node.parent_id} is below it: shown as a root")
        )
        node.parent = None
    for node in nodes:
        if node.parent is not None:
            node.parent.children.append(node)
    return problems


def _first_of_circles(nodes: Sequence[Node]) -> list[Node]:
    """The earliest node of each circle of parents."""
    done: set[int] = set()
    found = []
    for node in nodes:
        way: dict[int, Node] = {}
        here: Node | None = node
        while here is not None and id(here) not in done and id(here) not in way:
            way[id(here)] = here
            here = here.parent
        if here is not None and id(here) in way:
            walked = list(way.values())
            found.append(min(walked[walked.index(here) :], key=_by_time))
        done.update(way)
    return found


def _downwards(roots: Sequence[Node]) -> Iterator[Node]:
    """Parents before children, and sets the depth on the way."""
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        node.depth = 0 if node.parent is None else node.parent.depth + 1
        yield node
        stack.extend(reversed(node.children))


def _correct_clocks(ordered: Sequence[Node]) -> list[Problem]:
    problems = []
    for node in ordered:
        parent = node.parent
        if parent is None:
            continue
        if parent.clock == node.clock:
            node.skew_ns = parent.skew_ns  # its clock is as wrong here as it was there
        else:
            node.skew_ns = _skew(node, parent)
            if node.skew_ns:
                problems.append(_skew_problem(node))
        node.start_ns += node.skew_ns
    return problems


def _skew(child: Node, parent: Node) -> int:
    """What to add to the child's start. The parent's is right already."""
    early = child.start_ns < parent.start_ns
    late = child.end_ns > parent.end_ns and child.kind != CONSUMER
    if child.duration_ns > parent.duration_ns:
        return parent.start_ns - child.start_ns if early else 0
    if not early and not late:
        return 0
    return parent.start_ns + (parent.duration_ns - child.duration_ns) // 2 - child.start_ns


def _skew_problem(node: Node) -> Problem:
    direction = "later" if node.skew_ns > 0 else "earlier"
    return Problem(
        node.span_id,
        "clock_skew",
        f"shown {shown(abs(node.skew_ns))} {direction} than its sender says: by that clock it did not happen "
        "within its parent",
    )


def _measured(node: Node, least_ns: int) -> list[Problem]:
    """Sets the self time; returns the gaps, and whether the span ends after its parent."""
    problems = []
    free = list(_free(node))
    node.self_ns = sum(finish - start for start, finish in free)
    if node.children and not node.has_states:
        problems += [
            Problem(
                node.span_id,
                "gap",
                f"{shown(finish - start)} from {shown(start - node.start_ns)} on are in none of its "
                "children: a span there would show what it did",
                start,
                finish - start,
            )
            for start, finish in free
            if finish - start >= least_ns
        ]
    parent = node.parent
    if parent is not None and node.end_ns - parent.end_ns >= OUTLIVES_NS:
        late_ns = node.end_ns - parent.end_ns
        said = f"ends {shown(late_ns)} after its parent"
        problems.append(Problem(node.span_id, "outlives_parent", said, parent.end_ns, late_ns))
    return problems


def _free(node: Node) -> Iterator[tuple[int, int]]:
    """The stretches of a span in which none of its children ran. They are sorted by start."""
    point = node.start_ns
    for child in node.children:
        start, finish = min(child.start_ns, node.end_ns), min(child.end_ns, node.end_ns)
        if start > point:
            yield point, start
        point = max(point, finish)
    if point < node.end_ns:
        yield point, node.end_ns


def critical_path(roots: Sequence[Node]) -> list[Segment]:
    """The chain of work that the trace's duration depends on, in order of time.

    Several roots are treated as children of one span over the whole trace, which has no segments itself.
    """
    segments: list[Segment] = []
    # Each frame is a span that is walked backwards, the point reached, and the children still to see.
    stack: list[tuple[Node | None, int, Iterator[Node]]] = []
    point = max(root.end_ns for root in roots)
    node: Node | None = None
    waiting = _latest_first(roots)
    while True:
        begin = node.start_ns if node is not None else 0
        # What ends after its parent has kept it up until the parent's end at most.
        last = point if node is None else node.end_ns
        child = next(
            (one for one in waiting if begin <= one.start_ns < point and min(one.end_ns, last) <= point), None
        )
        if child is not None:
            finish = min(child.end_ns, last)
            _add(segments, node, finish, point)
            stack.append((node, child.start_ns, waiting))
            node, point, waiting = child, finish, _latest_first(child.children)
            continue
        _add(segments, node, begin, point)
        if not stack:
            return segments[::-1]
        node, point, waiting = stack.pop()


def _latest_first(nodes: Sequence[Node]) -> Iterator[Node]:
    return iter(sorted(nodes, key=lambda node: -node.end_ns))


def _add(segments: list[Segment], node: Node | None, start: int, finish: int) -> None:
    if node is not None and finish > start:
        segments.append(Segment(node.span_id, start, finish - start))
