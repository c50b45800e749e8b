"""Look-ups that come while one is running are done together, in the next: many callers, one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Gathering(Generic[T]):
    """Shares `look_up`, which answers every name that it is given. A caller waits for two rounds at most."""

    def __init__(self, look_up: Callable[[set[str]], Awaitable[dict[str, T]]]) -> None:
        self._look_up = look_up
        self._waiting: set[str] | None = None
        self._round: asyncio.Task[dict[str, T]] | None = None

    async def find(self, wanted: set[str]) -> dict[str, T]:
        """What `look_up` says of each; what it raises is raised to all that waited for that round."""
        if self._waiting is None or self._round is None:
            self._waiting = set()
            self._round = asyncio.create_task(self._run(self._waiting, self._round))
        self._waiting.update(wanted)
        # a caller that goes away must not end the look-up of the others
        found = await asyncio.shield(self._round)
        return {name: found[name] for name in wanted}

    async def _run(self, wanted: set[str], before: asyncio.Task[dict[str, T]] | None) -> dict[str, T]:
        if before is not None:
            await asyncio.wait([before])
        self._waiting = None
        return await self._look_up(wanted)
