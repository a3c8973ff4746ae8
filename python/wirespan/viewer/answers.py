"""What the API answers, as types: OpenAPI is made from them, and tests hold every answer to them.

The queries build plain dicts, which is fastest to send. Names ending in `_ns` are durations or offsets in
nanoseconds, those in `_us` instants in unix microseconds; ids are hex text.
"""

from typing import Any, Literal

import msgspec

State = Literal["queue", "read", "schedule", "run", "await", "write"]


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """Base: a field that is not listed is a mistake."""


class States(Answer):
    """Nanoseconds in each of the six states of a request."""

    queue: int
    read: int
    schedule: int
    run: int
    await_: int = msgspec.field(name="await")
    write: int


class ErrorBody(Answer):
    """What is wrong, and with which parameter if it is one."""

    message: str
    parameter: str | None


class Error(Answer):
    """The body of every 4xx and 5xx reply."""

    error: ErrorBody


class Request(Answer):
    """One request: a span that serves, consumes, or has no parent."""

    seq: int
    trace_id: str
    span_id: str
    start_us: int
    duration_ns: int
    service: str
    name: str
    kind: str
    method: str | None
    route: str | None
    path: str | None
    status: int | None
    error: bool
    error_type: str | None
    end_reason: str | None
    states: States | None


class Requests(Answer):
    """Newest first. `next` is the value of `before` that continues the list, null at its end.

    With `attr` or `text` an answer comes after a quarter of a second at most, with what was found until then:
    fewer than `limit`, perhaps none. Only `next` tells whether that is all.
    """

    requests: list[Request]
    next: int | None


class TraceService(Answer):
    """A process that took part. `skew_ns` is the largest correction of its clock."""

    name: str
    skew_ns: int
    resource: dict[str, Any]


class TimelinePiece(Answer):
    """A stretch in one state; null for the rest of a timeline that its sender has cut."""

    state: State | None
    duration_ns: int


class Http(Answer):
    """The HTTP side of a span."""

    method: str | None
    route: str | None
    path: str | None
    status: int | None


class SpanEvent(Answer):
    """Something that happened during a span."""

    offset_ns: int
    name: str
    attributes: dict[str, Any]


class Link(Answer):
    """A span elsewhere that this one has to do with."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any]


class Span(Answer):
    """One span in its place. `offset_ns` counts from the trace's start, after the correction `skew_ns`."""

    span_id: str
    parent_id: str | None
    depth: int
    service: str
    name: str
    kind: str
    status: str
    status_message: str | None
    error: bool
    error_type: str | None
    offset_ns: int
    skew_ns: int
    duration_ns: int
    self_ns: int
    states: States | None
    timeline: list[TimelinePiece] | None
    http: Http | None
    end_reason: str | None
    attributes: dict[str, Any]
    resource: int
    scope: str | None
    events: list[SpanEvent]
    links: list[Link]
    trace_state: str | None
    flags: int | None
    dropped: str | None


class Log(Answer):
    """A log record of the trace."""

    span_id: str | None
    offset_ns: int
    severity: int
    severity_text: str | None
    body: str
    service: str
    attributes: dict[str, Any]


class PathSegment(Answer):
    """A piece of the critical path: the trace would be shorter if this were."""

    span_id: str
    offset_ns: int
    duration_ns: int


class TraceProblem(Answer):
    """Something that does not add up, in words; with its stretch of time for `gap` and `outlives_parent`."""

    span_id: str
    kind: Literal["missing_parent", "cycle", "clock_skew", "gap", "outlives_parent"]
    message: str
    offset_ns: int | None
    duration_ns: int | None


class Trace(Answer):
    """One trace. Spans are in tree order: parents first, siblings by time.

    `logs` are the first 1,000 by time; `logs_truncated` when there are more.
    """

    trace_id: str
    start_us: int
    duration_ns: int
    services: list[TraceService]
    spans: list[Span]
    logs: list[Log]
    logs_truncated: bool
    critical_path: list[PathSegment]
    problems: list[TraceProblem]


class StatesAt(Answer):
    """The states at three percentiles: means over the requests around each, scaled to sum to it.

    All are 0 where nobody around it knows its states.
    """

    p50: States
    p95: States
    p99: States


class VerdictPart(Answer):
    """A state that the p99 is made of; `share` is between 0 and 1."""

    state: State
    share: float
    ns: int


class VerdictChange(Answer):
    """What changed: a state, or the duration (null), is `factor` times larger since then."""

    state: State | None
    factor: float
    since_us: int


class Verdict(Answer):
    """Why the route is slow, in words and in numbers."""

    text: str
    percentile: Literal["p99"]
    total_ns: int
    parts: list[VerdictPart]
    change: VerdictChange | None


class Period(Answer):
    """The numbers of a route in a time range. Percentiles are nearest ranks, `rate` is per second."""

    count: int
    rate: float
    errors: int
    error_rate: float
    p50_ns: int
    p95_ns: int
    p99_ns: int
    states: StatesAt | None


class Route(Period):
    """A route with its verdict. `total_ns` is what its requests took together."""

    service: str
    method: str | None
    route: str | None
    total_ns: int
    verdict: Verdict


class Routes(Answer):
    """Routes, those that took most time together first."""

    since_us: int
    until_us: int
    routes: list[Route]


class Changes(Answer):
    """Now divided by base; null where base is 0."""

    rate: float | None
    error_rate: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class Compared(Answer):
    """A route in two periods. Without requests now it counts 0; without requests then it has no base."""

    service: str
    method: str | None
    route: str | None
    now: Period
    base: Period | None
    change: Changes | None


class Comparison(Answer):
    """Two periods side by side."""

    since_us: int
    until_us: int
    base_since_us: int
    base_until_us: int
    routes: list[Compared]


class RouteSeries(Answer):
    """Requests over time: `[step, count, errors, p50_ns, p95_ns, p99_ns]` for steps that have any."""

    from_us: int
    step_us: int
    series: list[tuple[int, int, int, int, int, int]]


class Heatmap(Answer):
    """Cells are `[step, band, count, errors]`; band `i` holds `edges_ns[i] <= duration < edges_ns[i + 1]`."""

    from_us: int
    step_us: int
    edges_ns: list[int]
    cells: list[tuple[int, int, int, int]]


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


class RunningRequest(Answer):
    """A request that runs now. In the background: its client has the answer, its handler goes on."""

    id: int
    method: str
    path: str
    route: str | None
    state: str | None
    state_ns: int
    states: dict[str, int] | None
    age_ns: int
    background: bool
    end_reason: str | None
    trace_id: str | None
    client: str | None


class RunningServer(Answer):
    """A server process; `total` counts what runs, `requests` has the oldest of it."""

    instance: str
    service: str
    pid: int
    url: str
    at_us: int
    total: int
    requests: list[RunningRequest]


class Inflight(Answer):
    """What runs now, on the servers that have said so in the last five seconds."""

    servers: list[RunningServer]


class Metric(Answer):
    """A metric that is stored."""

    service: str
    name: str
    unit: str
    kind: str
    description: str


class Metrics(Answer):
    """All metrics by service and name."""

    metrics: list[Metric]


class Series(Answer):
    """Points are `[unix microseconds, value]`."""

    service: str
    attributes: dict[str, Any]
    points: list[tuple[int, float]]


class MetricSeries(Answer):
    """A metric's series."""

    series: list[Series]


class Keys(Answer):
    """Attribute keys."""

    keys: list[str]


class Values(Answer):
    """Values of an attribute."""

    values: list[str]


class Table(Answer):
    """The result of a query. `truncated` when there were more rows than are sent."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool


class Status(Answer):
    """The viewer and what it holds.

    `rate` is requests per second over the last ten seconds, `problem` why nothing can be stored now.
    """

    version: str
    spans: int
    requests: int
    logs: int
    metric_points: int
    bytes: int
    pruned: int
    problem: str | None
    oldest_us: int | None
    newest_us: int | None
    rate: float
    address: str
    token_required: bool


class Token(Answer):
    """What clients must know."""

    token: str


class Imported(Answer):
    """What an import has brought."""

    spans: int
    logs: int
    metric_points: int


class Query(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/sql`."""

    sql: str
