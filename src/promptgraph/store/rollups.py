"""The fold: what the ledger holds goes into the rollups."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.sums import Key, keys_in, rolled_up
from promptgraph.store import ledger_rows
from promptgraph.store.call_tables import ROLLUP_STATE
from promptgraph.store.database import Database, Session
from promptgraph.store.ledger_rows import Batch
from promptgraph.store.rollup_rows import add_cells

FOLD_ROWS = 1_000
FOLD_CELLS = {"sqlite": 2_000, "postgresql": 10_000}
"""A transaction folds so many rows of the ledger, or those of so many fine cells: on SQLite recording waits
for it.
"""
KEPT_MINUTES = 10
"""How long folded rows stay, for who follows what is recorded."""

REBUILD_SPAN = dt.timedelta(days=1)
"""How long a rebuild may take: so long the ledger keeps what it may need."""

DUE = "due"
"""How the token of a rebuild begins as long as there are adopted calls that no rollup counts."""

S = ROLLUP_STATE.c


class State(NamedTuple):
    """Which generation of the rollups is read, and the rebuild that writes the next one."""

    generation: int
    rebuild: str | None
    rebuild_at: dt.datetime | None

    def rebuilding(self, now: dt.datetime) -> bool:
        """Whether a rebuild runs. One that began a day ago was broken off."""
        return self.rebuild_at is not None and now - self.rebuild_at < REBUILD_SPAN


def is_due(rebuild: str | None) -> bool:
    """Whether this token says that adopted calls wait for a rebuild to come to its end."""
    return (rebuild or "").startswith(DUE)


async def lock(session: Session, *, wait: bool) -> State | None:
    """Be the only one who writes rollups until this transaction ends; None where another is, and nobody
    waits for it. On SQLite beginning to write has locked all.

    cost  one statement
    """
    stmt = select(S.generation, S.rebuild, S.rebuild_at).with_for_update(skip_locked=not wait)
    row = (await session.execute(stmt)).one_or_none()
    return State(*row) if row else None


async def fold(db: Database, limit: int = FOLD_ROWS, *, now: dt.datetime | None = None) -> int | None:
    """How many rows of the ledger went into the rollups: 0 when there is none left, None when somebody else
    folds.

    cost    per transaction nine statements, and three per thousand cells
    raises  InvalidRollupError     a stored value is damaged: nothing can be folded before a rebuild
            StoreUnavailableError  out of reach or busy; nothing was folded
    """
    async with db.read() as session:
        batches = await ledger_rows.unfolded(session, limit)
    if not batches:
        return 0
    now = now or dt.datetime.now(dt.UTC)
    try:
        return await _fold(db, await asyncio.to_thread(_some, batches, FOLD_CELLS[db.dialect]), now)
    except InvalidRollupError:
        # a correction may stand before its call, for clocks differ: take both at once
        async with db.read() as session:
            batches = await ledger_rows.unfolded(session, limit * 10)
        return await _fold(db, batches, now)


def _some(batches: Sequence[Batch], most: int) -> Sequence[Batch]:
    """The first of them, at least one, with no more cells than one transaction takes."""
    cells: set[Key] = set()
    for place, batch in enumerate(batches):
        cells.update(keys_in(batch.delta))
        if len(cells) > most:
            return batches[: max(1, place)]
    return batches


async def _fold(db: Database, batches: Sequence[Batch], now: dt.datetime) -> int | None:
    cells = await asyncio.to_thread(rolled_up, [batch.delta for batch in batches])
    ids = [batch.id for batch in batches]
    async with db.write() as session:
        state = await lock(session, wait=False)
        if state is None or not await ledger_rows.still_unfolded(session, ids):
            return None
        await add_cells(session, state.generation, cells)
        await ledger_rows.mark_folded(session, ids)
        if not state.rebuilding(now):  # a rebuild must find whatever was recorded since it began
            await ledger_rows.prune(session, now - dt.timedelta(minutes=KEPT_MINUTES))
    return len(ids)
