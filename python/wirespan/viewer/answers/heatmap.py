"""The heat map. See `answers`."""

from wirespan.viewer.answers.base import Answer


class Heatmap(Answer):
    """Cells are `[step, band, count, errors]`; band `i` holds `edges_ns[i] <= duration < edges_ns[i + 1]`."""

    from_us: int
    step_us: int
    edges_ns: list[int]
    cells: list[tuple[int, int, int, int]]
