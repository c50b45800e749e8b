"""Whether the rollups say what the calls say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

from sqlalchemy import func, select

from promptgraph.domain.cells import CellKey, Level
from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.figures import REST, Figures, Scores, Value, add_score, scores_with
from promptgraph.domain.free_values import FREE, Kept, Place, Values, capped, environments_with, place_of
from promptgraph.domain.measures import ALL
from promptgraph.domain.period import DAY_US, micros_of
from promptgraph.domain.retention import start_of
from promptgraph.domain.sums import rolled_up
from promptgraph.store.call_tables import ROLLUP_STATE, C
from promptgraph.store.database import Database, Session
from promptgraph.store.day_cells import (
    Cells,
    add_to,
    cells_of_day,
    day_of,
    stored_days,
    total_cells,
    totals_of,
)
from promptgraph.store.ledger_rows import unfolded_pages
from promptgraph.store.rebuild import call_pages
from promptgraph.store.retention import pruned_day
from promptgraph.store.rollup_rows import environments_kept
from promptgraph.store.rollups import is_due

MAX_DRIFTS = 1_000


class Drift(NamedTuple):
    """A measure of a cell that is not what the calls say."""

    cell: CellKey
    measure: str
    expected: Value
    stored: Value


async def verify(db: Database, limit: int = MAX_DRIFTS) -> list[Drift]:
    """Where the rollups, with what the ledger adds to them, differ from the calls: nowhere, if all is well.
    Of days whose calls were pruned, the figures of all time are held against those of the days.

    cost    one read transaction; two statements per day, and two per 5 000 calls
    raises  InvalidRollupError  a stored value is damaged, or adopted calls wait for a rebuild
    """
    found: list[Drift] = []
    async with db.read() as session:
        state = await _state(session)
        totals = await _pruned(session, state)
        for day in await _days(session, state):
            expected = await _counted(session, day)
            add_to(totals, {key: each for key, each in expected.items() if key.level is Level.TOTAL})
            found += await _drifts_of(session, state, day, expected)
            if len(found) >= limit:
                return found[:limit]
        coming = {key: each for key, each in state.coming.items() if key.level is Level.TOTAL}
        found += _drifts(totals, await total_cells(session), coming, state.environments)
    return found[:limit]


async def verify_before(db: Database, end: int) -> AsyncIterator[list[Drift]]:
    """For each UTC day before the day `end` that has calls or figures, and was not pruned: where the two
    differ.

    cost    a read transaction per day, of some statements, and two per 5 000 calls
    raises  as `verify`
    """
    async with db.read() as session:
        days = await _days(session, await _state(session))
    for day in days:
        if day < end:
            async with db.read() as session:
                state = await _state(session)
                yield await _drifts_of(session, state, day, await _counted(session, day))


class _State(NamedTuple):
    """What the ledger adds, the environments that are told apart once it is folded, and the day before which
    calls are gone.
    """

    coming: Cells
    environments: frozenset[str]
    pruned: int | None


async def _state(session: Session) -> _State:
    await _check_counted(session)
    coming: Cells = {}
    async for page in unfolded_pages(session):
        add_to(coming, rolled_up([batch.delta for batch in page]))
    return _State(coming, await _environments(session, coming), await pruned_day(session))


async def _pruned(session: Session, state: _State) -> Cells:
    """What the days whose calls are gone come to, of all time."""
    made: Cells = {}
    if state.pruned is not None:
        for day in sorted(await stored_days(session)):
            if day < state.pruned:
                add_to(made, totals_of(await cells_of_day(session, day)))
        days = {key: each for key, each in state.coming.items() if key.period < state.pruned}
        add_to(made, totals_of(days))
    return made


async def _drifts_of(session: Session, state: _State, day: int, expected: Cells) -> list[Drift]:
    daily = {key: each for key, each in expected.items() if key.level is not Level.TOTAL}
    coming = {key: each for key, each in state.coming.items() if day_of(key) == day}
    return _drifts(daily, await cells_of_day(session, day), coming, state.environments)


async def _check_counted(session: Session) -> None:
    rebuild = await session.scalar(select(ROLLUP_STATE.c.rebuild))
    if is_due(rebuild):
        raise InvalidRollupError("Adopted calls are in no figures yet: run `promptgraph rollup rebuild`.")


async def _environments(session: Session, coming: Iterable[CellKey]) -> frozenset[str]:
    """Those that are told apart once everything is folded."""
    generation = (await session.execute(select(ROLLUP_STATE.c.generation))).scalar_one()
    kept = await environments_kept(session, generation)
    return environments_with(kept, {key.environment for key in coming})


async def _days(session: Session, state: _State) -> list[int]:
    """The UTC days that have a call or a cell, but for those whose calls are gone."""
    days = {day for day in map(day_of, state.coming) if day is not None} | await stored_days(session)
    later = [] if state.pruned is None else [C.started_at >= start_of(state.pruned)]
    first = (await session.execute(select(func.min(C.started_at)).where(*later))).scalar_one()
    while first is not None:
        day = micros_of(first) // DAY_US
        days.add(day)
        rest = select(func.min(C.started_at)).where(C.started_at >= start_of(day + 1))
        first = (await session.execute(rest)).scalar_one()
    return sorted(day for day in days if state.pruned is None or day >= state.pruned)


async def _counted(session: Session, day: int) -> Cells:
    """What the calls of a UTC day come to."""
    made: Cells = {}
    async for page in call_pages(session, start_of(day), start_of(day + 1)):
        add_to(made, rolled_up(page.deltas))
    return made


def _drifts(expected: Cells, stored: Cells, coming: Cells, environments: frozenset[str]) -> list[Drift]:
    """Where the two differ, `coming` added to what is stored."""
    for key, figures in capped(coming, Kept(environments, _values(stored))).items():
        cell = stored.setdefault(key, Figures())
        scores = scores_with(cell.scores, figures.scores)
        cell.add(figures)
        cell.tallies = scores
    expected = capped(expected, Kept(environments, _values(stored)))
    found = []
    for key in sorted(expected.keys() | stored.keys()):
        right, wrong = expected.get(key, Figures()), stored.get(key, Figures())
        right.tallies = _named_as(wrong.scores, right.scores)
        wrong.tallies = {name: sums for name, sums in wrong.scores.items() if any(sums)}
        values = zip(ALL, right.values(), wrong.values(), strict=True)
        found += [Drift(key, name, one, other) for name, one, other in values if one != other]
    return found


def _named_as(stored: Scores, expected: Scores) -> Scores:
    """The same scores, with the names that the stored ones keep apart."""
    if not any(stored.get(REST, ())):
        return expected
    made: Scores = {}
    for name, sums in expected.items():
        add_score(made, name if name in stored else REST, *sums)
    return made


def _values(cells: Iterable[CellKey]) -> Values:
    """The values of free dimensions that these cells tell apart."""
    made: dict[Place, dict[str, set[int | str]]] = {}
    for key in cells:
        place = place_of(key)
        if place is not None:
            sets = made.setdefault(place, {name: set() for name in FREE})
            for name, values in sets.items():
                values.add(getattr(key, name))
    return made
