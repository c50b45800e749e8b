"""Transactions that met others: the database rolled them back, and the same again is likely to succeed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from promptgraph.store.failures import CollisionError

T = TypeVar("T")

ATTEMPTS = 5
PAUSE_SECONDS = 0.005
"""About how long it waits after the first; each later wait is twice as long."""


async def attempted(act: Callable[[], Awaitable[T]]) -> T:
    """What `act` gives, a whole transaction that may be done again after a deadlock or a conflict.

    raises  CollisionError  ATTEMPTS of them met others
    """
    for attempt in range(ATTEMPTS - 1):
        try:
            return await act()
        except CollisionError:
            await asyncio.sleep(PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311  # a pause, not a secret
    return await act()
