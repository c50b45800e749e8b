"""Recorded calls, scores and prices, written by the functions that the program uses."""

from __future__ import annotations

import datetime as dt
from typing import Any

from promptgraph.domain.call import CallStatus, CostSource, LlmCall
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.score import NewScore
from promptgraph.store.calls import calls_by_id
from promptgraph.store.costs import put_costs
from promptgraph.store.database import Session
from promptgraph.store.scores import put_scores
from tests.store.stock import NOW

ERROR = CallStatus.ERROR


def a_call(at: dt.datetime = NOW, prompt_id: int | None = None, **more: Any) -> LlmCall:
    """A call as it is stored; what it cost was computed, unless `more` says otherwise."""
    values: dict[str, Any] = {"model": "m", "latency_us": 1_000, "input_tokens": 3} | more
    if values.get("cost_nano_usd") is not None:
        values.setdefault("cost_source", CostSource.COMPUTED)
    return LlmCall(id=new_call_id(), prompt_id=prompt_id, started_at=at, recorded_at=NOW, **values)


async def score(session: Session, call: LlmCall, name: str, value: float) -> None:
    """Give a call a score, or another one than it had."""
    await put_scores(session, [NewScore(call_id=call.id, name=name, value=value, source="test")], NOW)


async def reprice(session: Session, call: LlmCall, nano_usd: int) -> LlmCall:
    """The call as it is stored after another price was computed for it."""
    await put_costs(session, {call.id: nano_usd}, NOW)
    [after] = await calls_by_id(session, [call.id])
    assert after is not None
    return after
