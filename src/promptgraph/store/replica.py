"""A standby that answers queries while it is new enough. Everything else, and all that must be the newest, is
asked of the primary.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from typing import NamedTuple

from sqlalchemy import text

from promptgraph.domain.errors import PromptgraphError
from promptgraph.store.database import Database
from promptgraph.store.direct import Reader, Statement

log = logging.getLogger("promptgraph.store")

LAG_SECONDS = 5.0
LOOK_SECONDS = 0.5
"""How often the two are compared, while somebody asks. What is known counts twice as long."""
_SENT = Statement(
    lambda _: text(
        "SELECT CAST(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') AS bigint), revision FROM registry"
    )
)
_APPLIED = Statement(
    lambda _: text(
        "SELECT CAST(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') AS bigint), revision FROM registry"
    )
)


class _Sample(NamedTuple):
    """How far the primary was at a time, by the clock that only goes forward."""

    at: float
    place: int


class Replica:
    """`db` is the standby. Who asks when the comparison is old gets no answer from it and begins another one,
    for which nobody waits.
    """

    def __init__(self, primary: Database, db: Database, *, lag: float = LAG_SECONDS) -> None:
        """units  lag: seconds that an answer may be old"""
        self._primary = primary
        self._db = db
        self._lag = lag
        self._samples: deque[_Sample] = deque(maxlen=math.ceil(lag / LOOK_SECONDS) + 2)
        self._revision = -1
        self._as_of = self._looked_at = self._began_at = -math.inf
        self._serves: bool | None = None
        self._looking: asyncio.Task[None] | None = None

    def fresh(self, revision: int | None) -> Database | None:
        """The standby, if it may answer; `revision` is the least that its registry must have.

        cost  the comparison of a few numbers
        """
        now = time.monotonic()
        if now >= self._began_at + LOOK_SECONDS and (self._looking is None or self._looking.done()):
            self._began_at = now
            self._looking = asyncio.create_task(self.look(), name="promptgraph replica")
        is_known = now < self._looked_at + 2 * LOOK_SECONDS and now < self._as_of + self._lag
        return self._db if is_known and self._revision >= (revision or 0) else None

    @property
    def age(self) -> float:
        """How many seconds ago the primary was where the standby is, as far as anybody has looked."""
        return time.monotonic() - self._as_of

    def doubt(self) -> None:
        """Say that an answer failed: it is asked nothing more until the two were compared again."""
        self._looked_at = self._began_at = -math.inf

    async def look(self) -> None:
        """Compare the two.

        cost  a statement each
        """
        wanted, now = -1, time.monotonic()
        try:
            async with self._primary.direct() as reader:
                place, wanted = await _place(reader, _SENT)
            self._samples.append(_Sample(now, place))
        except PromptgraphError:  # it may serve all the same, until it is too old
            log.debug("The primary did not say how far it is.", exc_info=True)
        try:
            async with self._db.direct() as reader:
                applied, self._revision = await _place(reader, _APPLIED)
        except PromptgraphError:
            self._looked_at = -math.inf
            self._tell("does not answer")
            return
        self._take(applied, now)
        self._looked_at = time.monotonic() if self._revision >= wanted else -math.inf

    def _take(self, applied: int, now: float) -> None:
        """Note how far the standby is."""
        while self._samples and self._samples[0].place <= applied:
            self._as_of = self._samples.popleft().at
        is_behind = bool(self._samples) and self._samples[0].at <= now - self._lag
        self._tell("is behind" if is_behind else None)

    def _tell(self, flaw: str | None) -> None:
        """Say it in the log, when it is new."""
        if self._serves is (flaw is None):
            return
        self._serves = flaw is None
        if flaw is None:
            log.info("The replica answers queries.")
        else:
            log.warning("The replica %s: the primary answers its queries.", flaw)

    async def close(self) -> None:
        """Ask it nothing more."""
        if self._looking is not None:
            await asyncio.wait([self._looking])
        await self._db.close()


async def _place(reader: Reader, statement: Statement) -> tuple[int, int]:
    """How far it is, nowhere for what is no standby; its registry's revision."""
    place, revision = (await reader.rows(statement))[0]
    return int(place or 0), int(revision)
