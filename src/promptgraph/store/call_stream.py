"""Calls one after another: all of them in order, the newest, and those that were just recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import fields
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, select

from promptgraph.domain.asking import PageArgs
from promptgraph.domain.call import LlmCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.call_ids import ID_BYTES
from promptgraph.store.bulk import within
from promptgraph.store.call_filters import call_conditions
from promptgraph.store.call_records import CALL_COLUMNS, call_of
from promptgraph.store.call_tables import C
from promptgraph.store.calls import calls_page
from promptgraph.store.database import PATIENCE_SECONDS, Session
from promptgraph.store.keys import chunked
from promptgraph.store.ledger import clock
from promptgraph.store.ledger_rows import B

BLOCK = 1_000
"""So many calls are in memory at once."""
LISTED = 500
FILTERS, VALUES = 50, 10_000
"""How many filters, and of how many values, are looked at in one statement."""
LATE = dt.timedelta(seconds=6 * PATIENCE_SECONDS)
"""How much later than its own time a commit may be seen. Between the two the recorder sends at most four
statements and the COMMIT, and waits for each as long as the database's patience; one more is to spare. Each
look reads the commits of this time again, some 10 µs for each.
"""


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


class Tail:
    """The calls that are recorded from now on, each once, in whatever order their commits become visible: two
    processes may commit in another order than that of their clocks, so the last seconds are asked for again.
    """

    def __init__(self) -> None:
        self._told: dict[UUID, dt.datetime] = {}
        self._at: dt.datetime | None = None

    async def skip(self, session: Session) -> None:
        """Leave out the calls that are there already.

        cost  two statements, one on SQLite
        """
        self._at = await within(session, clock)
        self._told = {commit.id: commit.recorded_at for commit in await self._new(session, self._at)}

    async def calls(self, session: Session) -> AsyncIterator[list[UUID]]:
        """The ids of those that are new, in the order of their commits, at most 500 at a time. What could not
        be read to its end comes again, with what is new by then.

        cost  two statements, one on SQLite, and one more per 500 commits that are new
        """
        now = await within(session, clock)
        for some in chunked(await self._new(session, self._at or now), LISTED):
            for few in chunked(await _calls_of(session, some), LISTED):
                yield list(few)
            self._told |= {commit.id: commit.recorded_at for commit in some}
        self._at = now
        self._told = {id_: at for id_, at in self._told.items() if at >= now - LATE}

    async def _new(self, session: Session, at: dt.datetime) -> list[Commit]:
        """The commits that were recorded since a while before `at`, but those that were told."""
        stmt = select(B.id, B.recorded_at).where(B.recorded_at >= at - LATE, B.call_ids != b"")
        rows = await session.execute(stmt.order_by(B.recorded_at, B.id))
        return [Commit(*row) for row in rows if row[0] not in self._told]


async def _calls_of(session: Session, commits: Sequence[Commit]) -> list[UUID]:
    stmt = select(B.call_ids).where(B.id.in_([commit.id for commit in commits]))
    packed = await session.scalars(stmt.order_by(B.recorded_at, B.id))
    return [UUID(bytes=bytes(id_)) for row in packed for id_ in chunked(row, ID_BYTES)]


async def calls_among(session: Session, ids: Sequence[UUID], wanted: LlmCallFilter) -> list[LlmCall]:
    """Of these calls those that `wanted` lets through, by when they were recorded.

    cost  one statement
    """
    stmt = select(*CALL_COLUMNS).where(C.id.in_(ids), *call_conditions(wanted))
    rows = await session.execute(stmt.order_by(C.recorded_at, C.started_at, C.id))
    return [call_of(row) for row in rows]


async def calls_for_each(
    session: Session, ids: Sequence[UUID], filters: Sequence[LlmCallFilter]
) -> list[Sequence[UUID]]:
    """Of these calls those that each filter lets through, in the order of `filters` and of `ids`.

    cost  none for a filter that asks nothing, one statement for every 50 of the others
    """
    asking = [wanted for wanted in filters if wanted != LlmCallFilter()]
    found: dict[LlmCallFilter, Sequence[UUID]] = {LlmCallFilter(): ids}
    for some in _together(asking):
        columns = [and_(*call_conditions(wanted)).label(f"f{place}") for place, wanted in enumerate(some)]
        rows = {row[0]: row for row in await session.execute(select(C.id, *columns).where(C.id.in_(ids)))}
        for place, wanted in enumerate(some, 1):
            found[wanted] = [id_ for id_ in ids if id_ in rows and rows[id_][place]]
    return [found[wanted] for wanted in filters]


def _together(filters: Sequence[LlmCallFilter]) -> Iterator[list[LlmCallFilter]]:
    """Filters that one statement can hold: databases take some 32,000 values in one."""
    some: list[LlmCallFilter] = []
    values = 0
    for wanted in filters:
        listed = (getattr(wanted, each.name) for each in fields(wanted))
        more = sum(len(value) for value in listed if isinstance(value, tuple))
        if some and (values + more > VALUES or len(some) == FILTERS):
            yield some
            some, values = [], 0
        some.append(wanted)
        values += more
    if some:
        yield some
