"""The folder: a task of the server that keeps the rollups close behind the calls."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from promptgraph.domain.errors import PromptgraphError
from promptgraph.domain.histogram import InvalidRollupError
from promptgraph.store.database import Database
from promptgraph.store.rollups import FOLD_ROWS, fold

log = logging.getLogger("promptgraph.record")

PAUSE_SECONDS = 1.0
"""How long after a commit of another process it looks by itself."""
BREATH_SECONDS = 0.2
"""How long it waits at least, so that many commits are folded at once."""
REST_SECONDS = 60.0
"""How long it waits after figures that it could not read: only a rebuild mends those."""


class Folder:
    """Folds the ledger into the rollups, in the background, from `start` to `stop`. Metrics are exact
    without it; it keeps them cheap. Any number of processes may have one: whoever is second does nothing.
    """

    def __init__(self, db: Database, *, limit: int = FOLD_ROWS, pause: float = PAUSE_SECONDS) -> None:
        """units  pause: seconds"""
        self._db = db
        self._limit = limit
        self._pause = pause
        self._woken = asyncio.Event()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        if self._task is None:
            self._ending.clear()
            self._task = asyncio.create_task(self._run(), name="folder")

    def wake(self) -> None:
        """Say that something was committed."""
        self._woken.set()

    async def stop(self) -> None:
        """End after the transaction under way."""
        task, self._task = self._task, None
        if task is not None:
            self._ending.set()
            self._woken.set()
            await task

    async def _run(self) -> None:
        while not self._ending.is_set():
            rest = await self._fold_all()
            await self._passed(self._ending, BREATH_SECONDS)
            await self._passed(self._woken, rest)
            self._woken.clear()

    @staticmethod
    async def _passed(event: asyncio.Event, seconds: float) -> None:
        """So many seconds pass, or the event comes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)

    async def _fold_all(self) -> float:
        """Fold until nothing is left, or somebody else does; how long to wait then."""
        try:
            while not self._ending.is_set() and await fold(self._db, self._limit):
                pass
        except InvalidRollupError:
            log.exception("Nothing is folded: stored figures are damaged.")
            return REST_SECONDS
        except PromptgraphError as error:
            log.warning("Nothing is folded now: %s", error)
        return self._pause
