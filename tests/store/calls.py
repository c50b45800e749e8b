"""Recorded calls and scores, written row by row as a recorder would."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from promptgraph.domain.call import CallStatus, CostSource, LlmCall
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.cells import fine_cell
from promptgraph.domain.delta import Delta
from promptgraph.domain.figures import Figures
from promptgraph.store.call_records import CALL_COLUMNS, call_values
from promptgraph.store.call_tables import CALL_SCORES, LLM_CALLS, C
from promptgraph.store.database import Session
from promptgraph.store.ledger import add_batch
from tests.store.stock import NOW


def a_call(at: dt.datetime = NOW, prompt_id: int | None = None, **more: Any) -> LlmCall:
    """A call as it is stored."""
    values: dict[str, Any] = {"model": "m", "latency_us": 1_000, "input_tokens": 3} | more
    if values.get("cost_nano_usd") is not None:
        values["cost_source"] = CostSource.REPORTED
    return LlmCall(id=new_call_id(), prompt_id=prompt_id, started_at=at, recorded_at=NOW, **values)


async def record(session: Session, calls: Sequence[LlmCall]) -> UUID:
    """Store calls and what they add to the figures; the id of the ledger's row."""
    names = [column.name for column in CALL_COLUMNS]
    await session.execute(insert(LLM_CALLS), [dict(zip(names, call_values(c), strict=True)) for c in calls])
    return await add_batch(session, Delta.of_calls(calls), [call.id for call in calls], NOW)


async def score(
    session: Session, call: LlmCall, name: str, value: float, *, before: float | None = None
) -> None:
    """Give a call a score, or another one than it had."""
    of = {"call_id": call.id, "name": name, "source": "test"}
    if before is None:
        await session.execute(insert(CALL_SCORES).values(**of, value=value, created_at=NOW))
    else:
        stmt = update(CALL_SCORES).where(CALL_SCORES.c.call_id == call.id, CALL_SCORES.c.name == name)
        await session.execute(stmt.values(value=value))
    change = Figures.of_score(name, before, value)
    await add_batch(session, Delta.of_cells({fine_cell(call): change}), [], NOW)


async def reprice(session: Session, call: LlmCall, nano_usd: int) -> LlmCall:
    """The call as it is with another price."""
    after = replace(call, cost_nano_usd=nano_usd, cost_source=CostSource.COMPUTED)
    stmt = update(LLM_CALLS).where(C.id == call.id)
    await session.execute(stmt.values(cost_nano_usd=nano_usd, cost_source=CostSource.COMPUTED.value))
    change = Figures.of_change(call, after)
    await add_batch(session, Delta.of_cells({fine_cell(call): change}), [], NOW)
    return after


ERROR = CallStatus.ERROR
