"""Ratios are paired by round; a budget is judged by the less flattering of its two ratios."""

from bench.rounds import Sample
from bench.summary import judge, summarize


def sample(server: str, number: int, rate: float, cpu_us: float = 10.0) -> Sample:
    """One round's numbers; those that do not matter are fixed."""
    return Sample(server, number, rate, cpu_us, 100, 200, 1.0, 0.0, None)


def test_ratio_is_the_median_of_ratios_within_rounds() -> None:
    """Round 2 was slow for both: it must not change the ratio."""
    samples = [
        sample("a", 1, 200), sample("b", 1, 100),
        sample("a", 2, 20), sample("b", 2, 10),
        sample("a", 3, 210), sample("b", 3, 100),
    ]  # fmt: skip
    row = summarize(samples, base="b")[0]
    assert (row.server, row.rounds, row.requests_per_s, row.ratio) == ("a", 3, 200, 2.0)


def test_servers_without_a_common_round_have_no_ratio() -> None:
    """The base failed, or was not asked for."""
    assert summarize([sample("a", 1, 200), sample("b", 2, 100)], base="b")[0].ratio is None


def test_budget_is_missed_when_the_base_only_waited_for_the_load() -> None:
    """Equal requests/s, but the base used half of the CPU for each: twice as fast with a faster load."""
    samples = [sample("wirespan", 1, 100, cpu_us=10), sample("epoll", 1, 100, cpu_us=5)]
    verdict = judge(samples)[0]
    assert (verdict.ratio, verdict.cpu_ratio, verdict.is_met) == (1.0, 0.5, False)
