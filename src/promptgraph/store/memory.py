"""The registry in a process's memory, as fresh as it must be: who asks for it and finds it too old has the
database say its revision, and what changed is read. There is no task of its own.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import NamedTuple

from sqlalchemy import select

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.store.database import Database
from promptgraph.store.direct import Statement
from promptgraph.store.registry import revision
from promptgraph.store.registry_reader import RegistryReader, TooLargeError, UnfinishedError
from promptgraph.store.snapshot import Snapshot
from promptgraph.store.tables import REGISTRY

log = logging.getLogger("promptgraph.store")

FRESH_SECONDS = 0.25
"""So long nobody asks again."""
LENIENT = 3
"""So many times as long it is good enough while somebody asks."""
LIMIT_BYTES = 128 * 1024 * 1024
LOAD_SECONDS = 0.5
"""So long one request reads for all; the next goes on."""
REVISION = Statement(lambda _: select(REGISTRY.c.revision))
PATIENCE_SECONDS, POLL_SECONDS = 2.0, 0.05
"""How long a revision is waited for, and how often it is looked for."""


class _Asked(NamedTuple):
    """When somebody asked the database, and after how many writes of our own."""

    at: float
    writes: int


class RegistryMemory:
    """`seen`: the registry's revision as far as it is known here; -1 before anybody has asked."""

    def __init__(self, db: Database, *, fresh_for: float = FRESH_SECONDS, limit: int = LIMIT_BYTES) -> None:
        """units  fresh_for: seconds; limit: bytes"""
        self.seen = -1
        self._db = db
        self._fresh_for = fresh_for
        self._limit = limit
        self._reader: RegistryReader | None = RegistryReader(limit)
        self._snapshot: Snapshot | None = None
        self._asked_at = -math.inf
        self._writes = 0
        self._turn = asyncio.Lock()
        self._loads = False
        self._polled_at = -math.inf
        db.on_revision(self._advanced)

    def fresh(self) -> Snapshot | None:
        """The snapshot, if it needs no look at the database.

        cost  the comparison of two times
        """
        return self._snapshot if time.monotonic() < self._asked_at + self._fresh_for else None

    async def current(self) -> Snapshot | None:
        """The snapshot, not older than the time it may be; None where the database is to be asked instead,
        because the registry is too large to keep or is being read.

        cost    nothing while it is fresh; then one statement, for one of those who wait
        raises  StoreUnavailableError  the database is out of reach
        """
        arrived = time.monotonic()
        age = arrived - self._asked_at
        if age < self._fresh_for * (LENIENT if self._turn.locked() else 1):
            return self._snapshot
        if self._loads:
            return None
        async with self._turn:
            if self._loads:
                return None
            if arrived < self._asked_at + self._fresh_for:
                return self._snapshot
            asked = _Asked(time.monotonic(), self._writes)
            self._note(await self._revision(), asked)
            if self._reader is None or self._is_known():
                return self._answer(asked)
            self._loads = True
        return await self._load(self._reader, asked)

    def _is_known(self) -> bool:
        """Whether the snapshot is of the newest revision that anybody has heard of."""
        return self._snapshot is not None and self._snapshot.revision == self.seen

    def stale(self) -> None:
        """Say that the registry may have changed, so that the next one asks. Commits of this process, by
        `Database.write`, say so themselves.
        """
        self._writes += 1
        self._asked_at = -math.inf

    def _advanced(self, to: int) -> None:
        if to > self.seen:
            self.seen = to
            self.stale()

    async def check_fresh(self) -> None:
        """Nothing, where the registry is known as it is now; one that is too large is read each time.

        raises  StoreUnavailableError  it is being read, or the database is out of reach
        """
        if await self.current() is None and self._reader is not None:
            raise StoreUnavailableError("The registry is being read: try again.")

    async def at_least(self, wanted: int) -> None:
        """Wait until the registry has this revision; `current` then has it too.

        cost    nothing where it was seen; else a statement, twenty times a second
        raises  StoreUnavailableError  it has not come in time, or the database is out of reach
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while self.seen < wanted:
            if (now := time.monotonic()) >= end:
                raise StoreUnavailableError(
                    f"The registry is at revision {self.seen} here, and {wanted} was asked for: try again."
                )
            if now < self._polled_at + POLL_SECONDS:
                await asyncio.sleep(POLL_SECONDS)
                continue
            self._polled_at = now
            self._advanced(await self._revision())

    async def _revision(self) -> int:
        async with self._db.direct() as reader:
            return int((await reader.rows(REVISION))[0][0])

    def _note(self, revision: int, asked: _Asked) -> None:
        """Keep a revision that was read, but for one from before a write of our own."""
        if revision > self.seen or asked.writes == self._writes:
            self.seen = revision

    def _answer(self, asked: _Asked) -> Snapshot | None:
        """The snapshot, from now on a fresh one, but for a write of our own since somebody asked."""
        if asked.writes == self._writes:
            self._asked_at = asked.at
        return self._snapshot

    async def _load(self, reader: RegistryReader, asked: _Asked) -> Snapshot | None:
        """Read the registry as it is now. None if time is up, or if it is too large, from now on."""
        until = asyncio.get_running_loop().time() + LOAD_SECONDS
        try:
            async with self._db.read() as session:
                now = await revision(session)
                self._note(now, asked)
                rows = await reader.rows(session, now, until=until)
            self._snapshot = await asyncio.to_thread(Snapshot, rows)
        except UnfinishedError:
            return None
        except TooLargeError:
            self._reader = self._snapshot = None
            log.warning(
                "The registry takes more than %d MiB of memory: it is read from the database each time.",
                self._limit // 2**20,
            )
        finally:
            self._loads = False
        return self._answer(asked)
