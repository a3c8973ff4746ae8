"""What runs now. See `answers`."""

from wirespan.viewer.answers.base import Answer


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
