"""Figures from statements that are compiled once, on a connection that stays open, and from the ledger as it
is in memory: what `sources.General` reads, in a fraction of the time.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Integer, Text, cast, select, union_all

from promptgraph.domain.cells import SCOPES, Level, Scope
from promptgraph.domain.cover import Periods
from promptgraph.domain.delta import Delta
from promptgraph.domain.figures import Figures
from promptgraph.domain.measures import Kind
from promptgraph.domain.metrics_key import MetricsFilter
from promptgraph.domain.pile import Where
from promptgraph.domain.retention import start_of
from promptgraph.domain.window import Window
from promptgraph.store.call_sums import figures_of, kept, micros, sums
from promptgraph.store.call_tables import CALL_SCORES, LLM_CALLS, RETENTION, C, U
from promptgraph.store.database import Database
from promptgraph.store.direct import NotDirectError, Reader, Statement, parameter
from promptgraph.store.keys import INT32, chunked, json_texts, listed, storable
from promptgraph.store.paging import Rows
from promptgraph.store.records import A, F, P
from promptgraph.store.rollup_sums import FIRST, Cells, added, literal_number, part
from promptgraph.store.sources import Found, General, Single, Source, Version, of_score
from promptgraph.store.tables import Json, UtcDateTime
from promptgraph.store.waiting import waiting_ids

LAST = 2**30
"""After every period."""
NEVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
FOREVER = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
FEW_ENDS, MANY_ENDS = 2, 16
"""So many windows of single calls have room in a statement."""
EMPTY = Window(NEVER, NEVER)
MANY = -1
_RANGES: Mapping[Level, int] = {Level.TOTAL: 1, Level.DAY: 1, Level.HOUR: 2}
"""A window is made up of so many ranges of a level; what has more is asked for period by period."""


@asynccontextmanager
async def reading(db: Database) -> AsyncIterator[Source]:
    """One state of the database, to read figures from.

    cost    a statement; more for rows of the ledger that were never read
    raises  InvalidRollupError  a row of the ledger is damaged
    """
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(db.direct(one_state=True))
        ((text, day),) = await reader.rows(_STATE)
        try:
            deltas = db.waiting.rows(text, await db.waiting.lacking(reader, text))
        except NotDirectError:
            yield General(await stack.enter_async_context(db.read()))
        else:
            yield Directly(db, reader, _State(text, deltas, None if day is None else start_of(day)))


class _State(NamedTuple):
    """What waits, and since when calls are kept."""

    text: str | None
    deltas: Mapping[str, Delta]
    kept_since: dt.datetime | None


class Directly:
    """One state of the database, by a connection of the driver."""

    def __init__(self, db: Database, reader: Reader, state: _State) -> None:
        self._db = db
        self._reader = reader
        self._state = state

    async def versions_of(self, family_ids: Collection[int]) -> Sequence[tuple[int, int]]:
        rows = await self._reader.rows(_OF_FAMILIES, ids=storable(family_ids))
        return [(id_, family) for id_, family in rows]

    async def versions_wanted(self, wanted: MetricsFilter) -> Sequence[int]:
        given: dict[str, Any] = {}
        if wanted.prompts is not None:
            given["families"] = await self._families_named(wanted.prompts)
        if wanted.versions is not None:
            given["numbers"] = [number for number in wanted.versions if abs(number) <= INT32]
        return [id_ for (id_,) in await self._reader.rows(_versions_wanted(tuple(given)), **given)]

    async def _families_named(self, names: Sequence[str]) -> list[int]:
        """As `families_by_name`."""
        rows = await self._reader.rows(_FAMILIES_NAMED, names=list(names))
        found: dict[str, int] = {name: id_ for name, id_ in rows}  # noqa: C416  # dict() takes no such rows
        if missing := {name for name in names if name not in found}:
            for id_, former in await self._reader.rows(_HEIRS, names=list(missing)):
                found = dict.fromkeys(missing.intersection(orjson.loads(former)), int(id_)) | found
        return list(found.values())

    async def agents_named(self, names: Sequence[str]) -> Sequence[int]:
        return [id_ for (id_,) in await self._reader.rows(_AGENTS_NAMED, names=list(names))]

    async def versions(self, ids: Sequence[int]) -> Sequence[Version]:
        return [Version(*row) for row in await self._reader.rows(_VERSIONS, ids=list(ids))]

    async def agents(self, ids: Sequence[int]) -> Sequence[tuple[int, str]]:
        return [(id_, name) for id_, name in await self._reader.rows(_AGENTS, ids=list(ids))]

    async def kept_since(self) -> dt.datetime | None:
        return self._state.kept_since

    async def cells(self, cells: Cells, by: Sequence[str], measures: Sequence[str]) -> Found:
        levels = tuple(_ranged(cells))
        if not levels:
            return []
        question = _Question(cells.scope, tuple(sorted(cells.where)), tuple(by), tuple(measures))
        given = _among(cells.where) | dict(_periods(cells, levels))
        return added(await self._reader.rows(_cells(question, levels), **given), by, measures)

    async def waiting(self, by: Sequence[str], where: Where, measures: Sequence[str]) -> Found:
        wanted = {name: values for name, values in where.items() if name != "hour"}
        keys = [name for name in by if name != "hour"]
        columns = tuple(sorted({*wanted, *keys}))
        hours, by_hour = where["hour"], "hour" in by
        places = [columns.index(name) for name in keys]
        tests = [(columns.index(name), values) for name, values in wanted.items()]
        found: defaultdict[tuple[Any, ...], Figures] = defaultdict(lambda: Figures.blank(measures))
        for key, more in self._db.waiting.at(self._state.text, self._state.deltas, columns).items():
            if all(key[place] in values for place, values in tests):
                kept_ = tuple(key[place] for place in places)
                for hour, figures in more.hours.items():
                    if hour in hours:
                        found[(*kept_, hour) if by_hour else kept_].add(figures)
        return list(found.items())

    async def calls(self, single: Single, by: Sequence[str], measures: Sequence[str]) -> Found:
        room = FEW_ENDS if len(single.windows) <= FEW_ENDS else MANY_ENDS
        names, placed = tuple(sorted(single.where)), single.place is not None
        statement = _calls(names, tuple(by), tuple(measures), room, placed)
        at = single.place or (lambda _: 0)
        found: Found = []
        for values in self._windows(single, room):
            for row in await self._reader.rows(statement, **values):
                if row[-1]:
                    key = (at(row[0]) if placed else 0, *row[placed : placed + len(by)])
                    found.append((key, figures_of(measures, row[placed + len(by) : -1])))
            if Kind.SCORES in measures:
                for micro, name, value, *kept_by in await self._reader.rows(
                    _scores(names, tuple(by), room), **values
                ):
                    found.append(((at(micro), *kept_by), of_score(measures, name, value)))
        return found

    def _windows(self, single: Single, room: int) -> Iterator[dict[str, Any]]:
        """The values of the parameters for so many windows at a time."""
        for some in chunked(single.windows, room):
            values = _among(single.where)
            for place, window in enumerate((*some, *[EMPTY] * (room - len(some)))):
                values[f"since_{place}"] = window.since or NEVER
                values[f"until_{place}"] = window.until or FOREVER
            yield values


# ---------------------------------------------------------------- statements


class _Question(NamedTuple):
    """Which cells, and what of them: `where` are the columns that are narrowed."""

    scope: Scope
    where: tuple[str, ...]
    by: tuple[str, ...]
    measures: tuple[str, ...]


class _Ranged(NamedTuple):
    """A level, and room for so many ranges of its periods; MANY: a list of periods."""

    level: Level
    ranges: int


def _ranged(cells: Cells) -> Iterator[_Ranged]:
    """Room for whatever a window is made up of: the statement is the same for all windows."""
    used = {level for level, ranges in cells.periods.items() if ranges}
    if used - {Level.TOTAL}:
        used |= {Level.DAY, Level.HOUR}.intersection(SCOPES[cells.scope].levels)
    for level in sorted(used):
        many = len(cells.periods.get(level, ())) > _RANGES[level]
        yield _Ranged(level, MANY if many else _RANGES[level])


def _periods(cells: Cells, levels: Sequence[_Ranged]) -> Iterator[tuple[str, Any]]:
    for level, room in levels:
        ranges = cells.periods.get(level, ())
        if room == MANY:
            listed = [period for since, until in ranges for period in range(since or 0, until or 0)]
            yield f"periods_{level}", listed
            continue
        for place, (since, until) in enumerate((*ranges, *[Periods(0, 0)] * (room - len(ranges)))):
            yield f"since_{level}_{place}", FIRST if since is None else since
            yield f"until_{level}_{place}", LAST if until is None else until


@lru_cache(maxsize=512)
def _cells(question: _Question, levels: tuple[_Ranged, ...]) -> Statement:
    scope, where, by, measures = question

    def of(level: Level, within: Sequence[ColumnElement[bool]]) -> Rows:
        narrowed = [_listed(U[name], f"where_{name}") for name in where]
        return part(scope, level, where, [*narrowed, *within], by, measures)

    def build(_: str) -> Any:
        parts: list[Rows] = []
        for level, room in levels:
            if room == MANY:
                parts.append(of(level, [_listed(U.period, f"periods_{level}")]))
            for place in range(room):
                since, until = (parameter(f"{side}_{level}_{place}", Integer()) for side in _SIDES)
                parts.append(of(level, [U.period >= since, U.period < until]))
        return union_all(*parts) if len(parts) > 1 else parts[0]

    return Statement(build)


_SIDES = ("since", "until")


@lru_cache(maxsize=512)
def _calls(
    where: tuple[str, ...],
    by: tuple[str, ...],
    measures: tuple[str, ...],
    room: int,
    placed: bool,  # noqa: FBT001  # a part of the key
) -> Statement:
    return Statement(
        lambda _: union_all(
            *(sums(by, measures, placed=placed).where(*_within(where, place)) for place in range(room))
        )
    )


@lru_cache(maxsize=64)
def _scores(where: tuple[str, ...], by: tuple[str, ...], room: int) -> Statement:
    scored = (
        select(micros(C.started_at), CALL_SCORES.c.name, CALL_SCORES.c.value, *kept(by))
        .join_from(LLM_CALLS, CALL_SCORES, C.id == CALL_SCORES.c.call_id)
        .where(CALL_SCORES.c.value.is_not(None))
    )
    return Statement(lambda _: union_all(*(scored.where(*_within(where, place)) for place in range(room))))


def _within(where: Sequence[str], place: int) -> list[ColumnElement[bool]]:
    """The calls of one of the windows."""
    return [
        *(_listed(C[name], f"where_{name}") for name in where),
        C.started_at >= parameter(f"since_{place}", UtcDateTime()),
        C.started_at < parameter(f"until_{place}", UtcDateTime()),
    ]


def _among(where: Mapping[str, Collection[int | str]]) -> dict[str, Any]:
    return {f"where_{name}": list(values) for name, values in where.items()}


def _listed(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a parameter lists the column's value."""
    return listed(column, parameter(name, Json))


@lru_cache(maxsize=4)
def _versions_wanted(given: tuple[str, ...]) -> Statement:
    columns = {"families": P.family_id, "numbers": P.version}
    return Statement(lambda _: select(P.id).where(*(_listed(columns[name], name) for name in given)))


def _heirs(_: str) -> Rows:
    """Families that had one of these names, the oldest first."""
    old = json_texts(F.former_names).table_valued("value").c.value
    had = select(literal_number(1)).where(_listed(old, "names")).exists()
    return select(F.id, cast(F.former_names, Text)).where(had).order_by(F.id)


_STATE = Statement(
    lambda _: select(waiting_ids().scalar_subquery(), select(RETENTION.c.before_day).scalar_subquery())
)
_OF_FAMILIES = Statement(lambda _: select(P.id, P.family_id).where(_listed(P.family_id, "ids")))
_VERSIONS = Statement(lambda _: select(P.id, P.name, P.version, P.family_id).where(_listed(P.id, "ids")))
_AGENTS = Statement(lambda _: select(A.id, A.name).where(_listed(A.id, "ids")))
_FAMILIES_NAMED = Statement(lambda _: select(F.name, F.id).where(_listed(F.name, "names")))
_HEIRS = Statement(_heirs)
_AGENTS_NAMED = Statement(lambda _: select(A.id).where(_listed(A.name, "names")))
