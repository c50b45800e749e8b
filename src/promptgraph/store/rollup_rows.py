"""Rows of the rollups: read by key, added to, deleted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Integer, and_, bindparam, delete, func, select

from promptgraph.domain.cells import CellKey, Level, Scope
from promptgraph.domain.figures import Figures
from promptgraph.domain.free_values import FREE, MAX_VALUES, Kept, Place, Values, capped, place_of
from promptgraph.domain.measures import ALL, MEASURES
from promptgraph.store.bulk import Driver, Rows, insert_rows, update_rows, within
from promptgraph.store.call_tables import ROLLUPS, U
from promptgraph.store.database import Session
from promptgraph.store.keys import cell, chunked, rows_of

CHUNK = 1_000
"""So many cells are read or written by one statement."""

KEY = CellKey._fields
KEY_COLUMNS = tuple(U[name] for name in KEY)
CELL_COLUMNS = (*KEY_COLUMNS, *(U[name] for name in ALL))
BLANKS = tuple(measure.blank for measure in MEASURES)
_TEXTS = frozenset({"model", "provider", "environment"})
_GENERATION = bindparam("in_generation", type_=Integer)


def cell_of(row: Sequence[Any]) -> tuple[CellKey, Figures]:
    """From CELL_COLUMNS.

    raises  InvalidRollupError  a value is damaged
    """
    scope, level, *rest = row[: len(KEY)]
    return CellKey(Scope(scope), Level(level), *rest), Figures.of_values(ALL, row[len(KEY) :])


async def add_cells(session: Session, generation: int, cells: Mapping[CellKey, Figures]) -> None:
    """Add to the cells of a generation, which nobody else writes meanwhile; these figures are used up.

    cost    three statements per thousand cells; up to four more
    raises  InvalidRollupError  a stored value is damaged, or a sum would fall below zero
    """
    stored = await _stored(session, generation, cells)
    new = {key: figures for key, figures in cells.items() if key not in stored}
    adding = {key: figures for key, figures in cells.items() if key in stored}
    bounded = capped(new, await _kept(session, generation, new)) if new else {}
    stored |= await _stored(session, generation, bounded.keys() - cells.keys())
    for key, figures in bounded.items():
        if key in adding:
            adding[key].add(figures)
        else:
            adding[key] = figures
    for some in chunked(list(adding.items()), CHUNK):
        fresh, changed = await asyncio.to_thread(_written, generation, some, stored)
        await within(session, partial(_write, fresh=fresh, changed=changed))


def _write(driver: Driver, fresh: Rows, changed: Rows) -> None:
    insert_rows(driver, _COLUMNS, fresh)
    update_rows(driver, _WHERE, _FIGURES, changed)


def _written(
    generation: int, cells: Iterable[tuple[CellKey, Figures]], stored: Mapping[tuple[Any, ...], Sequence[Any]]
) -> tuple[list[list[Any]], list[list[Any]]]:
    """The rows to insert: keys, then figures; and those to update: figures, then keys."""
    fresh, changed = [], []
    for key, figures in cells:
        values = stored.get(key)
        if values is None:
            fresh.append([generation, *map(int, key[:2]), *key[2:], *figures.added_to(BLANKS)])
        else:
            changed.append([*figures.added_to(values), generation, *map(int, key[:2]), *key[2:]])
    return fresh, changed


async def _stored(
    session: Session, generation: int, keys: Iterable[CellKey]
) -> dict[tuple[Any, ...], Sequence[Any]]:
    """The figures of the cells that are there, as they are stored.

    cost  one statement per thousand keys
    """
    found: dict[tuple[Any, ...], Sequence[Any]] = {}
    size = len(KEY)
    for chunk in chunked(sorted(keys), CHUNK):
        rows = await session.execute(_BY_KEY, {**_in(generation), "keys": [tuple(key) for key in chunk]})
        found.update((row[:size], row[size:]) for row in map(tuple, rows) if row[0] is not None)
    return found


async def _kept(session: Session, generation: int, new: Iterable[CellKey]) -> Kept:
    """What is told apart already, where it might come to too much: environments, and days of prompts.

    cost  up to three statements
    """
    environments: Iterable[str] = {key.environment for key in new}
    if any(key.scope is Scope.ALL and key.level is Level.TOTAL for key in new):
        environments = await environments_kept(session, generation)
    return Kept(frozenset(environments), await _kept_values(session, generation, new))


async def environments_kept(session: Session, generation: int) -> list[str]:
    """The environments that a generation tells apart: each has a cell of all time.

    cost  one statement
    """
    total = (U.generation == generation, U.scope == Scope.ALL.value, U.level == Level.TOTAL.value)
    return list(await session.scalars(select(U.environment).where(*total)))


async def _kept_values(session: Session, generation: int, new: Iterable[CellKey]) -> Values:
    """What the days that these cells come to tell apart already, where it might come to too much.

    cost  one statement; a second one where it might
    """
    coming = Counter(place for place in map(place_of, new) if place is not None)
    if not coming:
        return {}
    places = {**_in(generation), "keys": [tuple(place) for place in coming]}
    counts = {Place(*place): size for *place, size in await session.execute(_SIZES, places)}
    near = [tuple(place) for place, size in coming.items() if counts.get(place, 0) + size > MAX_VALUES]
    kept: dict[Place, dict[str, set[int | str]]] = {}
    for scope, prompt, day, *values in (
        map(tuple, await session.execute(_VALUES, {**places, "keys": near})) if near else ()
    ):
        if scope is None:
            continue
        sets = kept.setdefault(Place(scope, prompt, day), {name: set() for name in FREE})
        for name, value in zip(FREE, values, strict=True):
            sets[name].add(value)
    return kept


async def delete_some(session: Session, generation: int, *, but: bool) -> int:
    """Delete up to a thousand cells of a generation, or of all others; how many there were.

    cost  two statements
    """
    which = U.generation != generation if but else U.generation == generation
    rows = await session.execute(select(U.generation, *KEY_COLUMNS).where(which).limit(CHUNK))
    keys = [dict(zip(_KEY_PARAMETERS, row, strict=True)) for row in rows]
    if keys:
        await session.execute(delete(ROLLUPS).where(*_THIS_CELL), keys)
    return len(keys)


def _in(generation: int) -> dict[str, Any]:
    return {_GENERATION.key: generation}


_KEYS = rows_of("keys")
# outer joins, for they begin with the keys and look each up: SQLite would rather walk through the rollups
_BY_KEY = select(*CELL_COLUMNS).outerjoin_from(
    _KEYS,
    ROLLUPS,
    and_(
        U.generation == _GENERATION,
        *(U[name] == cell(_KEYS, at, whole=name not in _TEXTS) for at, name in enumerate(KEY)),
    ),
)
_OF_DAY = and_(
    U.generation == _GENERATION,
    U.scope == cell(_KEYS, 0, whole=True),
    U.level == Level.DAY.value,
    U.prompt_id == cell(_KEYS, 1, whole=True),
    U.period == cell(_KEYS, 2, whole=True),
)
_PLACE = (U.scope, U.prompt_id, U.period)
_SIZES = select(*_PLACE, func.count()).outerjoin_from(_KEYS, ROLLUPS, _OF_DAY).group_by(*_PLACE)
_VALUES = select(*_PLACE, *(U[name] for name in FREE)).outerjoin_from(_KEYS, ROLLUPS, _OF_DAY).distinct()
_KEY_PARAMETERS = tuple(f"_{name}" for name in ("generation", *KEY))
_THIS_CELL = tuple(U[name.removeprefix("_")] == bindparam(name) for name in _KEY_PARAMETERS)
_FIGURES = tuple(U[name] for name in ALL)
_WHERE = (U.generation, *KEY_COLUMNS)
_COLUMNS = (*_WHERE, *_FIGURES)
