"""Requests in flight: what a server tells of those that run now, and the socket that answers for it."""

import logging
from typing import TypedDict

from wirespan._core import Engine
from wirespan.inspection import Place, free_socket, parse_place
from wirespan.loading import StartError, reason

logger = logging.getLogger("wirespan")

# Lines in the log when a shutdown ends requests: the oldest say what holds it up.
LINES = 20


class InflightRequest(TypedDict):
    """One request that has begun and is not over.

    Attributes:
        id: unique in its server, rising.
        method: empty before the head is parsed.
        route: the template, once the router has decided.
        path: still percent-encoded, without the query; clipped to 200 characters.
        state: what it waits for; None at the trace level `disabled`, and in the background.
        state_ns: nanoseconds in that state, or in the background; while a body arrives, since its last bytes.
        states: nanoseconds in each of the six states until now; None where nothing is recorded.
        age_ns: nanoseconds since its first byte.
        background: the client has the whole response, and the handler goes on.
        end_reason: why it will end without success, while its handler has not ended yet; else None.
        trace_id: 32 hexadecimal digits; None without a trace.
        client: address and port; None on Unix sockets.
    """

    id: int
    method: str
    route: str | None
    path: str
    state: str | None
    state_ns: int
    states: dict[str, int] | None
    age_ns: int
    background: bool
    end_reason: str | None
    trace_id: str | None
    client: str | None


class InflightServer(TypedDict):
    """The answer of one server to `GET /inflight`.

    Attributes:
        instance: different for each server.
        service: the name in its spans; may be empty.
        pid: its process.
        url: where clients reach it.
        at_us: when this was true, Unix microseconds.
        total: how many run.
        requests: the oldest 1,000 of them, oldest first.
    """

    instance: str
    service: str
    pid: int
    url: str
    at_us: int
    total: int
    requests: list[InflightRequest]


def open_inspector(engine: Engine, option: str, url: str) -> None:
    """Lets others ask for the running requests, as the option `inspect` says.

    Args:
        engine: whose requests.
        option: the option's value.
        url: where clients reach the server.

    Raises:
        StartError: the place that was asked for cannot be used. Where none was, it is a line in the log.
    """
    if option == "off":
        return
    place = parse_place(option)
    try:
        _open(engine, place or free_socket(), url)
    except OSError as error:
        if place is not None:
            raise StartError(f"inspect: cannot listen on {option}: {reason(error)}") from error
        logger.warning("`wirespan inflight` will not find this server: %s", reason(error))


def _open(engine: Engine, place: Place, url: str) -> None:
    if isinstance(place, tuple):
        engine.inspect_tcp(*place, url)
    else:
        engine.inspect_unix(place, url)


def log_cut(requests: list[InflightRequest]) -> None:
    """Says which requests a shutdown ends before they are done."""
    for request in requests[:LINES]:
        logger.warning("shutdown ends %s", one_line(request))
    if len(requests) > LINES:
        logger.warning("shutdown ends %d more", len(requests) - LINES)


def one_line(request: InflightRequest) -> str:
    """`GET /report/{number} (/report/7) after 31.0 s, await for 28.1 s, trace 4bf9...`."""
    name = f"{request['method']} {request['path']}".strip() or "a request without a head"
    state = f", {state_of(request)} for {request['state_ns'] / 1e9:.1f} s" if state_of(request) else ""
    route = f" ({request['route']})" if request["route"] not in {None, request["path"]} else ""
    trace = f", trace {request['trace_id']}" if request["trace_id"] else ""
    return f"{name}{route} after {request['age_ns'] / 1e9:.1f} s{state}{trace}"


def state_of(request: InflightRequest) -> str:
    """The state's name, `background`, or nothing where it is not known."""
    return "background" if request["background"] else request["state"] or ""
