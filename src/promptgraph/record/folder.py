"""The folder: a task of the server that keeps the rollups close behind the calls."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from promptgraph.domain.errors import InvalidRollupError, PromptgraphError
from promptgraph.store.database import Database
from promptgraph.store.ledger_rows import waiting
from promptgraph.store.rollups import FOLD_ROWS, fold

log = logging.getLogger("promptgraph.record")

PAUSE_SECONDS = 1.0
"""How long after a commit of another process it looks by itself."""
BREATH_SECONDS = 0.2
"""How long it waits at least, so that many commits are folded at once."""
SHARE = 4
LONG_SECONDS = 2.0
"""It waits so many times as long as the last fold took, so that folding takes a fifth of the time …"""
BEHIND = 100
"""… unless more rows than these wait, for readers add them up; then it does not wait at all."""
CROWDED = 1_000
"""With more rows waiting than these, recording waits for the fold, …"""
PACE_SECONDS = 1.0
"""… though no commit waits longer than this."""
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
        self._folded = asyncio.Event()
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        if self._task is None:
            self._ending.clear()
            self._begin()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._run(), name="folder")
        self._task.add_done_callback(_tell)

    def wake(self) -> None:
        """Say that something was committed. Where a mistake in the code ended the task, it begins again."""
        self._waiting += 1
        self._woken.set()
        if self._task is not None and self._task.done() and not self._ending.is_set():
            self._begin()

    async def pace(self) -> None:
        """Nothing, as long as few rows wait to be folded; else wait for the next fold. So the ledger stays
        short, and reading it cheap, though calls come faster than they are folded.
        """
        if self._waiting > CROWDED and self._task is not None and not self._task.done():
            await self._passed(self._folded, PACE_SECONDS)

    async def stop(self) -> None:
        """End after the transaction under way."""
        task, self._task = self._task, None
        if task is not None:
            self._ending.set()
            self._woken.set()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while not self._ending.is_set():
            began = time.monotonic()
            rest = await self._fold_all()
            took = time.monotonic() - began
            await self._passed(self._ending, min(LONG_SECONDS, max(BREATH_SECONDS, SHARE * took)))
            await self._passed(self._woken, rest)
            self._woken.clear()

    @staticmethod
    async def _passed(event: asyncio.Event, seconds: float) -> None:
        """So many seconds pass, or the event comes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)

    async def _fold_all(self) -> float:
        """Fold until little is left, or somebody else does; how long to wait then for something to do."""
        try:
            while not self._ending.is_set() and await self._fold():
                pass
        except InvalidRollupError:
            log.exception("Nothing is folded: stored figures are damaged.")
            self._tell_waiting(0)
            return REST_SECONDS
        except PromptgraphError as error:
            log.warning("Nothing is folded now: %s", error)
        return self._pause

    async def _fold(self) -> bool:
        """Whether to go on at once."""
        folded = await fold(self._db, self._limit)
        async with self._db.read() as session:
            self._tell_waiting(await waiting(session, CROWDED + 1))
        return bool(folded) and self._waiting > BEHIND

    def _tell_waiting(self, count: int) -> None:
        self._waiting = count
        self._folded.set()
        self._folded.clear()


def _tell(task: asyncio.Task[None]) -> None:
    """Say in the log why the task ended, unless it was told to."""
    if not task.cancelled() and (error := task.exception()):
        log.error("The folding of figures failed; it begins again with the next call.", exc_info=error)
