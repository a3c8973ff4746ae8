"""Other people's malformed and valid requests: the same verdict whole and byte by byte."""

from collections.abc import Iterator

import pytest
from harness import Client, Server, echo, request
from wire import runner

pytestmark = pytest.mark.wire
CASES = runner.load()
AGREEMENT = runner.agreement() if CASES else {}
Answers = tuple[dict[str, runner.Answer], dict[str, runner.Answer]]


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    """The answers to all cases, sent whole and byte by byte."""
    with Server(echo) as server:
        yield runner.ask_all(server.address, None), runner.ask_all(server.address, 1)
        with Client(server.address) as client:
            client.send(request())
            assert client.response().status == 200, "the server is still there"


@pytest.mark.parametrize("name", CASES)
def test_request_is_taken_as_its_source_says(answers: Answers, name: str) -> None:
    case = CASES[name]
    for answer in answers:
        found = runner.mismatch(case, answer[name])
        if found is not None and runner.is_binding(case, found, AGREEMENT.get(name, 0)):
            pytest.fail(f"{found}: {case['why']}: {runner.bytes_of(case)!r} -> {answer[name]}")


@pytest.mark.parametrize("name", CASES)
def test_verdict_does_not_depend_on_how_bytes_arrive(answers: Answers, name: str) -> None:
    whole, split = answers
    assert whole[name] == split[name]


def test_there_are_cases() -> None:
    assert len(CASES) > 150
