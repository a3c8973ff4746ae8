"""Filters of a URL: what they mean, and that no text of a client becomes SQL."""

import datetime
from collections.abc import Callable

import pytest

from viewer.running import Running
from viewer.sender import CONSUMER, MS, T0, Span, inner
from wirespan.pairs import Pairs
from wirespan.viewer.filters import MAX_TEXT, FilterError, parse

NOW = T0 + 3_600 * 10**9
SPANS = [
    Span(
        service="shop",
        route="/a/{id}",
        path="/a/1",
        duration=5 * MS,
        attributes={"user.id": 7, "plan": "Gold"},
    ),
    Span(service="shop", route="/b", path="/b", method="POST", status=404, duration=10 * MS),
    Span(
        service="front",
        route=None,
        path="/nope",
        name="GET",
        status=500,
        end_reason="handler_error",
        start=T0 + MS,
    ),
    Span(
        service="front",
        route="/c",
        status=None,
        end_reason="client_disconnected",
        failed=True,
        message="Gone away",
    ),
    inner(service="job", name="nightly", kind=CONSUMER, resource={"host.name": "box/1", "x~y": "odd"}),
    inner(service="job", name="child", parent=1),
]

Check = Callable[[Span], bool]
CASES: list[tuple[str, Check]] = [
    ("", lambda s: True),
    ("service=shop", lambda s: s.service == "shop"),
    ("service=shop&service=job", lambda s: s.service in {"shop", "job"}),
    ("route=/b", lambda s: s.route == "/b"),
    ("route=", lambda s: s.route is None and s.method is not None),
    ("route=nightly", lambda s: s.name == "nightly"),
    ("method=post", lambda s: s.method == "POST"),
    ("status=404", lambda s: s.status == 404),
    ("status=5xx", lambda s: s.status == 500),
    ("status=error", lambda s: s.is_error),
    ("status=404&status=5xx", lambda s: s.status in {404, 500}),
    ("end_reason=client_disconnected", lambda s: s.end_reason == "client_disconnected"),
    ("min_ms=5", lambda s: s.duration >= 5 * MS),
    ("max_ms=5", lambda s: s.duration < 5 * MS),
    ("min_ms=4.9&max_ms=10", lambda s: s.duration == 5 * MS),
    ("attr=user.id", lambda s: "user.id" in s.attributes),
    ("attr=user.id=7", lambda s: s.attributes.get("user.id") == 7),
    ("attr=user.id>6", lambda s: s.attributes.get("user.id") == 7),
    ("attr=user.id<6", lambda s: False),
    ("attr=user.id>-1", lambda s: s.attributes.get("user.id") == 7),
    ("attr=user.id!=7", lambda s: s.attributes.get("user.id") != 7),
    ("attr=plan~GOL", lambda s: s.attributes.get("plan") == "Gold"),
    ("attr=plan>1", lambda s: False),
    ("attr=host.name=box/1", lambda s: s.service == "job"),
    ("attr=x~0y", lambda s: False),
    ("attr=plan&attr=user.id=7", lambda s: "plan" in s.attributes),
    ("text=GONE", lambda s: s.message == "Gone away"),
    ("text=/a/1", lambda s: s.path == "/a/1"),
    ("text=gold&text=user", lambda s: "plan" in s.attributes),
    (f"since={T0 // MS + 1}", lambda s: s.start >= T0 + MS),
    (f"until={T0 // MS + 1}", lambda s: s.start < T0 + MS),
    ("since=2023-11-14T22:13:20%2B00:00", lambda s: True),
    ("until=2023-11-14T22:13:20%2B00:00", lambda s: False),
    ("service=%27%20OR%201=1--", lambda s: False),
    ("attr=%27)%20OR%201=1--=x", lambda s: False),
    ("text=%25", lambda s: False),
]


def test_every_filter_finds_what_it_says(viewer: Running) -> None:
    viewer.send(SPANS)
    for query, fits in CASES:
        found = viewer.get(f"/api/requests?{query}")["requests"]
        expected = {span.span_id for span in SPANS if span.is_request and fits(span)}
        assert {request["span_id"] for request in found} == expected, query


def test_text_is_bound_and_never_part_of_the_statement() -> None:
    """The SQL is the same whatever the values are."""
    names = ("service", "route", "method", "end_reason", "text", "attr")
    for name in names:
        plain, hostile = (
            parse(Pairs([(name, text)]), NOW).where() for text in ("a", "'; DROP TABLE stored_spans")
        )
        assert plain.sql == hostile.sql
        assert "'; DROP" in str(hostile.values)


@pytest.mark.parametrize(
    ("query", "parameter", "says"),
    [
        ("status=ok", "status", "must be a code such as 404"),
        ("status=6xx", "status", "must be a code"),
        ("min_ms=fast", "min_ms", "must be a number"),
        ("min_ms=-1", "min_ms", "must be a number"),
        ("max_ms=nan", "max_ms", "must be a number"),
        ("attr==x", "attr", "must be key"),
        ("attr=a>many", "attr", "must be a number"),
        ("limit=0", "limit", "between 1 and 1000"),
        ("limit=1001", "limit", "between 1 and 1000"),
        ("before=x", "before", "from 0 on"),
        ("since=yesterday", "since", "relative such as -15m"),
        ("since=0001-01-01T00:00:00", "since", "relative"),
        ("stauts=500", "stauts", "did you mean 'status'"),
        ("zzz=1", "zzz", "filters are service"),
        (f"text={'x' * (MAX_TEXT + 1)}", "text", "longer than"),
        (f"min_ms={'x' * 200}", "min_ms", "..."),
    ],
)
def test_a_wrong_filter_names_its_parameter(query: str, parameter: str, says: str) -> None:
    with pytest.raises(FilterError, match=r".*") as caught:
        parse(Pairs.parse(query), NOW)
    assert caught.value.parameter == parameter
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-15m", NOW - 900 * 10**9),
        ("-2h", NOW - 7_200 * 10**9),
        ("-30s", NOW - 30 * 10**9),
        ("-1d", NOW - 86_400 * 10**9),
        ("-999999999d", 0),
        ("1700000000000", T0),
        ("999999999999999", 2**63 - 1),
        ("2023-11-14T22:13:20Z", T0),
        ("1969-01-01T00:00:00Z", 0),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert parse(Pairs([("since", text)]), NOW).since_ns == expected


def test_a_time_without_a_zone_is_this_machines() -> None:
    local = datetime.datetime(2024, 1, 2, 3, 4, 5)
    since = parse(Pairs([("since", local.isoformat())]), NOW).since_ns
    assert since == int(local.timestamp()) * 10**9


def test_parameters_of_the_caller_are_left_to_it() -> None:
    assert parse(Pairs([("steps", "3")]), NOW, frozenset({"steps"})).limit == 100
