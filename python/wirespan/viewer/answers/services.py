"""The map of services. See `answers`."""

import msgspec

from wirespan.viewer.answers.base import Answer


class Node(Answer):
    """A service. One that only calls others has no requests, and 0 for each percentile."""

    service: str
    requests: int
    rate: float
    errors: int
    p50_ns: int
    p95_ns: int
    p99_ns: int


class Edge(Answer):
    """Calls from one service to another, as the callee measured them."""

    from_: str = msgspec.field(name="from")
    to: str
    calls: int
    rate: float
    errors: int
    p50_ns: int
    p95_ns: int


class Services(Answer):
    """The service map."""

    since_us: int
    until_us: int
    nodes: list[Node]
    edges: list[Edge]
