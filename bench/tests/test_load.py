"""What wrk prints becomes numbers, or an error that shows what it printed."""

import pytest
from bench.errors import BenchError
from bench.load import parse

LINE = (
    'wrk_json {"requests":3000,"duration_us":1500000,"p50_us":210,"p99_us":430,"max_us":900,'
    '"failed":1,"refused":2,"timed_out":3}'
)


def test_numbers_are_taken_from_the_json_line() -> None:
    """The lines around it are for people."""
    measured = parse(f"Running 2s test\n\n{LINE}\n")
    assert measured.requests_per_s == 2000
    assert (measured.p50_us, measured.p99_us, measured.errors) == (210, 430, 6)


def test_missing_numbers_are_an_error() -> None:
    """A run without numbers must not become zeros."""
    with pytest.raises(BenchError, match="unable to connect"):
        parse("unable to connect")
