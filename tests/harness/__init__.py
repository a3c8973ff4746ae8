"""What the tests share: a server in a thread, a client that speaks bytes, a tracer that keeps what it saw."""

from harness.client import DEADLINE_S, Client, Response, request, wait_for
from harness.handlers import HELLO, echo, hello, read_body
from harness.recorder import NUMBERS, Recorder, states_ms, times
from harness.server import Server

__all__ = [
    "DEADLINE_S",
    "HELLO",
    "NUMBERS",
    "Client",
    "Recorder",
    "Response",
    "Server",
    "echo",
    "hello",
    "read_body",
    "request",
    "states_ms",
    "times",
    "wait_for",
]
