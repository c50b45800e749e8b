"""Cells of the rollups by the UTC day, and the cells of all time that they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from sqlalchemy import ColumnElement, and_, select, union_all

from promptgraph.domain.cells import SCOPES, CellKey, FineCell, Level, Scope
from promptgraph.domain.delta import Delta
from promptgraph.domain.figures import Figures
from promptgraph.domain.period import DAY_HOURS
from promptgraph.domain.sums import rolled_up, summed
from promptgraph.store.call_tables import U
from promptgraph.store.database import Session
from promptgraph.store.ledger_rows import unfolded_pages
from promptgraph.store.rollup_rows import CELL_COLUMNS, cell_of
from promptgraph.store.rollup_sums import FIRST, GENERATION, literal_number

Cells: TypeAlias = dict[CellKey, Figures]

_BY_PERIOD = (U.generation == GENERATION, U.scope >= literal_number(Scope.ALL))
"""Every cell; PostgreSQL's index of periods serves who says the second part."""


def add_to(cells: Cells, more: Mapping[CellKey, Figures]) -> None:
    """Add figures to cells; those of `more` stay as they are."""
    for key, figures in more.items():
        if key not in cells:
            cells[key] = Figures()
        cells[key].add(figures)


async def stored_days(session: Session) -> set[int]:
    """The UTC days that have a cell.

    cost  two statements
    """
    days: set[int] = set()
    for level in (Level.DAY, Level.HOUR):
        periods = select(U.period).where(*_BY_PERIOD, U.level == level.value).distinct()
        found = (await session.execute(periods)).scalars()
        days |= {period if level is Level.DAY else period // DAY_HOURS for period in found}
    return days


async def total_cells(session: Session) -> Cells:
    """The cells of all time.

    cost    one statement
    raises  InvalidRollupError  a value is damaged
    """
    return await _stored(session, U.level == Level.TOTAL.value)


async def cells_of_day(session: Session, day: int) -> Cells:
    """The cells of a day and of its hours.

    cost    one statement
    raises  InvalidRollupError  a value is damaged
    """
    hour = day * DAY_HOURS
    return await _stored(
        session, _within(Level.DAY, day, day + 1), _within(Level.HOUR, hour, hour + DAY_HOURS)
    )


def totals_of(cells: Mapping[CellKey, Figures]) -> Cells:
    """The cells of all time that cells of days add up to."""
    made: Cells = {}
    for key, figures in cells.items():
        if key.level is Level.DAY and Level.TOTAL in SCOPES[key.scope].levels:
            add_to(made, {key._replace(level=Level.TOTAL, period=Level.TOTAL.period_of(0)): figures})
    return made


async def waiting_before(session: Session, day: int) -> Cells:
    """What the ledger adds to the cells of days before `day`, and thereby to those of all time.

    cost    one statement per thousand rows
    raises  InvalidRollupError  a row is damaged
    """
    made: Cells = {}
    async for page in unfolded_pages(session):
        where = {"hour": range(FIRST, day * DAY_HOURS)}
        early = summed([batch.delta for batch in page], FineCell._fields, where)
        cells = {FineCell._make(key): figures for key, figures in early.items()}
        add_to(made, rolled_up([Delta.of_cells(cells)]) if cells else {})
    return made


def day_of(key: CellKey) -> int | None:
    """The UTC day of a cell; None for all time."""
    if key.level is Level.TOTAL:
        return None
    return key.period if key.level is Level.DAY else key.period // DAY_HOURS


async def _stored(session: Session, *which: ColumnElement[bool]) -> Cells:
    """The cells that any of these lets through, an index walk for each: SQLite makes none of an OR."""
    parts = [select(*CELL_COLUMNS).where(*_BY_PERIOD, each) for each in which]
    return dict(map(cell_of, await session.execute(union_all(*parts))))


def _within(level: Level, since: int, until: int) -> ColumnElement[bool]:
    """A range, even of one period: for an equal one SQLite would rather walk through the primary key."""
    return and_(U.level == level.value, U.period >= since, U.period < until)
