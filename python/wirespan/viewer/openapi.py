"""The OpenAPI document, made from the table of operations and the types of their answers.

It is served at `/api/openapi.json` and kept in `docs/viewer-openapi.json`, which a test compares.

Source: OpenAPI Specification 3.1.1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from wirespan._core import __version__
from wirespan.viewer.answers import Error
from wirespan.viewer.filters import LIMIT, MAX_LIMIT

_REF: Final = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a URL."""

    name: str
    text: str
    kind: str = "string"
    place: str = "query"
    repeats: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None

    def document(self) -> dict[str, Any]:
        """As OpenAPI has it."""
        schema: dict[str, Any] = {"type": self.kind}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.low is not None:
            schema["minimum"] = self.low
        if self.high is not None:
            schema["maximum"] = self.high
        if self.repeats:
            schema = {"type": "array", "items": schema}
        return {
            "name": self.name,
            "in": self.place,
            "required": self.required or self.place == "path",
            "description": self.text,
            "schema": schema,
        }


FILTERS: Final = (
    Parameter("service", "Service name; several mean any of them.", repeats=True),
    Parameter("route", "Route template, or span name where it is not HTTP; empty: no route.", repeats=True),
    Parameter("method", "HTTP method.", repeats=True),
    Parameter("status", "`404`, a class such as `5xx`, or `error`.", repeats=True),
    Parameter("end_reason", "How the exchange ended, such as `client_disconnected`.", repeats=True),
    Parameter("min_ms", "Took at least this many milliseconds.", "number", low=0),
    Parameter("max_ms", "Took less than this many milliseconds.", "number", low=0),
    Parameter(
        "attr",
        "Attribute of the span or its resource: `key`, `key=value`, `key!=value`, `key~text`, `key>5`, "
        "`key<5`; several must all hold.",
        repeats=True,
    ),
    Parameter("text", "Part of name, path, error, or attributes, in any case.", repeats=True),
    Parameter("since", "Began then or later: unix ms, ISO 8601, or relative such as `-15m`."),
    Parameter("until", "Began before: as `since`."),
    Parameter("limit", f"Rows at most, {LIMIT} if nothing is said.", "integer", low=1, high=MAX_LIMIT),
    Parameter("before", "Cursor: only what arrived earlier than this `seq`.", "integer", low=0),
    Parameter("after", "Cursor: only what arrived later than this `seq`.", "integer", low=0),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One route of the API.

    Attributes:
        answer: type of the JSON reply, or several of which it is one; None for other replies.
        media: media types of other replies.
        body: type of the JSON body, or the media types of another one.
        errors: status codes besides 200, 400 and those of `security.py`.
    """

    method: str
    path: str
    name: str
    text: str
    handler: Callable[..., Any]
    answer: type | tuple[type, ...] | None = None
    media: tuple[str, ...] = ("application/json",)
    parameters: tuple[Parameter, ...] = ()
    body: type | tuple[str, ...] | None = None
    errors: tuple[int, ...] = ()


_NOT_MODIFIED: Final = 304
_MEANING: Final = {
    _NOT_MODIFIED: "The client has it already: its ETag is still right.",
    400: "A parameter or the body cannot be understood.",
    401: "The token is missing or wrong.",
    403: "Another site asked.",
    404: "There is no such thing.",
    408: "It took too long.",
    413: "It is too large.",
    415: "The content type is not one of those that are taken.",
    421: "The Host header names another machine.",
    503: "Too many ask at once, or the store cannot be written: its disk is full, say.",
}


_DESCRIPTION: Final = (
    "Requests, traces and what they say. Names ending in `_ns` are nanoseconds, in `_us` unix microseconds; "
    "ids are hex text. The same filters work everywhere.\n\n"
    "Stability: operations, parameters and fields are added in any version, so ignore fields that you do "
    "not know. They are removed, renamed or given another meaning only in a new major version, before 1.0 in "
    "a new minor one, and CHANGELOG.md says so. `message` texts are for people and may change."
)


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole document."""
    types = [Error, *(kind for one in operations for kind in _alternatives(one.answer))]
    bodies = [one.body for one in operations if isinstance(one.body, type)]
    demanded = {body.__name__ for body in bodies}
    unique = list(dict.fromkeys([*types, *bodies]))
    _, components = msgspec.json.schema_components(unique, ref_template=_REF)
    for component in components.values():
        if component.get("title") not in demanded:
            component.pop("additionalProperties", None)  # a later version may answer more
    paths: dict[str, Any] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "wirespan viewer",
            "version": __version__,
            "description": _DESCRIPTION,
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(one: Operation) -> dict[str, Any]:
    content = {kind: {"schema": _schema(one.answer)} for kind in one.media}
    statuses = sorted({400, 401, 403, 421, *one.errors})
    errors = {str(status): {"description": _MEANING[status], **_error_content(status)} for status in statuses}
    result: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.text,
        "parameters": [parameter.document() for parameter in one.parameters],
        "responses": {"200": {"description": one.text, "content": content}, **errors},
    }
    if one.body is not None:
        kinds = one.body if isinstance(one.body, tuple) else ("application/json",)
        body = one.body if isinstance(one.body, type) else None
        result["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": _schema(body)} for kind in kinds},
        }
    return result


def _error_content(status: int) -> dict[str, Any]:
    if status == _NOT_MODIFIED:
        return {}
    return {"content": {"application/json": {"schema": _schema(Error)}}}


def _alternatives(kinds: type | tuple[type, ...] | None) -> tuple[type, ...]:
    return kinds if isinstance(kinds, tuple) else () if kinds is None else (kinds,)


def _schema(kinds: type | tuple[type, ...] | None) -> dict[str, Any]:
    references = [{"$ref": _REF.format(name=kind.__name__)} for kind in _alternatives(kinds)]
    if not references:
        return {}
    return dict(references[0]) if len(references) == 1 else {"anyOf": references}
