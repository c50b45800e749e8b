"""What a recorder has done so far, in whole counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from promptgraph.domain.call import RecordStatus
from promptgraph.domain.spread import ROWS, SECONDS, Spread


@dataclass(frozen=True, slots=True)
class Tallies:
    """`statuses`: what became of calls; `rows`: how many shared a commit, or the attempt at one; `waits`: how
    long the first of them waited to be answered.

    units  waits: seconds
    """

    statuses: Counter[RecordStatus] = field(default_factory=Counter)
    rows: Spread = field(default_factory=lambda: Spread(ROWS))
    waits: Spread = field(default_factory=lambda: Spread(SECONDS))
