"""The one way figures are read: cells of the rollups, the ledger that they lack, calls at ragged ends."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from promptgraph.domain.cells import SCOPES, Level, Scope
from promptgraph.domain.cover import Cover, Periods, cover, is_ragged, snapped
from promptgraph.domain.errors import TooManyRowsError
from promptgraph.domain.figures import Figures
from promptgraph.domain.period import DAY_US, HOUR_US, micros_of
from promptgraph.domain.pile import Where
from promptgraph.domain.window import Window
from promptgraph.store.metrics_asked import Asked
from promptgraph.store.rollup_sums import Cells, Key
from promptgraph.store.sources import Single, Source

RAW_DAYS = dict.fromkeys(Scope, 31) | {Scope.CROSS: 7}
"""How many days of single calls a series may read, by the rollups that it reads otherwise."""

Tally: TypeAlias = dict[Key, Figures]
"""By place of the window, then by the values of the columns that were asked for."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Windows that follow each other, what makes them up, and which of them a moment lies in."""

    windows: Sequence[Window]
    parts: Cover

    @classmethod
    def of(cls, windows: Sequence[Window], scope: Scope) -> Steps:
        """raises  TooManyRowsError  a series would read more days of single calls than it may"""
        hours = Level.HOUR in SCOPES[scope].levels
        covers = [cover(window, hours=hours) for window in windows]
        parts = Cover(
            total=any(each.total for each in covers),
            days=tuple(_joined(part for each in covers for part in each.days)),
            hours=tuple(_joined(part for each in covers for part in each.hours)),
            raw=tuple(_joined_windows(part for each in covers for part in each.raw)),
        )
        if len(windows) > 1:
            _check_raw(parts.raw, RAW_DAYS[scope], hours=hours)
        return cls(windows, parts)

    def place(self) -> Callable[[int], int]:
        """Which window a moment lies in that one of them holds; moments in microseconds since 1970."""
        if len(self.windows) == 1:
            return lambda _: 0
        starts = [micros_of(window.since) for window in self.windows if window.since]
        return lambda micros: bisect_right(starts, micros) - 1

    def periods(self, scope: Scope) -> dict[Level, Sequence[Periods]]:
        """The cells by level. Where there are none of all time, it is made up of days."""
        everything = [Periods(None, None)] if self.parts.total else []
        has_total = Level.TOTAL in SCOPES[scope].levels
        days = self.parts.days if has_total else everything or self.parts.days
        return {Level.TOTAL: everything if has_total else [], Level.DAY: days, Level.HOUR: self.parts.hours}


class _Hours:
    """The UTC hours that cells count."""

    def __init__(self, parts: Cover) -> None:
        self._parts = parts
        self._known: dict[object, bool] = {}

    def __contains__(self, hour: object) -> bool:
        if hour not in self._known:
            self._known[hour] = isinstance(hour, int) and self._parts.counts(hour)
        return self._known[hour]


async def tally(
    source: Source, asked: Asked, windows: Sequence[Window], by: Sequence[str], measures: Sequence[str]
) -> Tally:
    """These measures of the calls that are asked for, in each window, by columns of the calls. Where no call
    is, there is no key.

    keys    `windows` one, or several that follow each other; `by` fields of FineCell
    cost    up to four statements, however many owners and windows; one more per thousand unfolded rows
    raises  TooManyRowsError    single calls of too many days would be read
            InvalidInputError   a sum of one cell passes 64 bits
            InvalidRollupError  a stored value is damaged
    """
    if asked.empty or not measures:
        return {}
    scope = asked.scope(by)
    steps = Steps.of(windows, scope)
    made: Tally = {}
    for key, figures in [
        *await _of_cells(source, asked, steps, scope, by, measures),
        *await _of_ledger(source, asked, steps, by, measures),
        *await _of_calls(source, asked, steps, by, measures),
    ]:
        if key not in made:
            made[key] = Figures.blank(measures)
        made[key].add(figures)
    return made


async def answered(
    source: Source, asked: Asked, windows: Sequence[Window], by: Sequence[str]
) -> list[Window]:
    """The windows that can be answered for: edges of a time whose calls were pruned lie where cells begin.

    keys  as `tally`
    cost  one statement, none where all edges lie so anyhow
    """
    hours = Level.HOUR in SCOPES[asked.scope(by)].levels
    if not any(is_ragged(window, hours=hours) for window in windows):
        return list(windows)
    before = await source.kept_since()
    return list(windows) if before is None else snapped(windows, before, hours=hours)


_STARTS: Mapping[Level, int] = {Level.TOTAL: 0, Level.DAY: DAY_US, Level.HOUR: HOUR_US}
Found: TypeAlias = Iterable[tuple[Key, Figures]]


async def _of_cells(
    source: Source, asked: Asked, steps: Steps, scope: Scope, by: Sequence[str], measures: Sequence[str]
) -> Found:
    cells = Cells(scope, steps.periods(scope), asked.where)
    if len(steps.windows) == 1:
        return [((0, *key), each) for key, each in await source.cells(cells, by, measures)]
    place = steps.place()
    found = await source.cells(cells, [*by, "level", "period"], measures)
    return [
        ((place(int(period) * _STARTS[Level(int(level))]), *key), each)
        for (*key, level, period), each in found
    ]


async def _of_ledger(
    source: Source, asked: Asked, steps: Steps, by: Sequence[str], measures: Sequence[str]
) -> Found:
    where: Where = {**asked.where, "hour": _Hours(steps.parts)}
    if len(steps.windows) == 1:
        return [((0, *key), each) for key, each in await source.waiting(by, where, measures)]
    place, found = steps.place(), await source.waiting([*by, "hour"], where, measures)
    return [((place(int(hour) * HOUR_US), *key), each) for (*key, hour), each in found]


async def _of_calls(
    source: Source, asked: Asked, steps: Steps, by: Sequence[str], measures: Sequence[str]
) -> Found:
    if not steps.parts.raw:
        return ()
    place = steps.place() if len(steps.windows) > 1 else None
    return await source.calls(Single(steps.parts.raw, asked.where, place), by, measures)


def _joined(parts: Iterable[Periods]) -> Iterator[Periods]:
    """The same, in order, with those that meet made one."""
    last: Periods | None = None
    for part in parts:
        if last is not None and last.until == part.since:
            last = Periods(last.since, part.until)
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last


def _joined_windows(parts: Iterable[Window]) -> Iterator[Window]:
    pieces = list(parts)
    start = 0
    for at, (before, after) in enumerate(pairwise(pieces), 1):
        if before.until != after.since:
            yield Window(pieces[start].since, before.until)
            start = at
    if pieces:
        yield Window(pieces[start].since, pieces[-1].until)


def _check_raw(raw: Sequence[Window], days: int, *, hours: bool) -> None:
    spans = [(each.until - each.since).total_seconds() for each in raw if each.since and each.until]
    if sum(spans) <= days * 86_400:
        return
    kept = "hours of UTC" if hours else "days of UTC"
    raise TooManyRowsError(
        f"Such bins are counted call by call, for at most {days} days: ask for a shorter window, or for bins"
        f" that are whole {kept}.",
        limit=days,
        field="bin",
    )
