"""The figures of this process, and with them those of the others that serve beside it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from promptgraph.web.figures import Figures
from promptgraph.web.shelf import Shelf

log = logging.getLogger("promptgraph.web")

PUT_SECONDS = 1.0
"""How often figures are put down: so much of them is lost at most with a process that is killed, and is not
yet on the page that another one gives.
"""


class Board:
    """`figures`: of this process, now; `shelf`: where several put them together, if there are several."""

    def __init__(self, figures: Callable[[], Figures], shelf: Shelf | None = None) -> None:
        self._figures = figures
        self._shelf = shelf
        self._turn = asyncio.Lock()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def total(self) -> Figures:
        """The figures of all processes."""
        if self._shelf is None:
            return self._figures()
        await self._put(self._shelf)
        return await asyncio.to_thread(self._shelf.total)

    def start(self) -> None:
        """Put them down from now on."""
        if self._shelf is not None:
            self._ending.clear()
            self._task = asyncio.create_task(self._keep(self._shelf), name="board")

    async def stop(self) -> None:
        """Put them down for the last time."""
        task, self._task = self._task, None
        if task is not None and self._shelf is not None:
            self._ending.set()
            await asyncio.wait([task])

    async def _keep(self, shelf: Shelf) -> None:
        try:
            while not self._ending.is_set():
                await self._put(shelf)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), PUT_SECONDS)
            await self._put(shelf)
        except OSError:
            log.exception("The figures of this process cannot be put down any more.")

    async def _put(self, shelf: Shelf) -> None:
        async with self._turn:  # or an older one could come last
            await asyncio.to_thread(shelf.put, self._figures())
