"""The router: method and path to a target and its parameters.

Templates are made of whole segments: `users`, `{name}`, `{id:int}`, and last of all `{rest:path}`. Where
several templates fit a path, each segment is decided from the left in this order: static, int, param, path. A
template without the method is passed over, so `GET /users/me` and `DELETE /users/{name}` live side by side.

Paths are split before they are percent-decoded (RFC 3986 section 2.4): `%2F` never makes a segment. Nothing
else is normalised: `/a`, `/a/` and `/a/./` are three paths.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar
from urllib.parse import unquote

from wirespan.errors import ConfigError

T = TypeVar("T")
Kind: TypeAlias = Literal["static", "int", "param", "path"]

_PARAM: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([a-z]+))?\}")
_KINDS: Final[dict[str | None, Kind]] = {None: "param", "int": "int", "path": "path"}
# 18 digits fit any 64-bit column; int() itself would take time with the square of the length.
_INT: Final = re.compile(r"[0-9]{1,18}")


class Segment(NamedTuple):
    """One part of a template: its kind, and its text or parameter name."""

    kind: Kind
    text: str


class Found(NamedTuple, Generic[T]):
    """A match: what was registered, and the decoded parameters."""

    target: T
    params: dict[str, Any]


def parse_template(template: str) -> list[Segment]:
    """Splits a template into segments.

    Raises:
        ConfigError: It is not a template; the message says what is wrong with it.
    """
    if not template.startswith("/"):
        raise ConfigError(f"route {template!r} must begin with '/'")
    segments = [_parse_segment(template, text) for text in template[1:].split("/")]
    names = [segment.text for segment in segments if segment.kind != "static"]
    if len(set(names)) != len(names):
        raise ConfigError(f"route {template!r} has two parameters of one name")
    if any(segment.kind == "path" for segment in segments[:-1]):
        raise ConfigError(f"route {template!r}: a path parameter takes all that follows, so it must be last")
    return segments


def _parse_segment(template: str, text: str) -> Segment:
    if "{" not in text and "}" not in text:
        return Segment("static", text)
    match = _PARAM.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"route {template!r}: {text!r} must be a whole {{name}}, {{name:int}} or {{name:path}}"
        )
    if match[2] not in _KINDS:
        raise ConfigError(f"route {template!r}: unknown parameter type {match[2]!r}, use int or path")
    return Segment(_KINDS[match[2]], match[1])


@dataclass(slots=True)
class _Entry(Generic[T]):
    """One method of one template."""

    template: str
    names: tuple[str, ...]
    target: T


@dataclass(slots=True)
class _Node(Generic[T]):
    """The templates that begin alike."""

    static: "dict[str, _Node[T]]" = field(default_factory=dict)
    typed: "dict[Kind, _Node[T]]" = field(default_factory=dict)
    methods: dict[str, _Entry[T]] = field(default_factory=dict)

    def child(self, segment: Segment) -> "_Node[T]":
        if segment.kind == "static":
            return self.static.setdefault(segment.text, _Node())
        return self.typed.setdefault(segment.kind, _Node())


class Router(Generic[T]):
    """Maps method and path to what was registered for them."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._methods: set[str] = set()

    def add(self, methods: list[str], template: str, target: T) -> None:
        """Registers a target.

        Raises:
            ConfigError: The template is wrong, or takes the same paths as another of the same method.
        """
        segments = parse_template(template)
        node = self._root
        for segment in segments:
            node = node.child(segment)
        names = tuple(segment.text for segment in segments if segment.kind != "static")
        for method in methods:
            taken = node.methods.get(method)
            if taken is not None:
                raise ConfigError(f"{method} {template} takes the same paths as {method} {taken.template}")
            node.methods[method] = _Entry(template, names, target)
            self._methods.add(method)

    def find(self, method: str, raw_path: bytes) -> Found[T] | frozenset[str]:
        """Decides. HEAD falls back to GET.

        Returns:
            The match, or the methods that the path has: none where there is no such path.
        """
        allowed: set[str] = set()
        for node, values in _walk(self._root, raw_path.decode("latin-1").split("/")[1:]):
            entry = node.methods.get(method) or (node.methods.get("GET") if method == "HEAD" else None)
            if entry is not None:
                return Found(entry.target, dict(zip(entry.names, values, strict=True)))
            allowed.update(node.methods)
        return frozenset(allowed)

    @property
    def methods(self) -> frozenset[str]:
        """All methods that any template has."""
        return frozenset(self._methods)


def _walk(
    node: _Node[T], raw: list[str], values: tuple[Any, ...] = (), at: int = 0
) -> Iterator[tuple[_Node[T], tuple[Any, ...]]]:
    """All nodes that take the segments from `at` on, the best first. No deeper than the longest template."""
    if at == len(raw):
        if node.methods:
            yield node, values
        return
    text = unquote(raw[at])
    if text in node.static:
        yield from _walk(node.static[text], raw, values, at + 1)
    if "int" in node.typed and _INT.fullmatch(text):
        yield from _walk(node.typed["int"], raw, (*values, int(text)), at + 1)
    if "param" in node.typed and text:
        yield from _walk(node.typed["param"], raw, (*values, text), at + 1)
    if "path" in node.typed:
        yield node.typed["path"], (*values, unquote("/".join(raw[at:])))
