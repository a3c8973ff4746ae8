"""The heat map: every cell has the requests that the test counts there."""

from collections import Counter

from viewer.expected import SECOND, SINCE, UNTIL, shape, traffic
from viewer.running import Running
from viewer.sender import Span
from wirespan.viewer import answers
from wirespan.viewer.queries.heatmap import EDGES_NS, LEAST_TOP_NS


def test_heatmap_and_the_list_behind_each_cell(viewer: Running) -> None:
    spans = traffic()
    viewer.send(spans)
    found = viewer.get("/api/heatmap", since=SINCE, until=UNTIL, steps=7, service="shop")
    shape(answers.Heatmap, found)
    assert found["edges_ns"][:-1] == list(EDGES_NS) == sorted(EDGES_NS)
    assert found["edges_ns"][-1] == LEAST_TOP_NS
    cells: Counter[tuple[int, int]] = Counter()
    errors: Counter[tuple[int, int]] = Counter()
    for span in spans:
        if span.service == "shop":
            step = (span.start // 1_000 - found["from_us"]) // found["step_us"]
            band = max(at for at, edge in enumerate(EDGES_NS) if edge <= span.duration)
            cells[step, band] += 1
            errors[step, band] += span.is_error
    assert {(step, band): (n, bad) for step, band, n, bad in found["cells"]} == {
        cell: (n, errors[cell]) for cell, n in cells.items()
    }
    assert max(step for step, *_ in found["cells"]) <= 6
    for _, band, count, _ in found["cells"][:5]:
        low, high = EDGES_NS[band] / 1e6, EDGES_NS[band + 1] / 1e6
        listed = viewer.get(
            "/api/requests", since=SINCE, until=UNTIL, service="shop", min_ms=low, max_ms=high, limit=1000
        )["requests"]
        assert len(listed) == sum(n for (_, other), n in cells.items() if other == band) >= count


def test_the_last_band_of_the_heatmap_ends_behind_the_slowest(viewer: Running) -> None:
    viewer.send([Span(duration=500 * SECOND)])
    found = viewer.get("/api/heatmap")
    assert found["edges_ns"][-1] == 500 * SECOND + 1
    assert found["cells"] == [[0, len(EDGES_NS) - 1, 1, 0]]
