"""Scores: the last one of each call, name and source, and what it changes in the figures."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, tuple_

from promptgraph.domain.cells import FineCell, fine_cell
from promptgraph.domain.delta import Delta
from promptgraph.domain.figures import Figures
from promptgraph.domain.measures import CallFacts
from promptgraph.domain.score import NewScore, Score
from promptgraph.store.bulk import insert_rows, within
from promptgraph.store.call_records import SCORE_COLUMNS, score_of
from promptgraph.store.call_tables import CALL_SCORES, C
from promptgraph.store.database import Session
from promptgraph.store.ledger import add_batch

S = CALL_SCORES.c
_KEY = tuple_(S.call_id, S.name, S.source)
_FACTS = tuple(C[name] for name in CallFacts._fields)


class _ScoreKey(NamedTuple):
    call_id: UUID
    name: str
    source: str


async def scores_by_call(session: Session, ids: Sequence[UUID]) -> list[list[Score]]:
    """The scores of each call, by name and source, in the order of `ids`.

    cost  one statement
    """
    stmt = select(*SCORE_COLUMNS).where(S.call_id.in_(set(ids))).order_by(S.name, S.source)
    found: defaultdict[UUID, list[Score]] = defaultdict(list)
    for score in map(score_of, await session.execute(stmt)):
        found[score.call_id].append(score)
    return [found[id_] for id_ in ids]


async def put_scores(session: Session, rows: Sequence[NewScore], at: dt.datetime) -> list[Score | None]:
    """Store `rows`, and correct the figures by what they change; what is stored now, in the order of `rows`,
    None for a call that is not there. Of several for one call, name and source the last wins. One that says
    what is stored already changes nothing.

    cost  two statements; three more where something changes
    """
    cells = await _locked_cells(session, {row.call_id for row in rows})
    last = {_key(row): row for row in rows if row.call_id in cells}
    stored = await _stored(session, last)
    changed = [row for key, row in last.items() if key not in stored or not _is_same(row, stored[key])]
    if changed:
        before = {key: stored[key].value for key in map(_key, changed) if key in stored}
        await session.execute(delete(CALL_SCORES).where(_KEY.in_(list(before)))) if before else None
        stored |= {_key(row): _score(row, at) for row in changed}
        values = [[getattr(stored[_key(row)], column.name) for column in SCORE_COLUMNS] for row in changed]
        await within(session, lambda driver: insert_rows(driver, SCORE_COLUMNS, values))
        await _correct(session, changed, before, cells, at)
    return [stored.get(_key(row)) for row in rows]


async def _locked_cells(session: Session, ids: set[UUID]) -> dict[UUID, FineCell]:
    """Where each call is counted. Its row is locked: of two that score it at once the second sees what the
    first changed.
    """
    stmt = select(C.id, *_FACTS).where(C.id.in_(ids)).order_by(C.id).with_for_update(key_share=True)
    return {id_: fine_cell(CallFacts(*facts)) for id_, *facts in await session.execute(stmt)}


async def _stored(session: Session, keys: Iterable[_ScoreKey]) -> dict[_ScoreKey, Score]:
    rows = await session.execute(select(*SCORE_COLUMNS).where(_KEY.in_(list(keys))))
    return {_key(score): score for score in map(score_of, rows)}


async def _correct(
    session: Session,
    changed: Sequence[NewScore],
    before: dict[_ScoreKey, float | None],
    cells: dict[UUID, FineCell],
    at: dt.datetime,
) -> None:
    sums: defaultdict[FineCell, Figures] = defaultdict(Figures)
    for row in changed:
        sums[cells[row.call_id]].add(Figures.of_score(row.name, before.get(_key(row)), row.value))
    counted = {cell: figures for cell, figures in sums.items() if figures.scores}
    if counted:
        await within(session, lambda driver: add_batch(driver, Delta.of_cells(counted), [], at))


def _key(row: NewScore) -> _ScoreKey:
    return _ScoreKey(row.call_id, row.name, row.source)


def _score(row: NewScore, at: dt.datetime) -> Score:
    return Score(
        call_id=row.call_id,
        name=row.name,
        source=row.source,
        value=row.value,
        label=row.label,
        comment=row.comment,
        created_at=at,
    )


def _is_same(row: NewScore, stored: Score) -> bool:
    return (row.value, row.label, row.comment) == (stored.value, stored.label, stored.comment)
