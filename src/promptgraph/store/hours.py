"""Sums by the hour of one owner's calls, from one statement: cells of hours, what waits, and single calls at
the two ends of the window.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import add, sub
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    cast,
    func,
    null,
    select,
    true,
    union_all,
)

from promptgraph.domain.cells import Level
from promptgraph.domain.figures import SUMS
from promptgraph.domain.measures import INT64
from promptgraph.domain.metrics_key import OwnerKind
from promptgraph.domain.period import DAY_US, HOUR_US, instant_of, micros_of
from promptgraph.domain.window import Window
from promptgraph.store.call_sums import TAKEN
from promptgraph.store.call_tables import RETENTION, ROLLUP_STATE, C, U
from promptgraph.store.database import Database
from promptgraph.store.direct import NotDirectError, Statement, parameter
from promptgraph.store.keys import INT64 as LAST_ID
from promptgraph.store.metrics_asked import COLUMN, columns_of
from promptgraph.store.paging import Rows
from promptgraph.store.rollup_sums import literal_number
from promptgraph.store.rollups import DUE
from promptgraph.store.tables import Id, UtcDateTime
from promptgraph.store.totals import SCOPE, cells_of
from promptgraph.store.waiting import Added, waiting_ids

Sums: TypeAlias = tuple[int, ...]
"""A value per measure."""

COUNTABLE = SUMS
"""Which measures can be read so: those that add up, and can be taken away again."""


class End(NamedTuple):
    """An end of a window that is a part of an hour. `calls` are those in it; or, if `rest`, the other calls
    of that hour, which are fewer: then the part is what the hour's cells have more than they.
    """

    hour: int
    calls: Window
    rest: bool


@dataclass(frozen=True, slots=True)
class Span:
    """A window with both ends by the hour: the whole ones from `first` up to `last`, and what is cut at both
    ends of them.
    """

    first: int
    last: int
    before: End | None
    after: End | None

    @classmethod
    def of(cls, window: Window, now: dt.datetime) -> Span:
        """raises  NotDirectError  an open end, or no whole hour"""
        if window.since is None or window.until is None:
            raise NotDirectError
        since, until = micros_of(window.since), micros_of(window.until)
        first, last = -(-since // HOUR_US), until // HOUR_US
        if first >= last:
            raise NotDirectError
        before = after = None
        if since % HOUR_US:
            early = since % HOUR_US < HOUR_US // 2
            part = Window(instant_of((first - 1) * HOUR_US), window.since)
            before = End(
                first - 1, part if early else Window(window.since, instant_of(first * HOUR_US)), early
            )
        if until % HOUR_US:
            # few calls have started that are still to come
            late = until % HOUR_US > HOUR_US // 2 or (last + 1) * HOUR_US > micros_of(now)
            part = Window(window.until, instant_of((last + 1) * HOUR_US))
            after = End(last, part if late else Window(instant_of(last * HOUR_US), window.until), late)
        return cls(first, last, before, after)

    @property
    def ends(self) -> tuple[tuple[str, End], ...]:
        """The ends that there are, by name."""
        both = (("before", self.before), ("after", self.after))
        return tuple((name, end) for name, end in both if end is not None)


async def hours(
    db: Database, kind: OwnerKind, id_: int, span: Span, measures: tuple[str, ...]
) -> list[Sums | None]:
    """These sums of an owner's calls by the hour: each part of `span` in order, None where no call is.
    Whoever looks at one has it `checked`.

    keys    `kind` one of totals.SCOPE; `measures` of COUNTABLE
    cost    one statement; more for rows of the ledger that were never read
    raises  NotDirectError, InvalidRollupError  as `Waiting`; adopted calls are not counted yet, or calls at
                                                an end have been pruned
    """
    if abs(id_) > LAST_ID:
        return [None] * (span.last - span.first + len(span.ends))
    statement = _statement(kind, measures, tuple(name for name, _ in span.ends))
    limits = {f"{name}_{side}": getattr(end.calls, side) for name, end in span.ends for side in _SIDES}
    if span.ends:
        limits["day"] = micros_of(min(limits.values())) // DAY_US
    async with db.direct() as reader:
        rows = await reader.rows(statement, owner=id_, first=span.first - 1, last=span.last + 1, **limits)
        text, lacking = next((row[0], row[2]) for row in rows if row[1] is None)
        found = await db.waiting.lacking(reader, text)
    if lacking and span.ends:
        raise NotDirectError
    sums = {row[1]: tuple(row[2:]) for row in rows}
    sums.pop(None)
    columns = columns_of(kind)
    added = db.waiting.at(text, found, columns).get((id_,) if columns else ())
    parts = {name: sums.pop(_PLACES[name]) for name, _ in span.ends}
    _take_in(sums, added, measures)
    whole = [sums.get(hour) for hour in range(span.first, span.last)]
    cut = {name: _cut(sums, parts[name], end) for name, end in span.ends}
    return [
        *([cut["before"]] if span.before else ()),
        *whole,
        *([cut["after"]] if span.after else ()),
    ]


_SIDES = ("since", "until")
_PLACES = {"before": -(2**31) + 1, "after": -(2**31) + 2}
"""What stands for a period in the sums of single calls: before all periods."""


def checked(sums: Sums) -> Sums:
    """The same.

    raises  NotDirectError  one stands at the bound of 64 bits: what it is beyond, nobody knows
    """
    if INT64 in sums:
        raise NotDirectError
    return sums


def _take_in(sums: dict[int, Sums], added: Added | None, measures: Sequence[str]) -> None:
    for hour, figures in added.hours.items() if added else ():
        more = [figures.numbers[name] for name in measures]
        sums[hour] = tuple(map(add, checked(sums[hour]), more)) if hour in sums else tuple(more)


def _cut(sums: Mapping[int, Sums], calls: Sums, end: End) -> Sums | None:
    """What is in the part; a part without calls is None."""
    if not end.rest:
        return calls
    hour = sums.get(end.hour)
    return tuple(map(sub, checked(hour), calls)) if hour else None


@lru_cache(maxsize=256)
def _statement(kind: OwnerKind, measures: tuple[str, ...], ends: tuple[str, ...]) -> Statement:
    return Statement(lambda _: union_all(*_parts(kind, measures, ends)))


def _parts(kind: OwnerKind, measures: tuple[str, ...], ends: tuple[str, ...]) -> list[Rows]:
    """Cells, then single calls, then what waits."""
    column, owner = COLUMN.get(kind), parameter("owner", Id)
    cells = (
        select(cast(null(), Text), U.period, *(_whole(U[name]) for name in measures))
        .where(*cells_of(SCOPE[kind], Level.HOUR), U[column] == owner if column else true())
        .where(U.period >= parameter("first", Integer()), U.period < parameter("last", Integer()))
        .group_by(U.period)
    )
    calls = [
        select(null(), literal_number(_PLACES[name]), *(_whole(TAKEN[measure]) for measure in measures))
        .where(C.started_at >= parameter(f"{name}_since", UtcDateTime()))
        .where(C.started_at < parameter(f"{name}_until", UtcDateTime()))
        .where(C[column] == owner if column else true())
        for name in ends
    ]
    due = select(func.count()).select_from(ROLLUP_STATE).where(ROLLUP_STATE.c.rebuild.startswith(DUE))
    gone = select(func.count()).where(RETENTION.c.before_day > parameter("day", Integer()))
    lacking = due.scalar_subquery() + gone.scalar_subquery() if ends else due.scalar_subquery()
    rest = [null() for _ in measures[1:]]
    return [cells, *calls, select(waiting_ids().scalar_subquery(), null(), lacking, *rest)]


def _whole(value: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(value), 0), BigInteger)
