"""Whether the rollups say what the calls say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select

from promptgraph.domain.cells import CellKey, Level, Scope
from promptgraph.domain.figures import Figures, Value
from promptgraph.domain.free_values import FREE, capped
from promptgraph.domain.measures import ALL
from promptgraph.domain.period import DAY_HOURS, DAY_US, instant_of, micros_of
from promptgraph.domain.sums import rolled_up
from promptgraph.store.call_tables import ROLLUP_STATE, C, U
from promptgraph.store.database import Database, Session
from promptgraph.store.ledger_rows import unfolded
from promptgraph.store.rebuild import call_pages
from promptgraph.store.rollup_rows import CELL_COLUMNS, cell_of

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
    raises  InvalidRollupError  a stored value is damaged
    """
    found: list[Drift] = []
    totals: Cells = {}
    async with db.read() as session:
        coming = rolled_up([batch.delta for batch in await unfolded(session)])
        for day in await _days(session, coming):
            expected = await _counted(session, day)
            _add(totals, {key: each for key, each in expected.items() if key.level is Level.TOTAL})
            daily = {key: each for key, each in expected.items() if key.level is not Level.TOTAL}
            stored = await _stored(session, _is_of(day))
            found += _drifts(daily, stored, {key: coming[key] for key in coming if _day(key) == day})
            if len(found) >= limit:
                return found[:limit]
        stored = await _stored(session, U.level == Level.TOTAL.value)
        coming = {key: each for key, each in coming.items() if key.level is Level.TOTAL}
        found += _drifts(totals, stored, coming)
    return found[:limit]


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


async def _stored(session: Session, which: ColumnElement[bool]) -> Cells:
    rows = await session.execute(select(*CELL_COLUMNS).where(U.generation == _GENERATION, which))
    return dict(map(cell_of, rows))


def _is_of(day: int) -> ColumnElement[bool]:
    hour = day * DAY_HOURS
    hours = and_(U.level == Level.HOUR.value, U.period >= hour, U.period < hour + DAY_HOURS)
    return or_(and_(U.level == Level.DAY.value, U.period == day), hours)


def _day(key: CellKey) -> int | None:
    if key.level is Level.TOTAL:
        return None
    return key.period if key.level is Level.DAY else key.period // DAY_HOURS


def _drifts(expected: Cells, stored: Cells, coming: Cells) -> list[Drift]:
    """Where the two differ, `coming` added to what is stored."""
    _add(stored, capped(coming, _values(stored)))
    expected = capped(expected, _values(stored))
    blank = Figures()
    return [
        Drift(key, name, right, wrong)
        for key in sorted(expected.keys() | stored.keys())
        for name, right, wrong in zip(
            ALL,
            expected.get(key, blank).values(),
            stored.get(key, blank).values(),
            strict=True,
        )
        if right != wrong
    ]


def _values(cells: Iterable[CellKey]) -> dict[tuple[int, int], dict[str, set[int | str]]]:
    """The values of free dimensions that these cells tell apart."""
    made: dict[tuple[int, int], dict[str, set[int | str]]] = {}
    for key in cells:
        if key.scope is Scope.CROSS:
            sets = made.setdefault((key.prompt_id, key.period), {name: set() for name in FREE})
            for name, values in sets.items():
                values.add(getattr(key, name))
    return made


def _add(cells: Cells, more: Mapping[CellKey, Figures]) -> None:
    for key, figures in more.items():
        if key not in cells:
            cells[key] = Figures()
        cells[key].add(figures)


_GENERATION = select(ROLLUP_STATE.c.generation).scalar_subquery()
