"""What is stored, and SQL over it. See `answers`."""

from typing import Any

import msgspec

from wirespan.viewer.answers.base import Answer


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
