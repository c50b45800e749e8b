"""Calls that are kept no longer: what there is of them, and their end, some at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select

from promptgraph.domain.call import CallStatus
from promptgraph.store.call_tables import CALL_CONTENTS, CALL_SCORES, LLM_CALLS, C
from promptgraph.store.database import Session


class Old(NamedTuple):
    """What there is of old calls; `first` is when the oldest of them started."""

    calls: int
    contents: int
    scores: int
    first: dt.datetime | None


Place = tuple[dt.datetime, UUID]
"""Where a call stands among all: when it started, and its id."""


async def old_calls(session: Session, before: dt.datetime, *, keep_errors: bool) -> Old:
    """What there is of calls that started before an instant.

    cost  three statements, which count
    """
    which = _old(before, keep_errors=keep_errors)
    calls = select(func.count(), func.min(C.started_at)).where(*which)
    count, first = (await session.execute(calls)).one()
    contents, scores = [
        await session.scalar(select(func.count()).select_from(LLM_CALLS.join(table)).where(*which))
        for table in (CALL_CONTENTS, CALL_SCORES)
    ]
    return Old(count, contents or 0, scores or 0, first)


async def next_old(
    session: Session, before: dt.datetime, after: Place | None, limit: int, *, keep_errors: bool
) -> list[Place]:
    """The next calls that started before an instant, the oldest first.

    cost  one statement
    """
    stmt = select(C.started_at, C.id).where(*_old(before, keep_errors=keep_errors))
    if after is not None:
        stmt = stmt.where(C.started_at >= after[0], or_(C.started_at > after[0], C.id > after[1]))
    rows = await session.execute(stmt.order_by(C.started_at, C.id).limit(limit))
    return [(at, id_) for at, id_ in rows]


def _old(before: dt.datetime, *, keep_errors: bool) -> list[ColumnElement[bool]]:
    fine = [C.status == CallStatus.OK.value] if keep_errors else []
    return [C.started_at < before, *fine]


async def delete_calls(session: Session, ids: Sequence[UUID]) -> int:
    """How many of these calls there were; they are gone now, with their contents and scores.

    cost  two statements
    """
    # locked in the order in which all others lock them, so that nobody waits in a circle
    await session.execute(select(C.id).where(C.id.in_(ids)).order_by(C.id).with_for_update())
    done = await session.execute(delete(LLM_CALLS).where(C.id.in_(ids)).returning(C.id))
    return len(done.all())


async def last_recorded(session: Session) -> dt.datetime | None:
    """When the call was recorded that started last; None where there is none.

    cost  one statement
    """
    at: dt.datetime | None = await session.scalar(
        select(C.recorded_at).order_by(C.started_at.desc(), C.id.desc()).limit(1)
    )
    return at
