"""Exceptions by fault, and how the engine's become ours."""

import pytest

from wirespan import _core
from wirespan.errors import (
    Abort,
    ClientDisconnected,
    ConfigError,
    InternalError,
    InvalidRequest,
    LimitExceeded,
    ProtocolError,
    UsageError,
    WirespanError,
    from_core,
)


def core_error(fault: str, status: int | None = None) -> _core.CoreError:
    error = _core.CoreError("what went wrong")
    error.fault, error.status = fault, status
    return error


@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [
        ("peer", 400, ProtocolError),
        ("peer", None, ProtocolError),
        ("peer", 413, LimitExceeded),
        ("network", None, ClientDisconnected),
        ("operator", None, ConfigError),
        ("handler", 500, UsageError),
        ("internal", None, InternalError),
    ],
)
def test_the_fault_decides_the_class(fault: str, status: int | None, expected: type[WirespanError]) -> None:
    """Who must act is what users branch on."""
    error = from_core(core_error(fault, status))
    assert type(error) is expected
    assert "what went wrong" in str(error)


def test_a_lost_client_is_both_ours_and_the_languages() -> None:
    """`except ConnectionError` of existing code keeps working."""
    error = from_core(_core.Disconnected("gone"))
    assert isinstance(error, ClientDisconnected)
    assert isinstance(error, ConnectionError)


def test_limits_name_the_option() -> None:
    """The operator must find what to raise."""
    error = from_core(core_error("peer", 413))
    assert isinstance(error, LimitExceeded)
    assert (error.limit, error.allowed, error.status_hint) == ("limit_body_bytes", None, 413)


def test_errors_with_a_reply_are_aborts() -> None:
    """The engine asks for nothing else before it sends what is staged."""
    assert isinstance(InvalidRequest("x"), Abort)
    assert str(Abort(404)) == "aborted with status 404"
    assert Abort(404).status == 404
