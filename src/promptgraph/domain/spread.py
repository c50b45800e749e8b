"""How values are spread, in whole counts: for what happens all the time and is looked at once in a while."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

SECONDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Spread:
    """Values counted by the least of the bounds that they do not pass; the last count is of those that pass
    all of them.
    """

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Count it.

        cost  less than half a microsecond
        """
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def figures(self) -> list[float]:
        """The counts, and the sum of the values behind them."""
        return [*self._counts, self._total]
