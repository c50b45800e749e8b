"""Rows of the ledger as they are read and folded."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update

from promptgraph.domain import ledger
from promptgraph.domain.delta import Delta
from promptgraph.store.call_tables import RECORD_BATCHES
from promptgraph.store.database import Session

B = RECORD_BATCHES.c
PAGE = 1_000


class Batch(NamedTuple):
    """A row of the ledger."""

    id: UUID
    delta: Delta


async def unfolded(session: Session, limit: int, after: UUID | None = None) -> list[Batch]:
    """The rows that the rollups do not hold yet, the oldest first.

    cost    one statement
    raises  InvalidRollupError  a row is damaged
    """
    stmt = select(B.id, B.delta).where(~B.folded).order_by(B.id).limit(limit)
    if after is not None:
        stmt = stmt.where(B.id > after)
    return [Batch(id_, ledger.from_row(row)) for id_, row in await session.execute(stmt)]


async def unfolded_pages(session: Session) -> AsyncIterator[list[Batch]]:
    """All of those rows, so many at a time that memory is bounded however long the ledger is.

    cost    one statement per thousand rows
    raises  InvalidRollupError  a row is damaged
    """
    after: UUID | None = None
    while page := await unfolded(session, PAGE, after):
        yield page
        if len(page) < PAGE:
            return
        after = page[-1].id


async def waiting(session: Session, most: int) -> int:
    """How many of those rows there are, at `most` so many.

    cost  one statement
    """
    some = select(B.id).where(~B.folded).limit(most).subquery()
    return int((await session.execute(select(func.count()).select_from(some))).scalar_one())


async def still_unfolded(session: Session, ids: Collection[UUID]) -> bool:
    """Whether none of these was folded meanwhile.

    cost  one statement
    """
    stmt = select(func.count()).select_from(RECORD_BATCHES).where(B.id.in_(ids), ~B.folded)
    return int((await session.execute(stmt)).scalar_one()) == len(ids)


async def mark_folded(session: Session, ids: Collection[UUID]) -> None:
    """Say that the rollups hold these rows.

    cost  one statement
    """
    await session.execute(update(RECORD_BATCHES).where(B.id.in_(ids)).values(folded=True))


async def prune(session: Session, before: dt.datetime) -> None:
    """Delete the folded rows that were recorded before an instant.

    cost  one statement
    """
    await session.execute(delete(RECORD_BATCHES).where(B.folded, B.recorded_at < before))
