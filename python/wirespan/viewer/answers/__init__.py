"""What the API answers, as types: OpenAPI is made from them, and tests hold every answer to them.

The queries build plain dicts, which is fastest to send. Names ending in `_ns` are durations or offsets in
nanoseconds, those in `_us` instants in unix microseconds; ids are hex text.
"""

from wirespan.viewer.answers.base import Answer, Error, ErrorBody, States
from wirespan.viewer.answers.heatmap import Heatmap
from wirespan.viewer.answers.inflight import Inflight, RunningRequest, RunningServer
from wirespan.viewer.answers.metrics import Metric, Metrics, MetricSeries, Series
from wirespan.viewer.answers.requests import Request, Requests
from wirespan.viewer.answers.routes import (
    Changes,
    Compared,
    Comparison,
    Period,
    Route,
    Routes,
    RouteSeries,
    StatesAt,
    Verdict,
    VerdictChange,
    VerdictPart,
)
from wirespan.viewer.answers.services import Edge, Node, Services
from wirespan.viewer.answers.stored import Imported, Keys, Query, Status, Table, Token, Values
from wirespan.viewer.answers.trace import (
    Http,
    Link,
    Log,
    PathSegment,
    Span,
    SpanEvent,
    TimelinePiece,
    Trace,
    TraceProblem,
    TraceService,
)

__all__ = [
    "Answer",
    "Changes",
    "Compared",
    "Comparison",
    "Edge",
    "Error",
    "ErrorBody",
    "Heatmap",
    "Http",
    "Imported",
    "Inflight",
    "Keys",
    "Link",
    "Log",
    "Metric",
    "MetricSeries",
    "Metrics",
    "Node",
    "PathSegment",
    "Period",
    "Query",
    "Request",
    "Requests",
    "Route",
    "RouteSeries",
    "Routes",
    "RunningRequest",
    "RunningServer",
    "Series",
    "Services",
    "Span",
    "SpanEvent",
    "States",
    "StatesAt",
    "Status",
    "Table",
    "TimelinePiece",
    "Token",
    "Trace",
    "TraceProblem",
    "TraceService",
    "Values",
    "Verdict",
    "VerdictChange",
    "VerdictPart",
]
