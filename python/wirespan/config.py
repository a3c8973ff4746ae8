"""Every option in one table: a frozen dataclass whose fields carry help, unit and bounds.

The command line (`--limit-head-bytes`), the environment (`WIRESPAN_LIMIT_HEAD_BYTES`), TOML files and keyword
arguments (`limit_head_bytes=`) are all made from these fields. Those that the engine reads have the same name
in `core/src/config.rs`; a test compares the two. `sources.py` merges the places that a value can come from.

Invariant: a `Config` that exists is valid. Every field was checked when it was made, so nothing behind it
checks again, and a wrong value is refused before a port is bound.
"""

import dataclasses
import difflib
import ipaddress
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from wirespan.errors import ConfigError
from wirespan.inspection import parse_place

YEAR_S = 31_536_000.0
GIBIBYTE = 1 << 30
LEVELS = ("disabled", "base", "detailed")  # at the engine's numbers
LOG_FORMATS = ("auto", "off", "pretty", "json", "combined")


@dataclass(frozen=True, slots=True)
class Option:
    """What is known about one field besides its name, type and default."""

    group: str
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    metavar: str = ""
    flag: str = ""
    engine: bool = False


def _option(default: Any, group: str, text: str, **facts: Any) -> Any:
    """A dataclass field with its row of the table."""
    return field(default=default, metadata={"option": Option(group, text, **facts)})


def _limit(default: int, text: str, *, low: int, high: int | None = None, unit: str = "bytes") -> Any:
    return _option(default, "Limits", text, unit=unit, low=low, high=high, engine=True)


def _timeout(default: float, text: str, *, engine: bool = True) -> Any:
    return _option(default, "Time-outs", text, unit="seconds", low=0.0, high=YEAR_S, engine=engine)


@dataclass(frozen=True, kw_only=True)
class Config:
    """All options of a server. Unknown names and wrong values raise `ConfigError` with the right ones.

    Raises:
        ConfigError: a value has the wrong type, is out of bounds, or contradicts another one.
    """

    host: str = _option("127.0.0.1", "Address", "Name or address to listen on; `::` for IPv6.")
    port: int = _option(8000, "Address", "TCP port; 0 takes a free one.", low=0, high=65_535)
    uds: str | None = _option(None, "Address", "Unix socket to listen on instead of a port.", metavar="PATH")
    fd: int | None = _option(None, "Address", "Inherited listening socket to use instead of a port.", low=0)
    backlog: int = _option(
        2_048, "Address", "Pending connections the kernel holds.", low=1, high=65_535, engine=True
    )

    trusted_proxies: str = _option(
        "127.0.0.0/8, ::1",
        "Address",
        "Proxies, or networks of them, that are believed when they say whom they serve and over which "
        "scheme; Unix sockets are among them. Empty: nobody is.",
        metavar="NETWORKS",
        engine=True,
    )
    proxy_headers: str = _option(
        "x-forwarded",
        "Address",
        "Fields that these proxies write: `X-Forwarded-For` and its kin, or `Forwarded`. "
        "The others are not read.",
        choices=("x-forwarded", "forwarded"),
        engine=True,
    )

    app_dir: str = _option(".", "Application", "Folder put first on the import path.", metavar="PATH")
    factory: bool = _option(False, "Application", "The object is a function that returns the application.")
    interface: str = _option(
        "auto", "Application", "Kind of application.", choices=("auto", "native", "asgi", "asgi2", "wsgi")
    )
    lifespan: str = _option(
        "auto", "Application", "ASGI lifespan: `auto` accepts its absence.", choices=("auto", "on", "off")
    )
    root_path: str = _option("", "Application", "Prefix under which a proxy serves the app.", metavar="PATH")
    threads: int = _option(
        40,
        "Application",
        "Threads for `def` handlers, WSGI apps and `asyncio.to_thread`; `App(threads=)` wins over it.",
        low=1,
        high=1_024,
    )
    loop: str = _option(
        "auto",
        "Application",
        "Event loop; `auto` is uvloop where it is installed.",
        choices=("auto", "uvloop", "asyncio"),
    )
    reload: bool = _option(False, "Application", "Restart when a file in the app's folder changes.")
    debug: bool = _option(False, "Application", "Show tracebacks: on stderr and in 500 responses.")

    trace_level: str = _option(
        "auto",
        "Tracing",
        "How much is recorded; `auto` is `detailed` with a tracer or an access log, else `disabled`.",
        choices=("auto", *LEVELS),
        engine=True,
    )
    tracers: tuple[Any, ...] = _option(
        (), "Tracing", "Tracer to add; can be repeated.", metavar="MODULE:OBJECT", flag="--tracer"
    )
    access_log: str = _option(
        "auto",
        "Tracing",
        "`pretty`, `json`, `combined`, `off`, or a format of gunicorn atoms such as `%(m)s %(U)s %(s)s`; "
        "`auto` is `pretty` where the output is a terminal, else `off`.",
        metavar="FORMAT",
    )
    access_log_file: str | None = _option(
        None, "Tracing", "File for the access log instead of standard output.", metavar="PATH"
    )

    otlp: str = _option(
        "",
        "Tracing",
        "OTLP receiver that gets a span of each request and metrics of all, such as `http://localhost:4318`; "
        "`env`: the one that `OTEL_EXPORTER_OTLP_ENDPOINT` names; empty sends none. The `OTEL_*` variables "
        "say the rest; `OTEL_METRICS_EXPORTER=none`: no metrics.",
        metavar="URL",
    )
    service_name: str = _option(
        "",
        "Tracing",
        "`service.name` of these spans; empty leaves it to `OTEL_SERVICE_NAME`.",
        metavar="NAME",
    )
    sample: float = _option(
        1.0,
        "Tracing",
        "Share of the traces that begin here; 1 leaves it to `OTEL_TRACES_SAMPLER`. "
        "Callers' traces go on as they are.",
        low=0.0,
        high=1.0,
        metavar="SHARE",
    )
    trust: str = _option(
        "always",
        "Tracing",
        "Whose traces go on: `always` any caller's, `never`, or those from networks such as `10.0.0.0/8`, "
        "with commas between. Others begin one of their own, with a link.",
        metavar="WHOM",
    )
    ignore: tuple[str, ...] = _option(
        (),
        "Tracing",
        "Path or route in no trace, no metric of requests and no access log, `*` for any text; "
        "can be repeated.",
        metavar="PATTERN",
    )
    spool: str | None = _option(
        None,
        "Tracing",
        "Folder that keeps spans while the receiver is down, also over a restart.",
        metavar="DIR",
    )
    spool_max_bytes: int = _option(
        256 << 20, "Tracing", "Size of the spool; its oldest spans go first.", unit="bytes", low=65_536
    )

    otlp_viewer: bool = _option(
        False,
        "Tracing",
        "The receiver at `otlp` is a wirespan viewer: it also gets states in order of time, and what runs.",
    )
    view: bool = _option(
        False, "Tracing", "Run a viewer beside the server and send it every request: `wirespan view`."
    )
    view_port: int = _option(
        4_318,
        "Tracing",
        "Port of that viewer; one that runs there is used, 0 takes a free one.",
        low=0,
        high=65_535,
    )
    view_db: str = _option(
        "",
        "Tracing",
        "DuckDB file of that viewer; `:memory:` keeps nothing, empty is the file of `wirespan view`.",
        metavar="PATH",
    )

    inspect: str = _option(
        "auto",
        "Tracing",
        "Where running requests can be asked for: `auto` is a private Unix socket that `wirespan inflight` "
        "finds, `off`, the path of a socket, or `HOST:PORT` of this machine.",
        metavar="PLACE",
    )

    limit_head_bytes: int = _limit(65_536, "Request line and headers together, else 431.", low=1_024)
    limit_target_bytes: int = _limit(16_384, "Request target, else 414.", low=1)
    limit_header_count: int = _limit(100, "Header lines, else 431.", low=1, high=1_000, unit="lines")
    limit_body_bytes: int = _limit(GIBIBYTE, "Decoded request body, else 413.", low=0)
    limit_trailer_bytes: int = _limit(8_192, "Trailers, and chunk extensions of one body.", low=0)
    limit_body_buffer_bytes: int = _limit(262_144, "Body kept for a handler that does not read.", low=4_096)
    limit_write_buffer_bytes: int = _limit(
        262_144, "Response kept for a client that does not read.", low=4_096
    )
    limit_connections: int = _limit(16_384, "Open connections, else 503.", low=1, unit="connections")

    timeout_header_s: float = _timeout(10.0, "From a request's first byte to the end of its head, else 408.")
    timeout_body_s: float = _timeout(60.0, "Longest silence while a body is due, else 408.")
    timeout_write_s: float = _timeout(60.0, "Longest time a client may take none of a response.")
    timeout_idle_s: float = _timeout(75.0, "Longest idle time of a kept-alive connection.")
    timeout_handler_s: float = _timeout(0.0, "Longest run of one handler, else 503.")
    timeout_shutdown_s: float = _timeout(
        30.0, "How long running requests may go on after SIGTERM; 0 ends them at once.", engine=False
    )

    date_header: bool = _option(True, "Responses", "Send `Date`.", engine=True)
    server_header: str = _option(
        "wirespan",
        "Responses",
        "Value of the `Server` header; empty sends none.",
        metavar="TEXT",
        engine=True,
    )

    def __post_init__(self) -> None:
        for name, option in OPTIONS.items():
            object.__setattr__(self, name, checked(name, option, getattr(self, name)))
        self._check_together()

    def _check_together(self) -> None:
        """Rules that look at more than one field."""
        if sum(place is not None for place in (self.uds, self.fd)) > 1:
            raise ConfigError("uds and fd exclude each other: give one place to listen on")
        if self.access_log not in LOG_FORMATS and "%(" not in self.access_log:
            raise ConfigError(
                f"access_log must be {_any_of(LOG_FORMATS)}, or a format such as '%(m)s %(U)s %(s)s', "
                f"not {self.access_log!r}{did_you_mean(self.access_log, LOG_FORMATS)}"
            )
        self._check_tracing()
        self._check_proxies()
        parse_place(self.inspect)
        if self.view and self.otlp:
            raise ConfigError("view and otlp exclude each other: view sends to its own viewer")
        if self.root_path and (not self.root_path.startswith("/") or self.root_path.endswith("/")):
            raise ConfigError(f"root_path must begin with / and not end with it, not {self.root_path!r}")
        if not self.server_header.isprintable():
            raise ConfigError("server_header must be one line of visible characters")

    def _check_proxies(self) -> None:
        for text in filter(None, map(str.strip, self.trusted_proxies.split(","))):
            try:
                ipaddress.ip_network(text, strict=False)
            except ValueError as error:
                raise ConfigError(
                    "trusted_proxies must be networks such as 10.0.0.0/8 or 10.1.2.3, with commas between, "
                    f"not {text!r}"
                ) from error

    def _check_tracing(self) -> None:
        for pattern in self.ignore:
            if not pattern.startswith(("/", "*")):
                raise ConfigError(
                    f"ignore must begin with / or *, such as /health or /internal/*, not {pattern!r}"
                )
        if not (self.otlp or self.view):
            given = [name for name in ("spool", "service_name") if getattr(self, name)]
            given += [name for name in ("sample", "trust") if getattr(self, name) != DEFAULTS[name]]
            if given:
                raise ConfigError(f"{given[0]} is about spans, and none are sent: give otlp too")

    def level(self, *, traced: bool) -> str:
        """The trace level's name, with `auto` decided.

        Args:
            traced: whether there is a tracer or a sink.
        """
        return self.trace_level if self.trace_level != "auto" else ("detailed" if traced else "disabled")

    def core(self, *, traced: bool) -> dict[str, Any]:
        """The mapping that `_core.Engine` takes: the engine's fields, nothing else."""
        fields = {name: getattr(self, name) for name, option in OPTIONS.items() if option.engine}
        return fields | {"trace_level": LEVELS.index(self.level(traced=traced))}


OPTIONS: dict[str, Option] = {item.name: item.metadata["option"] for item in dataclasses.fields(Config)}
DEFAULTS: dict[str, Any] = {item.name: item.default for item in dataclasses.fields(Config)}
_HINTS = typing.get_type_hints(Config)
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", tuple: "a list"}


def kind(name: str) -> type:
    """The type a value of this option has when it is not None: int, float, bool, str or tuple."""
    hint = _HINTS[name]
    first: type = next((part for part in typing.get_args(hint) if isinstance(part, type)), hint)
    return tuple if typing.get_origin(hint) is tuple else first


def checked(name: str, option: Option, value: Any) -> Any:
    """The value as the field holds it, after every check that needs no other field.

    Raises:
        ConfigError: with the type, choices or bounds that would be right.
    """
    if value is None and DEFAULTS[name] is None:
        return None
    value = _typed(name, value)
    if option.choices and value not in option.choices:
        hint = did_you_mean(value, option.choices)
        raise ConfigError(f"{name} must be {_any_of(option.choices)}, not {value!r}{hint}")
    if not _is_within(option, value):
        raise ConfigError(f"{name} must be {bounds(option)}, not {value!r}")
    return value


def _typed(name: str, value: Any) -> Any:
    wanted = kind(name)
    if wanted is tuple and isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(value)
    if wanted is float and type(value) is int:
        return float(value)
    # `True` is an int to isinstance, and `port=True` is a mistake.
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ConfigError(f"{name} must be {WORDS[wanted]}, not {value!r}")
    return value


def _is_within(option: Option, value: Any) -> bool:
    above = option.low is None or value >= option.low
    return above and (option.high is None or value <= option.high)  # NaN is within nothing


def bounds(option: Option) -> str:
    """The allowed range in words: `between 1 and 1000 lines`."""
    unit = f" {option.unit}" if option.unit else ""
    if option.low is None:
        return ""
    if option.high is None:
        return f"at least {option.low:.0f}{unit}"
    return f"between {option.low:.0f} and {option.high:.0f}{unit}"


def did_you_mean(word: str, known: Iterable[str], *, nearness: float = 0.6) -> str:
    """`; did you mean 'json'?`, or nothing where no name is near (0: any, 1: only the same)."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=nearness)
    return f"; did you mean {near[0]!r}?" if near else ""


def _any_of(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"
