"""How often somebody may fail before nobody listens for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from promptgraph.graph.remembered import Remembered

WINDOW_SECONDS = 60.0
ROOM = 10_000
"""Of so many it is known how often they failed; of more, those that failed lately."""


class _Failures(NamedTuple):
    times: int
    until: float


class Budget:
    """`limit` failures of each in WINDOW_SECONDS, counted from the first."""

    def __init__(self, limit: int, now: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._now = now
        self._known: Remembered[str, _Failures] = Remembered(ROOM)

    def fail(self, who: str) -> None:
        """Count a failure."""
        found, now = self._known.get(who), self._now()
        if found is None or found.until <= now:
            found = _Failures(0, now + WINDOW_SECONDS)
        self._known.put(who, found._replace(times=found.times + 1), 1)

    def wait(self, who: str) -> float:
        """How long nobody listens to it yet; 0 for now.

        units  seconds
        """
        found = self._known.get(who)
        if found is None or found.times < self._limit:
            return 0.0
        return max(0.0, found.until - self._now())
