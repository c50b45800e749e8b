"""Whether the rollups say what the calls say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, select, union_all

from promptgraph.domain.cells import CellKey, Level
from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.figures import REST, Figures, Scores, Value, add_score, scores_with
from promptgraph.domain.free_values import FREE, Kept, Place, Values, capped, environments_with, place_of
from promptgraph.domain.measures import ALL
from promptgraph.domain.period import DAY_HOURS, DAY_US, instant_of, micros_of
from promptgraph.domain.sums import rolled_up
from promptgraph.store.call_tables import ROLLUP_STATE, C, U
from promptgraph.store.database import Database, Session
from promptgraph.store.ledger_rows import unfolded_pages
from promptgraph.store.rebuild import call_pages
from promptgraph.store.rollup_rows import CELL_COLUMNS, cell_of, environments_kept
from promptgraph.store.rollups import is_due

MAX_DRIFTS = 1_000

Cells = dict[CellKey, Figures]


class Drift(NamedTuple):
    """A measure of a cell that is not what the calls say."""

    cell: CellKey
    measure: str
    expected: Value
    stored: Value


async def verify(db: Database, limit: int = MAX_DRIFTS) -> list[Drift]:
    """Where the rollups, with what the ledger adds to them, differ from the calls: nowhere, if all is well.

    cost    one read transaction; two statements per day, and two per 5 000 calls
    raises  InvalidRollupError  a stored value is damaged, or adopted calls wait for a rebuild
    """
    found: list[Drift] = []
    totals: Cells = {}
    async with db.read() as session:
        await _check_counted(session)
        coming: Cells = {}
        async for page in unfolded_pages(session):
            _add(coming, rolled_up([batch.delta for batch in page]))
        environments = await _environments(session, coming)
        for day in await _days(session, coming):
            expected = await _counted(session, day)
            _add(totals, {key: each for key, each in expected.items() if key.level is Level.TOTAL})
            daily = {key: each for key, each in expected.items() if key.level is not Level.TOTAL}
            stored = await _stored(session, *_is_of(day))
            of_day = {key: coming[key] for key in coming if _day(key) == day}
            found += _drifts(daily, stored, of_day, environments)
            if len(found) >= limit:
                return found[:limit]
        stored = await _stored(session, U.level == Level.TOTAL.value)
        coming = {key: each for key, each in coming.items() if key.level is Level.TOTAL}
        found += _drifts(totals, stored, coming, environments)
    return found[:limit]


async def _check_counted(session: Session) -> None:
    rebuild = await session.scalar(select(ROLLUP_STATE.c.rebuild))
    if is_due(rebuild):
        raise InvalidRollupError("Adopted calls are in no figures yet: run `promptgraph rollup rebuild`.")


async def _environments(session: Session, coming: Iterable[CellKey]) -> frozenset[str]:
    """Those that are told apart once everything is folded."""
    generation = (await session.execute(select(ROLLUP_STATE.c.generation))).scalar_one()
    kept = await environments_kept(session, generation)
    return environments_with(kept, {key.environment for key in coming})


async def _days(session: Session, coming: Iterable[CellKey]) -> list[int]:
    """The UTC days that have a call or a cell."""
    days = {day for day in map(_day, coming) if day is not None}
    for level in (Level.DAY, Level.HOUR):
        periods = select(U.period).where(U.generation == _GENERATION, U.level == level.value).distinct()
        found = (await session.execute(periods)).scalars()
        days |= {period if level is Level.DAY else period // DAY_HOURS for period in found}
    first = (await session.execute(select(func.min(C.started_at)))).scalar_one()
    while first is not None:
        day = micros_of(first) // DAY_US
        days.add(day)
        later = select(func.min(C.started_at)).where(C.started_at >= instant_of((day + 1) * DAY_US))
        first = (await session.execute(later)).scalar_one()
    return sorted(days)


async def _counted(session: Session, day: int) -> Cells:
    """What the calls of a UTC day come to."""
    made: Cells = {}
    since, until = instant_of(day * DAY_US), instant_of((day + 1) * DAY_US)
    async for page in call_pages(session, since, until):
        _add(made, rolled_up(page.deltas))
    return made


async def _stored(session: Session, *which: ColumnElement[bool]) -> Cells:
    """The cells that any of these lets through, an index walk for each: SQLite makes none of an OR."""
    parts = [select(*CELL_COLUMNS).where(U.generation == _GENERATION, each) for each in which]
    return dict(map(cell_of, await session.execute(union_all(*parts))))


def _is_of(day: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    hour = day * DAY_HOURS
    return _within(Level.DAY, day, day + 1), _within(Level.HOUR, hour, hour + DAY_HOURS)


def _within(level: Level, since: int, until: int) -> ColumnElement[bool]:
    """A range, even of one period: for an equal one SQLite would rather walk through the primary key."""
    return and_(U.level == level.value, U.period >= since, U.period < until)


def _day(key: CellKey) -> int | None:
    if key.level is Level.TOTAL:
        return None
    return key.period if key.level is Level.DAY else key.period // DAY_HOURS


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


def _add(cells: Cells, more: Mapping[CellKey, Figures]) -> None:
    for key, figures in more.items():
        if key not in cells:
            cells[key] = Figures()
        cells[key].add(figures)


_GENERATION = select(ROLLUP_STATE.c.generation).scalar_subquery()
