"""How much an outbox may hold and for how long, and how much it holds as far as one process knows."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from promptgraph.client.calls import Kind, Row
from promptgraph.domain.call_ids import made_at
from promptgraph.domain.retention import OUTBOX_DAYS

MIB = 1024 * 1024
MEASURED_ROWS, MEASURED_BYTES, MEASURED_S = 256, 8 * MIB, 1.0
"""After how much it is measured again."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much an outbox may hold at most; several processes together may go a little beyond."""

    rows: int = 100_000
    bytes: int = 256 * MIB


LATE = (
    f"It waited for more than {OUTBOX_DAYS} days and was not sent: the server may keep no calls of that time."
    " To try all the same: promptgraph outbox deliver --retry-refused"
)


def is_late(row: Row, now: dt.datetime) -> bool:
    """Whether a call has waited for so long, as its id says, that it is not sent unasked. Every server keeps
    calls for longer than that.
    """
    made = made_at(row.call_id) if row.kind is Kind.CALL else None
    return made is not None and now - made > dt.timedelta(days=OUTBOX_DAYS)


class Room:
    """What is left of some bounds: measured now and then, and counted between."""

    __slots__ = ("_again", "_bytes", "_rows", "bounds")

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._rows = self._bytes = 0  # the first row makes sure
        self._again = 0.0

    def takes(self, size: int) -> bool:
        """Whether a row of `size` bytes fits, as far as is known; False also when it is time to measure."""
        self._rows -= 1
        self._bytes -= size
        return self._rows >= 0 and self._bytes >= 0 and time.monotonic() < self._again

    def measured(self, rows: int, size: int) -> None:
        """What there is now."""
        self._rows = min(MEASURED_ROWS, self.bounds.rows - rows)
        self._bytes = min(MEASURED_BYTES, self.bounds.bytes - size)
        self._again = time.monotonic() + MEASURED_S

    @property
    def words(self) -> str:
        return f"{self.bounds.rows} rows or {self.bounds.bytes // MIB} MiB"
