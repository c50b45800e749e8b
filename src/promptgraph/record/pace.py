"""The pace of long work beside recording: short transactions, and pauses in which others have their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

FIRST_BATCH, MOST = 100, 2_000
"""So many rows are in the first transaction, and at most in each."""
SECONDS = 0.05
"""About how long a transaction takes: batches grow and shrink to that."""
PAUSE_SECONDS = 0.05
"""How long it pauses after each at least; else as long as the batch took."""


class Pace:
    """How many rows the next transaction has: `size`."""

    def __init__(self) -> None:
        self.size = FIRST_BATCH
        self._took = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Round a transaction of `size` rows."""
        began = time.monotonic()
        yield
        self._took = time.monotonic() - began
        self.size = max(1, min(MOST, int(self.size * min(2.0, SECONDS / max(self._took, 1e-6)))))

    async def pause(self) -> None:
        """Let others have their turn."""
        await asyncio.sleep(max(PAUSE_SECONDS, self._took))
