"""Exceptions by fault: the class says who must act.

`ConfigError` is for the operator, `ProtocolError` and `LimitExceeded` blame the client, `ClientDisconnected`
the network, `UsageError` the handler, `InternalError` us. `Abort` is no error at all: it is how a handler
stops.

Invariant: an exception that is an `Abort` leaves its reply behind, staged, before it is raised. The engine
and the middleware chain rely on it and never look at the exception again.
"""

from typing import Final

from wirespan import _core

_LIMIT_BY_STATUS: Final = {408: "timeout_body_s", 413: "limit_body_bytes", 431: "limit_trailer_bytes"}


class WirespanError(Exception):
    """Base of everything that wirespan raises."""


class ConfigError(WirespanError):
    """The application or the server is set up wrongly. Raised before the port is bound."""


class UsageError(WirespanError):
    """A handler or middleware used the API in a way that cannot work, for example read a body twice."""


class InternalError(WirespanError):
    """A mistake in wirespan itself. Please report it, with the traceback."""


class ClientDisconnected(WirespanError, _core.Disconnected):  # noqa: N818 - it is what happened
    """The client is gone: nothing more can be read from it or sent to it."""


class Abort(WirespanError):  # noqa: N818 - stopping early is no error
    """Stops the handler chain; the reply is already staged. Raised by `RequestContext.abort`.

    Attributes:
        status: Status code of the staged reply.
    """

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message or f"aborted with status {status}")
        self.status = status


class ProtocolError(Abort):
    """The client broke a rule of HTTP while it sent the body. The reply says so."""

    def __init__(self, message: str, status_hint: int = 400) -> None:
        super().__init__(status_hint, message)

    @property
    def status_hint(self) -> int:
        """Status code that fits the client's mistake."""
        return self.status


class InvalidRequest(ProtocolError):  # noqa: N818 - an abort, as above
    """Query, form or JSON body is not what the handler asked for: 400 with a message that says where."""


class LimitExceeded(ProtocolError):  # noqa: N818 - an abort, as above
    """The client went over a bound of the configuration: 413, 431, or 408 for a time-out.

    Attributes:
        limit: Name of the option that holds the bound.
        allowed: Its value, None where it is not known.
    """

    def __init__(self, message: str, status_hint: int, limit: str, allowed: float | None = None) -> None:
        super().__init__(message, status_hint)
        self.limit = limit
        self.allowed = allowed


def from_core(error: _core.CoreError | _core.Disconnected) -> WirespanError:
    """The exception users see for one of the engine's; the caller raises it `from` that one."""
    message = str(error)
    if isinstance(error, _core.Disconnected):
        return ClientDisconnected(message)
    match error.fault:
        case "peer":
            return _blame_peer(message, error.status or 400)
        case "network":
            return ClientDisconnected(message)
        case "operator":
            return ConfigError(message)
        case "handler":
            return UsageError(message)
        case _:
            return InternalError(f"{message}: please report this")


def _blame_peer(message: str, status: int) -> ProtocolError:
    limit = _LIMIT_BY_STATUS.get(status)
    return ProtocolError(message, status) if limit is None else LimitExceeded(message, status, limit)
