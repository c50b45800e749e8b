"""Erasing: contents and personal ids of calls go, some at a time, and a row says how many went and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from promptgraph.domain.call import ContentState
from promptgraph.domain.erasure import Erasure
from promptgraph.store.call_tables import CALL_CONTENTS, CALL_SCORES, ERASURES, LLM_CALLS, C
from promptgraph.store.database import Session

E = ERASURES.c
PERSONAL = (
    "error_message",
    "conversation_id",
    "user_id",
    "trace_id",
    "span_id",
    "rendered_hash",
    "legacy_prompt_text",
)
"""Columns of a call that are emptied: whose it was, and what was said."""


async def erasable_calls(session: Session, wanted: Erasure) -> int:
    """How many calls have something to erase.

    cost  one statement, which counts by an index
    """
    stmt = select(func.count()).select_from(LLM_CALLS).where(_named(wanted), *_unerased())
    return int((await session.execute(stmt)).scalar_one())


async def next_named(session: Session, wanted: Erasure, limit: int) -> list[UUID]:
    """Some of the calls that are named and not erased yet.

    cost  one statement, by an index
    """
    rows = await session.scalars(select(C.id).where(_named(wanted), *_unerased()).limit(limit))
    return list(rows)


def _named(wanted: Erasure) -> ColumnElement[bool]:
    if wanted.call_ids is not None:
        return C.id.in_(wanted.call_ids)
    if wanted.user_id is not None:
        return C.user_id == wanted.user_id
    return C.conversation_id == wanted.conversation_id


def _unerased() -> list[ColumnElement[bool]]:
    return [C.content_state != ContentState.ERASED.value]


async def erase_calls(session: Session, ids: Sequence[UUID]) -> int:
    """How many of these calls there were; what they were about is gone now, and for whom they were made.

    cost  four statements
    """
    # locked in the order in which all others lock them, so that nobody waits in a circle
    await session.execute(select(C.id).where(C.id.in_(ids)).order_by(C.id).with_for_update())
    await session.execute(delete(CALL_CONTENTS).where(CALL_CONTENTS.c.call_id.in_(ids)))
    scores = CALL_SCORES.c
    told = scores.call_id.in_(ids) & scores.comment.is_not(None)
    await session.execute(update(CALL_SCORES).where(told).values(comment=None))
    emptied = dict.fromkeys(PERSONAL) | {"content_state": ContentState.ERASED.value}
    stmt = update(LLM_CALLS).where(C.id.in_(ids), *_unerased()).values(emptied).returning(C.id)
    return len((await session.execute(stmt)).all())


async def begin_erasure(session: Session, id_: UUID, wanted: Erasure, by: str, at: dt.datetime) -> None:
    """Write down that somebody begins to erase, and why."""
    values = {"id": id_, "started_at": at, "erased_by": by, "reason": wanted.reason}
    await session.execute(insert(ERASURES).values(values | {"named_by": wanted.way, "calls": 0}))


async def count_erased(session: Session, id_: UUID, calls: int) -> None:
    """Write down that so many more calls were erased."""
    await session.execute(update(ERASURES).where(E.id == id_).values(calls=E.calls + calls))


async def end_erasure(session: Session, id_: UUID, at: dt.datetime) -> None:
    """Write down that an erasure came to its end."""
    await session.execute(update(ERASURES).where(E.id == id_).values(finished_at=at))
