"""Single calls, for the ends of windows that no cell makes up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select, union_all

from promptgraph.domain.measures import CallFacts
from promptgraph.domain.window import Window
from promptgraph.store.call_tables import CALL_SCORES, LLM_CALLS, C
from promptgraph.store.database import Session
from promptgraph.store.keys import among, chunked
from promptgraph.store.paging import Rows

MANY_WINDOWS = 100
FACT_COLUMNS = tuple(C[name] for name in CallFacts._fields)


class ScoreFacts(NamedTuple):
    """A score that has a value, and the call it is of."""

    call: CallFacts
    name: str
    value: float


Where = Mapping[str, frozenset[int | str]]


async def facts_in(session: Session, windows: Sequence[Window], where: Where) -> list[CallFacts]:
    """The calls that started in one of the windows and have one of these values in each column.

    cost  one statement per hundred windows
    """
    rows = await _rows_in(session, select(*FACT_COLUMNS), windows, where)
    return [CallFacts(*row) for row in rows]


async def scores_in(session: Session, windows: Sequence[Window], where: Where) -> list[ScoreFacts]:
    """The scores with a value of those calls.

    cost  one statement per hundred windows
    """
    scored = (
        select(*FACT_COLUMNS, CALL_SCORES.c.name, CALL_SCORES.c.value)
        .join_from(LLM_CALLS, CALL_SCORES, C.id == CALL_SCORES.c.call_id)
        .where(CALL_SCORES.c.value.is_not(None))
    )
    rows = await _rows_in(session, scored, windows, where)
    return [ScoreFacts(CallFacts(*row[:-2]), row[-2], row[-1]) for row in rows]


async def _rows_in(
    session: Session, rows: Rows, windows: Sequence[Window], where: Where
) -> list[Sequence[Any]]:
    """A walk along an index for each window, many of them in a statement."""
    found: list[Sequence[Any]] = []
    for some in chunked(windows, MANY_WINDOWS):
        parts = [rows.where(*_inside(window, where)) for window in some]
        found += await session.execute(union_all(*parts) if len(parts) > 1 else parts[0])
    return found


def _inside(window: Window, where: Where) -> list[ColumnElement[bool]]:
    within: list[ColumnElement[bool]] = []
    if window.since is not None:
        within.append(C.started_at >= window.since)
    if window.until is not None:
        within.append(C.started_at < window.until)
    return within + [among(C[name], sorted(values)) for name, values in where.items()]
