"""Calls one after another: all of them in order, the newest, and those that were just recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from promptgraph.domain.asking import PageArgs
from promptgraph.domain.call import LlmCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.call_ids import ID_BYTES
from promptgraph.store.call_filters import call_conditions
from promptgraph.store.call_records import CALL_COLUMNS, call_of
from promptgraph.store.call_tables import C
from promptgraph.store.calls import calls_page
from promptgraph.store.database import Session
from promptgraph.store.ledger_rows import B
from promptgraph.store.rollup_rows import chunked

BLOCK = 1_000
"""So many calls are in memory at once."""
LISTED = 500


class Commit(NamedTuple):
    """A commit that recorded calls."""

    id: UUID
    recorded_at: dt.datetime


async def calls_in_order(session: Session, wanted: LlmCallFilter) -> AsyncIterator[list[LlmCall]]:
    """All calls that `wanted` lets through, by when they started, some at a time: one state of the database.

    cost  one statement, read as far as the caller goes; the wider the filter the longer
    """
    stmt = select(*CALL_COLUMNS).where(*call_conditions(wanted)).order_by(C.started_at, C.id)
    rows = await session.stream(stmt, execution_options={"yield_per": BLOCK})
    async for some in rows.partitions():
        yield [call_of(row) for row in some]


async def newest_calls(session: Session, wanted: LlmCallFilter, limit: int) -> list[LlmCall]:
    """The last calls that `wanted` lets through, the newest last.

    cost  one statement; for something rare of all calls it reads all
    """
    if wanted.prompts is not None or wanted.agents is not None:
        page = await calls_page(session, wanted, PageArgs(limit))
        return list(reversed(page.items))
    stmt = select(*CALL_COLUMNS).where(*call_conditions(wanted))
    rows = await session.execute(stmt.order_by(C.started_at.desc(), C.id.desc()).limit(limit))
    return [call_of(row) for row in reversed(rows.all())]


async def commits_since(session: Session, since: dt.datetime, seen: Collection[UUID]) -> list[Commit]:
    """The commits from `since` on that recorded calls, but those that were `seen`, the oldest first. Two
    processes may commit in another order than that of their clocks: ask again for the last seconds.

    cost  one statement
    """
    stmt = select(B.id, B.recorded_at).where(B.recorded_at >= since, B.call_ids != b"")
    rows = await session.execute(stmt.order_by(B.recorded_at, B.id))
    return [Commit(*row) for row in rows if row[0] not in seen]


async def calls_of_commits(
    session: Session, commits: Sequence[Commit], wanted: LlmCallFilter
) -> AsyncIterator[list[LlmCall]]:
    """The calls of these commits that `wanted` lets through, by when they were recorded, some at a time.

    cost  two statements per 500 calls
    """
    for some in chunked(commits, LISTED):
        stmt = select(B.call_ids).where(B.id.in_([commit.id for commit in some]))
        packed = await session.scalars(stmt.order_by(B.recorded_at, B.id))
        ids = [UUID(bytes=bytes(id_)) for row in packed for id_ in chunked(row, ID_BYTES)]
        for few in chunked(ids, LISTED):
            found = select(*CALL_COLUMNS).where(C.id.in_(few), *call_conditions(wanted))
            rows = await session.execute(found.order_by(C.recorded_at, C.started_at, C.id))
            yield [call_of(row) for row in rows]
