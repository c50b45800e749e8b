"""Ids that we make ourselves: UUIDs of version 7, which sort by when they were made."""

from __future__ import annotations

import datetime as dt
import os
import time
from uuid import UUID

from promptgraph.domain.period import instant_of

ID_BYTES = 16


def new_call_id() -> UUID:
    """A UUID of version 7 (RFC 9562, 5.7): milliseconds since 1970, then chance."""
    millis = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10))
    high, low = chance >> 68, chance & (1 << 62) - 1
    return UUID(int=(millis << 80) | (7 << 76) | (high & 0xFFF) << 64 | (0b10 << 62) | low)


def made_at(id_: UUID) -> dt.datetime | None:
    """When an id was made, as it says itself; None for one that does not say it."""
    if id_.version != _TIMED:
        return None
    try:
        return instant_of((id_.int >> 80) * 1_000)
    except OverflowError:  # chance that looks like such an id
        return None


_TIMED = 7
