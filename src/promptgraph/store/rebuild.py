"""Rollups made anew from the calls, while calls are recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, or_, select, update

from promptgraph.domain.cells import fine_cell
from promptgraph.domain.delta import Delta
from promptgraph.domain.errors import InvalidRollupError, StoreUnavailableError
from promptgraph.domain.figures import Figures
from promptgraph.domain.measures import CallFacts
from promptgraph.domain.retention import start_of
from promptgraph.domain.sums import rolled_up
from promptgraph.store.call_tables import CALL_SCORES, LLM_CALLS, RECORD_BATCHES, ROLLUP_STATE, C
from promptgraph.store.database import Database, Session
from promptgraph.store.day_cells import Cells, cells_of_day, stored_days, totals_of, waiting_before
from promptgraph.store.keys import chunked
from promptgraph.store.ledger_rows import B
from promptgraph.store.raw_calls import FACT_COLUMNS
from promptgraph.store.retention import pruned_day
from promptgraph.store.rollup_rows import CHUNK, add_cells, delete_some
from promptgraph.store.rollups import DUE, State, is_due, lock

PAGE = 5_000
"""So many calls are counted and written at once."""


@dataclass(slots=True)
class CallPage:
    """Some calls, by when they started, and what they add to the figures, their scores too."""

    size: int
    deltas: list[Delta] = field(default_factory=list)


async def call_pages(session: Session, since: dt.datetime, until: dt.datetime) -> AsyncIterator[CallPage]:
    """The calls that started within, page by page, as one transaction sees them.

    cost  two statements per page
    """
    within = [C.started_at >= since, C.started_at < until]
    after: tuple[dt.datetime, UUID] | None = None
    while True:
        beyond = [] if after is None else [_after(*after)]
        stmt = select(*FACT_COLUMNS, C.id).where(*within, *beyond).order_by(C.started_at, C.id).limit(PAGE)
        rows = (await session.execute(stmt)).all()
        if not rows:
            return
        calls = {row[-1]: CallFacts._make(row[:-1]) for row in rows}
        first, last = rows[0], rows[-1]
        after = last[0], last[-1]
        scores = (
            select(CALL_SCORES.c.call_id, CALL_SCORES.c.name, CALL_SCORES.c.value)
            .join_from(LLM_CALLS, CALL_SCORES, C.id == CALL_SCORES.c.call_id)
            .where(CALL_SCORES.c.value.is_not(None), C.started_at >= first[0], C.started_at <= last[0])
        )
        scored = [
            _scored(calls[row[0]], *row[1:]) for row in await session.execute(scores) if row[0] in calls
        ]
        yield CallPage(len(rows), [Delta.of_calls(list(calls.values())), *scored])


def _after(at: dt.datetime, id_: UUID) -> Any:
    return and_(C.started_at >= at, or_(C.started_at > at, C.id > id_))


def _scored(call: CallFacts, name: str, value: float) -> Delta:
    return Delta.of_cells({fine_cell(call): Figures.of_score(name, None, value)})


async def rebuild(db: Database) -> int:
    """How many calls the new rollups count. Until all are counted, the old ones are read and folded into. Of
    days whose calls were pruned the figures stay as they are.

    cost    one read transaction for all calls; a write transaction per 5 000 calls, and per pruned day
    raises  StoreUnavailableError  another rebuild took over, or the database is out of reach
            InvalidRollupError     figures of pruned calls are damaged
    """
    token = str(uuid4())
    generation = await _begin(db, token)
    counted = 0
    async with db.read() as session:
        held = list((await session.execute(select(B.id))).scalars())
        pruned = await pruned_day(session)
        async for cells in _pruned_cells(session, pruned):
            await _add(db, token, generation, cells)
        async for page in call_pages(session, _FIRST if pruned is None else start_of(pruned), _LAST):
            counted += page.size
            await _add(db, token, generation, rolled_up(page.deltas))
    await _switch(db, token, generation, held)
    await _sweep(db, token)
    return counted


_FIRST = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
_LAST = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


async def _pruned_cells(session: Session, pruned: int | None) -> AsyncIterator[Cells]:
    """The figures of days whose calls are gone, some at a time: the cells as they are, and what waits."""
    if pruned is None:
        return
    try:
        for day in sorted(await stored_days(session)):
            if day < pruned:
                cells = await cells_of_day(session, day)
                for some in chunked([*totals_of(cells).items(), *cells.items()], PAGE):
                    yield dict(some)
        yield await waiting_before(session, pruned)
    except InvalidRollupError as error:
        raise InvalidRollupError(_LOST) from error


_LOST = (
    "Figures of calls that were pruned are damaged, and there are no calls left to make them from: take the"
    " database's last copy that is whole."
)


async def _add(db: Database, token: str, generation: int, cells: Cells) -> None:
    async with db.write() as session:
        await _mine(session, token)
        await add_cells(session, generation, cells)


async def _begin(db: Database, token: str) -> int:
    """The generation to be written. What an earlier rebuild left behind is deleted."""
    async with db.write() as session:
        begun = f"{DUE} {token}" if is_due((await _state(session)).rebuild) else token
        await session.execute(update(ROLLUP_STATE).values(rebuild=begun, rebuild_at=dt.datetime.now(dt.UTC)))
    await _sweep(db, token)
    async with db.read() as session:
        return int((await session.execute(select(ROLLUP_STATE.c.generation))).scalar_one()) + 1


async def _switch(db: Database, token: str, generation: int, held: Sequence[UUID]) -> None:
    """Read the new generation from now on: it counts the rows `held` of the ledger, and no later ones."""
    async with db.write() as session:
        await _mine(session, token)
        await session.execute(update(RECORD_BATCHES).where(B.folded).values(folded=False))
        for ids in chunked(held, CHUNK):
            await session.execute(update(RECORD_BATCHES).where(B.id.in_(ids)).values(folded=True))
        values = {"generation": generation, "rebuild": None, "rebuild_at": None}
        await session.execute(update(ROLLUP_STATE).values(values))


async def _sweep(db: Database, token: str) -> None:
    """Delete the cells of every generation but the one that is read, some at a time. They belong to nobody,
    or to a rebuild that was taken over; once another one has begun, they may be its own.
    """
    deleted = CHUNK
    while deleted:
        async with db.write() as session:
            state = await _state(session)
            if state.rebuild is not None and not _is_of(state, token):
                return
            deleted = await delete_some(session, state.generation, but=True)


async def _mine(session: Session, token: str) -> None:
    """Be the only one who writes rollups, and still the one who rebuilds them."""
    state = await _state(session)
    now = dt.datetime.now(dt.UTC)
    if not _is_of(state, token) or not state.rebuilding(now):
        raise StoreUnavailableError("Another rebuild of the rollups began; this one was given up.")


def _is_of(state: State, token: str) -> bool:
    return (state.rebuild or "").removeprefix(f"{DUE} ") == token


async def _state(session: Session) -> State:
    state = await lock(session, wait=True)
    if state is None:
        raise StoreUnavailableError("The rollups have no state. Run: promptgraph db upgrade")
    return state
