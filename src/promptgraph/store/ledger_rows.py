"""Rows of the ledger as they are read and folded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update

from promptgraph.domain import ledger
from promptgraph.domain.delta import Delta
from promptgraph.store.call_tables import RECORD_BATCHES
from promptgraph.store.database import Session

B = RECORD_BATCHES.c


class Batch(NamedTuple):
    """A row of the ledger."""

    id: UUID
    delta: Delta


async def unfolded(session: Session, limit: int | None = None) -> list[Batch]:
    """The rows that the rollups do not hold yet, the oldest first.

    cost    one statement
    raises  InvalidRollupError  a row is damaged
    """
    stmt = select(B.id, B.delta).where(~B.folded).order_by(B.id).limit(limit)
    return [Batch(id_, ledger.from_row(row)) for id_, row in await session.execute(stmt)]


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
