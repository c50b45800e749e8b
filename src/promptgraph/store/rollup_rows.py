"""Rows of the rollups: read by key, added to, deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Integer, and_, bindparam, delete, func, insert, select, update

from promptgraph.domain.cells import CellKey, Level, Scope
from promptgraph.domain.figures import Figures
from promptgraph.domain.free_values import FREE, MAX_VALUES, capped
from promptgraph.domain.measures import ALL
from promptgraph.store.call_tables import ROLLUPS, U
from promptgraph.store.database import Session
from promptgraph.store.keys import cell, rows_of

T = TypeVar("T")
CHUNK = 1_000
"""So many cells are read or written by one statement."""

KEY = CellKey._fields
KEY_COLUMNS = tuple(U[name] for name in KEY)
CELL_COLUMNS = (*KEY_COLUMNS, *(U[name] for name in ALL))
_TEXTS = frozenset({"model", "provider", "environment"})
_GENERATION = bindparam("in_generation", type_=Integer)


def cell_of(row: Sequence[Any]) -> tuple[CellKey, Figures]:
    """From CELL_COLUMNS.

    raises  InvalidRollupError  a value is damaged
    """
    scope, level, *rest = row[: len(KEY)]
    return CellKey(Scope(scope), Level(level), *rest), Figures.of_values(ALL, row[len(KEY) :])


async def cells_by_key(session: Session, generation: int, keys: Iterable[CellKey]) -> dict[CellKey, Figures]:
    """The cells that are there.

    cost  one statement per thousand keys
    """
    found: dict[CellKey, Figures] = {}
    for chunk in chunked(sorted(keys), CHUNK):
        rows = await session.execute(_BY_KEY, {**_in(generation), "keys": [tuple(key) for key in chunk]})
        found.update(cell_of(row) for row in rows if row[0] is not None)
    return found


async def add_cells(session: Session, generation: int, cells: Mapping[CellKey, Figures]) -> None:
    """Add to the cells of a generation, which nobody else writes meanwhile; these figures are used up.

    cost    three statements per thousand cells; up to four more
    raises  InvalidRollupError  a stored value is damaged, or a sum would fall below zero
    """
    stored = await cells_by_key(session, generation, cells)
    new = {key: figures for key, figures in cells.items() if key not in stored}
    bounded = capped(new, await _kept_values(session, generation, new))
    stored |= await cells_by_key(session, generation, bounded.keys() - new.keys())
    fresh: dict[CellKey, Figures] = {}
    changed: dict[CellKey, Figures] = {}
    for key, figures in ({key: cells[key] for key in cells if key in stored} | bounded).items():
        if key in stored:
            stored[key].add(figures)
            changed[key] = stored[key]
        else:
            fresh[key] = figures
    for chunk in chunked(list(fresh.items()), CHUNK):
        await session.execute(insert(ROLLUPS), [_values(generation, key, each) for key, each in chunk])
    for chunk in chunked(list(changed.items()), CHUNK):
        await session.execute(_UPDATE, [_values(generation, key, each, "_") for key, each in chunk])


async def _kept_values(
    session: Session, generation: int, new: Iterable[CellKey]
) -> dict[tuple[int, int], dict[str, set[int | str]]]:
    """What the days of prompts that these cells come to tell apart already, where it might come to too much.

    cost  one statement; a second one where it might
    """
    coming: defaultdict[tuple[int, int], int] = defaultdict(int)
    for key in new:
        if key.scope is Scope.CROSS:
            coming[key.prompt_id, key.period] += 1
    if not coming:
        return {}
    places = {**_in(generation), "keys": list(coming)}
    counts = {(prompt, day): size for prompt, day, size in await session.execute(_SIZES, places)}
    near = [place for place, size in coming.items() if counts.get(place, 0) + size > MAX_VALUES]
    kept: dict[tuple[int, int], dict[str, set[int | str]]] = {}
    if near:
        for prompt, day, *values in map(tuple, await session.execute(_VALUES, {**places, "keys": near})):
            if prompt is None:
                continue
            sets = kept.setdefault((prompt, day), {name: set() for name in FREE})
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


def chunked(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in pieces of at most this size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _in(generation: int) -> dict[str, Any]:
    return {_GENERATION.key: generation}


def _values(generation: int, key: CellKey, figures: Figures, mark: str = "") -> dict[str, Any]:
    named = zip(KEY, (int(key.scope), int(key.level), *key[2:]), strict=True)
    where = {f"{mark}{name}": value for name, value in (("generation", generation), *named)}
    return where | dict(zip(ALL, figures.values(), strict=True))


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
    U.scope == Scope.CROSS.value,
    U.level == Level.DAY.value,
    U.prompt_id == cell(_KEYS, 0, whole=True),
    U.period == cell(_KEYS, 1, whole=True),
)
_SIZES = (
    select(U.prompt_id, U.period, func.count())
    .outerjoin_from(_KEYS, ROLLUPS, _OF_DAY)
    .group_by(U.prompt_id, U.period)
)
_VALUES = (
    select(U.prompt_id, U.period, *(U[name] for name in FREE))
    .outerjoin_from(_KEYS, ROLLUPS, _OF_DAY)
    .distinct()
)
_KEY_PARAMETERS = tuple(f"_{name}" for name in ("generation", *KEY))
_THIS_CELL = tuple(U[name.removeprefix("_")] == bindparam(name) for name in _KEY_PARAMETERS)
_UPDATE = update(ROLLUPS).where(*_THIS_CELL).values({name: bindparam(name) for name in ALL})
