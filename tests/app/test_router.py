"""Paths to targets: kinds, precedence, decoding and conflicts."""

import pytest

from wirespan.errors import ConfigError
from wirespan.router import Found, Router, parse_template


def router(*templates: str) -> Router[str]:
    made: Router[str] = Router()
    for template in templates:
        made.add(["GET"], template, template)
    return made


def match(made: Router[str], path: str, method: str = "GET") -> tuple[str, dict[str, object]] | None:
    found = made.find(method, path.encode())
    return (found.target, found.params) if isinstance(found, Found) else None


@pytest.mark.parametrize(
    ("path", "template", "params"),
    [
        ("/", "/", {}),
        ("/users/me", "/users/me", {}),
        ("/users/7", "/users/{id:int}", {"id": 7}),
        ("/users/ann", "/users/{name}", {"name": "ann"}),
        ("/users/ann/posts", "/users/{name}/posts", {"name": "ann"}),
        ("/users/ann/x/y", "/users/{rest:path}", {"rest": "ann/x/y"}),
        ("/users/", "/users/{rest:path}", {"rest": ""}),
    ],
)
def test_precedence_is_static_int_param_path(path: str, template: str, params: dict[str, object]) -> None:
    """The order is documented, so users can rely on it."""
    made = router(
        "/users/{rest:path}",
        "/users/{name}/posts",
        "/users/{name}",
        "/users/{id:int}",
        "/users/me",
        "/",
    )
    assert match(made, path) == (template, params)


@pytest.mark.parametrize("path", ["/users", "/other", "/users/7/other", "/a//b", "", "*", "/7/"])
def test_other_paths_match_nothing(path: str) -> None:
    """Nothing is normalised: a trailing or doubled slash is another path."""
    made = router("/users/{id:int}", "/a/b", "/{id:int}")
    assert made.find("GET", path.encode()) == frozenset()


def test_an_empty_segment_is_no_parameter() -> None:
    """`/users/` is the list, never the user without a name."""
    assert match(router("/users/{name}"), "/users/") is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/caf%C3%A9", "café"),
        ("/a%2Fb", "a/b"),
        ("/a%20b", "a b"),
        ("/%zz", "%zz"),
        ("/%ff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_parameters_are_decoded_after_the_split(path: str, name: str) -> None:
    """An encoded slash stays inside its segment (RFC 3986 section 2.4)."""
    assert match(router("/{name}"), path) == ("/{name}", {"name": name})


def test_static_segments_match_encoded_spellings() -> None:
    """`%61` is an `a` to every client that writes it."""
    assert match(router("/café/a"), "/caf%c3%a9/%61") == ("/café/a", {})


@pytest.mark.parametrize("digits", ["-1", "1.0", "٣", "9" * 19, ""])
def test_int_takes_at_most_18_ascii_digits(digits: str) -> None:
    """A number of unbounded length would cost time with its square."""
    assert match(router("/{n:int}"), "/" + digits) is None
    assert match(router("/{n:int}"), "/" + "9" * 18) == ("/{n:int}", {"n": 999_999_999_999_999_999})


def test_a_better_template_without_the_method_is_passed_over() -> None:
    """`GET /users/me` must not hide `DELETE /users/{name}`."""
    made: Router[str] = Router()
    made.add(["GET"], "/users/me", "get me")
    made.add(["DELETE"], "/users/{name}", "delete")
    assert match(made, "/users/me", "DELETE") == ("delete", {"name": "me"})
    assert made.find("PUT", b"/users/me") == frozenset({"GET", "DELETE"})
    assert made.methods == {"GET", "DELETE"}


def test_head_falls_back_to_get() -> None:
    """RFC 9110 section 9.3.2: HEAD is GET without the content."""
    made = router("/a")
    assert match(made, "/a", "HEAD") == ("/a", {})
    made.add(["HEAD"], "/a", "own head")
    assert match(made, "/a", "HEAD") == ("own head", {})


@pytest.mark.parametrize(
    ("first", "second"), [("/a", "/a"), ("/{x}/b", "/{y}/b"), ("/{a:path}", "/{b:path}")]
)
def test_two_routes_for_the_same_paths_are_refused(first: str, second: str) -> None:
    """Registered twice, one of them would silently never run."""
    made = router(first)
    with pytest.raises(ConfigError, match="takes the same paths as GET"):
        made.add(["POST", "GET"], second, "second")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("users", "must begin with '/'"),
        ("/a{x}", "must be a whole"),
        ("/{x", "must be a whole"),
        ("/{1}", "must be a whole"),
        ("/{x:float}", "unknown parameter type 'float'"),
        ("/{x}/{x}", "two parameters of one name"),
        ("/{x:path}/more", "must be last"),
    ],
)
def test_a_wrong_template_says_what_is_wrong(template: str, message: str) -> None:
    """The message is all that the author sees."""
    with pytest.raises(ConfigError, match=message):
        parse_template(template)


def test_a_long_path_is_no_deeper_than_the_templates() -> None:
    """Thousands of slashes must not cost a stack."""
    assert match(router("/a/a/{x}"), "/a" * 8_000) is None
