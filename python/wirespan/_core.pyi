"""The native engine. Held to the binary by stubtest; users import these names from `wirespan`."""

import asyncio
import contextvars
import datetime
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Literal, Self, final

__version__: str
current_exchange: contextvars.ContextVar[Exchange | None]

# Tables: each is a list of tuples in the order of the Rust source.
def event_table() -> list[tuple[int, str, int, str]]: ...  # number, name, level, when
def level_table() -> list[tuple[int, str]]: ...
def state_names() -> list[str]: ...
def end_reasons() -> list[str]: ...
def config_defaults() -> dict[str, Any]: ...
def access_log_fields() -> list[tuple[str, str]]: ...  # JSON field, meaning
def metric_table() -> list[
    tuple[str, str, str, list[str], str, list[float]]
]: ...  # name, kind, unit, attributes, description, bounds of its buckets
def define_event(name: str, level: int, /) -> int:
    """Number of the new event. Raises ValueError that says who has the name."""

def redact_query(query: str) -> str:
    """A query string without the secrets that spans must not tell."""

def server_of(request: Exchange) -> tuple[str, int] | None:
    """What the client calls us, as trusted proxies tell it; without a name where it is connected to."""

def is_ignored(request: Exchange) -> bool:
    """Whether the path is on the server's list `ignore`."""

def known_methods() -> list[str]:
    """The methods that spans name: `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`."""

def service_name() -> str | None:
    """What OpenTelemetry's variables call this service."""

class CoreError(Exception):
    """Raised by the engine; `fault` is operator, peer, network, handler or internal."""

    fault: str
    status: int | None

class Disconnected(ConnectionError):
    """The client is gone: raised by reads and sends."""

@final
class Recorded:
    """One recorded event."""

    @property
    def number(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def info(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def time(self) -> datetime.datetime: ...

@final
class Stats:
    """HTTPStats of one exchange: see wirespan.trace."""

    def record(self, event: int, status: int = 0, info: str = "") -> bool: ...
    def get_event(self, event: int) -> Recorded | None: ...
    def events(self) -> list[Recorded]: ...
    def elapsed_ns(self, start: int, finish: int) -> int | None: ...
    def states(self) -> dict[str, int]: ...
    def timeline(self) -> list[tuple[str, int]]: ...
    def total_ns(self) -> int: ...
    level: int
    @property
    def recv_size(self) -> int: ...
    @property
    def send_size(self) -> int: ...
    @property
    def recv_body_size(self) -> int: ...
    @property
    def send_body_size(self) -> int: ...
    @property
    def status_code(self) -> int | None: ...
    @property
    def end_reason(self) -> str | None: ...
    @property
    def error(self) -> BaseException | None: ...
    def panicked(self) -> BaseException | None: ...
    @property
    def background_ns(self) -> int: ...
    @property
    def route(self) -> str | None: ...
    @property
    def connection(self) -> tuple[int, int, int]: ...  # request number, idle ns, age ns

@final
class Route:
    """A route template, made once when the route is registered."""

    def __new__(cls, template: str) -> Route: ...
    @property
    def template(self) -> str: ...

class Exchange:
    """Base of RequestContext: one request and its reply. Empty values before the head is parsed."""

    def __new__(cls) -> Self: ...
    # The request. Everything is converted when it is read.
    @property
    def method(self) -> str: ...  # "" while empty
    @property
    def path(self) -> str: ...  # percent-decoded
    @property
    def raw_path(self) -> bytes: ...
    @property
    def query_string(self) -> str: ...
    @property
    def http_version(self) -> str: ...
    @property
    def client(self) -> tuple[str, int] | None: ...  # as trusted proxies say, then perhaps with port 0
    @property
    def peer(self) -> tuple[str, int] | None: ...  # the other end of the connection, perhaps a proxy
    @property
    def scheme(self) -> str: ...  # http, or https where a trusted proxy says so; "" while empty
    @property
    def server(self) -> tuple[str, int] | None: ...
    @property
    def content_length(self) -> int | None: ...  # None: chunked; 0: no body
    def header(self, name: str) -> str | None:
        """First value, latin-1; the name in any case."""

    def header_values(self, name: str) -> list[str]: ...
    def header_items(self) -> list[tuple[str, str]]: ...  # lower-case names
    @property
    def trailers(self) -> list[tuple[str, str]]: ...  # empty before the end of the body
    @property
    def is_disconnected(self) -> bool: ...
    def note_error(self, error: BaseException, /) -> None:
        """Puts an exception that was dealt with on the record."""

    # Places for the framework's own data.
    params: dict[str, Any]
    values: dict[str, Any]
    # Tracing.
    @property
    def stats(self) -> Stats: ...
    @property
    def trace_context(self) -> tuple[str, str, bool] | None: ...  # trace id, span id, sampled
    def match_route(self, route: Route) -> None:
        """Sets the route and records ROUTE_MATCHED."""

    # Body in.
    def read(self) -> Awaitable[bytes]:
        """Next piece of the body, b"" at its end. Raises Disconnected, CoreError (413, 408, 400)."""

    # Reply out. Setting is possible until the reply has started: then UsageError-like CoreError.
    status: int
    def set_header(self, name: str, value: str) -> None: ...
    def add_header(self, name: str, value: str) -> None: ...
    def remove_header(self, name: str) -> None: ...
    def response_header(self, name: str) -> str | None: ...
    def reply(self, status: int | None, content_type: str | None, body: bytes) -> None:
        """Stages a whole reply. It is sent when the handler is done; a later call replaces it."""

    @property
    def replied(self) -> bool: ...  # staged or started
    @property
    def started(self) -> bool: ...  # the head is on its way
    def send(self, chunk: bytes) -> Awaitable[None]:
        """Sends the head if it was not, then this piece. Waits while the client does not read."""

    def finish(self) -> Awaitable[None]:
        """Ends a reply that was sent in pieces."""

    # `def` handlers: the driver must not count the wait for a free thread as `await`.
    def thread_wait(self) -> None: ...
    def thread_start(self) -> None: ...
    def thread_finish(self) -> None: ...

@final
class AccessLog:
    """Native sink. `format` is "json", "combined", "pretty" or a gunicorn format string."""

    def __new__(
        cls,
        format: str = "json",
        path: str | None = None,
        fd: int | None = None,
        capacity: int = 16_384,
        color: bool = False,
        columns: int | None = None,  # pretty lines fit a terminal of this width
    ) -> AccessLog: ...
    @property
    def written(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    def reopen(self) -> None: ...  # after log rotation
    def flush(self, timeout_s: float = 5.0) -> bool: ...
    def close(self, timeout_s: float = 5.0) -> bool: ...

@final
class OpenTelemetry:
    """Native sink: one SERVER span for each request, sent to an OTLP receiver over HTTP.

    What is not given is taken from the standard `OTEL_*` variables, else it is the default.
    Raises ValueError for a wrong value, TypeError for a wrong type or name.
    """

    def __new__(
        cls,
        *,
        service_name: str | None = None,
        resource: Mapping[str, str] | None = None,  # further attributes of this process
        exporter: Literal["otlp", "console", "memory", "none"] | None = None,
        metrics: bool | Literal["otlp", "console", "memory", "none"] | None = None,  # True: as spans
        endpoint: str | None = None,  # http(s) URL; /v1/traces is added where it has no path
        headers: Mapping[str, str] | None = None,  # of each request to the receiver
        protocol: Literal["http/protobuf", "http/json"] | None = None,
        compression: Literal["gzip", "none"] | None = None,
        timeout_s: float | None = None,  # of one request to the receiver
        certificate: str | PathLike[str] | None = None,  # PEM files
        client_certificate: str | PathLike[str] | None = None,
        client_key: str | PathLike[str] | None = None,
        schedule_delay_s: float | None = None,  # longest wait for a full batch
        export_timeout_s: float | None = None,  # a batch that failed for so long makes room
        max_queue_size: int | None = None,  # spans in memory
        max_batch_size: int | None = None,  # spans of one request
        sampler: str | None = None,  # a name of OTEL_TRACES_SAMPLER
        sampler_arg: float | None = None,  # probability; alone: parentbased_traceidratio
        keep_errors: bool | None = None,  # the tail decision: True if another of its rules is given
        keep_slower_than_s: float | Mapping[str, float] | None = None,  # of all, or by route or path
        keep_state_longer_than_s: Mapping[str, float] | None = None,  # by state: {"queue": 0.05}
        keep_ratio: float | None = None,  # share of the rest
        max_spans_per_s: float | None = None,
        propagators: Sequence[str] | None = None,  # tracecontext, baggage, b3, b3multi
        trust: Literal["always", "never"] | Sequence[str] | None = None,  # or networks: "10.0.0.0/8"
        attributes: Sequence[str] | None = None,  # opt-in ones of the conventions
        reply_headers: Sequence[Literal["traceresponse", "server-timing"]] | None = None,
        events: bool | None = None,  # the record's events become span events
        request_headers: Sequence[str] | None = None,  # captured as attributes
        response_headers: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,  # paths and routes that no native sink is told of
        timeline: bool | None = None,  # the states in order of time become wirespan.state.timeline
        inflight: bool | None = None,  # running requests are reported each second to the viewer at `endpoint`
        spool_dir: str | PathLike[str] | None = None,  # keeps spans while the receiver is down
        spool_max_bytes: int | None = None,
    ) -> OpenTelemetry: ...
    def status(self) -> dict[str, Any]:
        """Counts since the start, and whether the receiver works."""

    def collected_metrics(self) -> list[dict[str, Any]]:
        """All metrics since the start, as they would be exported now. Takes out the exemplars."""

    def finished_spans(self) -> list[dict[str, Any]]:
        """Takes out what the exporter "memory" got, in order. Raises ValueError for others."""

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Whether everything left memory in time: delivered, in the spool, or lost and counted.

        Metrics are sent, too; what a receiver that is down does not get is in the next report.
        """

    def close(self, timeout_s: float = 5.0) -> bool:
        """As `flush`, and ends the exporters. Later spans are lost and counted."""

def exporter_status() -> list[dict[str, Any]]:
    """What `status()` of every exporter of this process says, with `signal` and `destination` before."""

@final
class SpanSource:
    """What wirespan.opentelemetry.TracerProvider is made of."""

    def __new__(cls, tracer: OpenTelemetry, api: dict[str, Any]) -> SpanSource: ...
    def join(self, tracer: OpenTelemetry) -> None: ...
    def tracer(
        self, name: str, version: str | None, schema_url: str | None, attributes: Mapping[str, Any] | None
    ) -> Tracer: ...

@final
class Tracer:
    """An opentelemetry.trace.Tracer."""

    def start_span(
        self,
        name: str,
        context: Any | None = None,
        kind: Any | None = None,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Any] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span: ...
    def start_as_current_span(
        self,
        name: str,
        context: Any | None = None,
        kind: Any | None = None,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Any] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> CurrentSpan: ...

@final
class CurrentSpan:
    """For `with`, and as a decorator."""

    def __enter__(self) -> Span: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __call__(self, function: Callable[..., Any], /) -> Callable[..., Any]: ...
    def again(self) -> CurrentSpan:
        """The same, to be entered once more."""

@final
class Span:
    """An opentelemetry.trace.Span."""

    def get_span_context(self) -> Any: ...
    @property
    def context(self) -> Any: ...
    @property
    def kind(self) -> Any: ...
    def is_recording(self) -> bool: ...
    def set_attribute(self, key: str, value: Any) -> None: ...
    def set_attributes(self, attributes: Mapping[str, Any]) -> None: ...
    def add_event(
        self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None
    ) -> None: ...
    def add_link(self, context: Any, attributes: Mapping[str, Any] | None = None) -> None: ...
    def update_name(self, name: str) -> None: ...
    def set_status(self, status: Any, description: str | None = None) -> None: ...
    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None: ...
    def end(self, end_time: int | None = None) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class ManualClock:
    """A clock that a test sets: nanoseconds."""

    def __new__(cls, now_ns: int = ...) -> ManualClock: ...
    now_ns: int

@final
class Engine:
    """The server. All methods are called on the event loop's thread, `inflight` on any."""

    def __new__(
        cls,
        config: dict[str, Any],  # the fields of config_defaults()
        event_loop: asyncio.AbstractEventLoop,
        *,
        native: tuple[type[Exchange], Callable[[Any], Coroutine[Any, Any, Any]]] | None = None,
        asgi: Callable[..., Any] | None = None,  # ASGI 3 app
        asgi_state: dict[str, Any] | None = None,
        root_path: str = "",
        route_of: Callable[[dict[str, Any]], Route | None] | None = None,  # template of an ASGI scope
        route_in_scope: bool = False,  # not asked of a scope to which nothing was added
        tracers: Sequence[Any] = (),  # Python tracers and native sinks, in order of registration
        ignore: Sequence[str] = (),  # paths and routes that no native sink is told of
        exchange_type: type[Exchange] | None = None,  # what Python tracers and current() get
        log_error: Callable[[str, BaseException | None], None] | None = None,
        threads: int = 0,  # of the pool for `def` handlers, for metrics to tell
        debug: bool = False,
        clock: ManualClock | None = None,
    ) -> Engine: ...
    def listen_tcp(self, host: str, port: int, reuse_port: bool = False) -> tuple[str, int]: ...
    def listen_unix(self, path: str) -> None: ...
    def listen_fd(self, fd: int) -> tuple[str, int] | None: ...
    def fileno(self) -> int: ...
    def poll(self) -> None:
        """Serves everything that is ready. Registered with loop.add_reader."""

    def tick(self) -> float:
        """Ends what is overdue. Returns seconds until it should be called again."""

    def drain(self, on_idle: Callable[[], object]) -> None:
        """Stops accepting, closes idle connections; calls `on_idle` once nothing runs."""

    def abort(self) -> None:
        """Ends every exchange with end_reason shutdown and cancels its handler."""

    def close(self) -> None:
        """As `abort`, and ends the record of every handler that goes on all the same."""

    def inflight(self) -> list[dict[str, Any]]:
        """What runs now, oldest first, at most 1,000: see wirespan.inflight."""

    def inspect_unix(self, path: str | PathLike[str], url: str = "") -> None:
        """Answers GET /inflight at a socket of mode 0600, from a thread that needs neither loop nor GIL."""

    def inspect_tcp(self, host: str, port: int, url: str = "") -> tuple[str, int]:
        """The same on a loopback address; the port is the bound one."""

    @property
    def connections(self) -> int: ...
    @property
    def active(self) -> int: ...  # exchanges that have begun and not finished

# The viewer's receiver.

@final
class Batch:
    """The records of one OTLP request. Made by `decode`."""

    @property
    def signal(self) -> Literal["traces", "metrics", "logs"]: ...
    @property
    def accepted(self) -> int: ...  # records
    @property
    def rejected(self) -> int: ...
    @property
    def reason(self) -> str | None: ...  # why the first of them was rejected
    @property
    def source_ids(self) -> list[int]: ...  # of resources, and of scopes that have a row
    @property
    def memory_bytes(self) -> int: ...
    def reply(self) -> bytes:
        """The body of the answer, in the encoding of the request."""

@final
class Table:
    """Rows that DuckDB reads without a copy. Each call gives a fresh stream."""

    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def decode(
    signal: str,  # "traces", "metrics" or "logs"
    encoding: str,  # "protobuf" or "json"
    body: bytes,
    *,
    gzip: bool = False,
    limit_bytes: int = 67_108_864,  # after gzip
) -> Batch:
    """Reads a request with the GIL released. Raises CoreError with status 400 or 413."""

@final
class RecentSpans:
    """The spans that came lately. What `stack` lets through is pending until `keep` or `forget`."""

    def __new__(cls) -> RecentSpans: ...
    def keep(self, now_ns: int) -> None:
        """What is pending was stored: it is a repeat from now on. The time is unix nanoseconds."""

    def begin(self, now_ns: int) -> None:
        """What was stored until now is not known, but for what is remembered."""

    def doubtful(self, batches: Sequence[Batch]) -> Table:
        """Spans that may have come before and be forgotten: `trace_lo`, `span_id` and `start_ns`."""

    def forget(self) -> None:
        """What is pending was not stored."""

    def clear(self) -> None:
        """Nothing is stored any more."""

    def remember(self, trace_lo: int, span_id: int, start_ns: int) -> None:
        """A span that is stored already."""

def stack(batches: Sequence[Batch], first_seq: int, recent: RecentSpans) -> tuple[Table, Table, Table]:
    """Batches of one signal: one table of records with numbers from `first_seq`, of resources, of scopes.

    Of spans, only those that did not come before.
    """

def failure_reply(encoding: str, code: int, message: str) -> bytes:
    """A `google.rpc.Status` in the encoding of the request."""
