"""How much an outbox may hold, and how much it holds as far as one process knows."""

from __future__ import annotations

import time
from dataclasses import dataclass

MEASURED_EVERY = 256
MEASURED_S = 1.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much an outbox may hold at most; several processes together may go a little beyond."""

    rows: int = 100_000
    bytes: int = 256 * 1024 * 1024


class Room:
    """What is left of some bounds: measured now and then, and counted between."""

    __slots__ = ("_again", "_left", "_size", "_taken", "bounds")

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.measured(0, 0, certain=False)

    def takes(self, size: int) -> bool:
        """Whether a row of `size` bytes fits, as far as is known; False also when it is time to measure."""
        self._left -= 1
        self._size += size
        self._taken += 1
        return (
            self._left >= 0
            and time.monotonic() < self._again
            and self._taken <= self.bounds.rows
            and self._size <= self.bounds.bytes
        )

    def measured(self, rows: int, size: int, *, certain: bool = True) -> None:
        """What there is now. Of what is not certain the next row makes sure."""
        self._taken, self._size = rows, size
        self._left = MEASURED_EVERY if certain else 0
        self._again = time.monotonic() + MEASURED_S

    @property
    def words(self) -> str:
        return f"{self.bounds.rows} rows or {self.bounds.bytes // (1024 * 1024)} MiB"
