"""Calls for tests, written by the functions that the recorder uses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from promptgraph.domain.call import CallContent, LlmCall
from promptgraph.domain.delta import Delta
from promptgraph.domain.ledger import from_row
from promptgraph.store.bulk import within
from promptgraph.store.call_tables import RECORD_BATCHES
from promptgraph.store.call_writes import add_calls
from promptgraph.store.database import Session

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def call(number: int, **more: Any) -> LlmCall:
    """A call whose id is `number`; it started so many minutes after noon, unless `started_at` is given."""
    facts: dict[str, Any] = {"model": "gpt-4o", "started_at": NOON + dt.timedelta(minutes=number % 10_000)}
    facts |= {"recorded_at": NOON} | more
    return LlmCall(id=UUID(int=number), **facts)


async def store_calls(session: Session, calls: Sequence[LlmCall], *contents: CallContent) -> set[UUID]:
    return await within(session, partial(add_calls, calls=calls, contents=contents, at=NOON))


async def deltas(session: Session) -> list[Delta]:
    """All of the ledger, oldest first."""
    rows = await session.scalars(select(RECORD_BATCHES.c.delta).order_by(RECORD_BATCHES.c.id))
    return [from_row(row) for row in rows]
