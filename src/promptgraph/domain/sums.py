"""Deltas added up: by any of their columns for a reader, into the cells of the rollups for the fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count, repeat
from typing import NamedTuple, TypeAlias

from promptgraph.domain.cells import SCOPES, CellKey, FineCell, Level, cell_key
from promptgraph.domain.column import Column
from promptgraph.domain.delta import DAY, Delta, Samples
from promptgraph.domain.figures import BLANK, HISTOGRAMS, Figures, Scores, add_score
from promptgraph.domain.histogram import Histogram
from promptgraph.domain.measures import ALL, MEASURE, Kind
from promptgraph.domain.pile import ANYWHERE, Where, piles

Key: TypeAlias = tuple[int | str, ...]
_PERIOD: Mapping[Level, str] = {Level.DAY: DAY, Level.HOUR: "hour"}


def summed(
    deltas: Iterable[Delta], by: Sequence[str] = (), where: Where = ANYWHERE, measures: Iterable[str] = ALL
) -> dict[Key, Figures]:
    """These measures of the cells that `where` allows, one Figures per combination of the columns `by`.

    keys     columns of FineCell, and `day`
    returns  by the values of those columns; a combination that no cell has is absent
    """
    wanted = frozenset(measures)
    sums = _Sums(wanted)
    for pile in piles(deltas, by, where, wanted):
        sums.take(pile, by)
    return sums.figures()


def cells_in(delta: Delta) -> dict[FineCell, Figures]:
    """The figures of a delta by cell, each cell once."""
    return {FineCell._make(key): figures for key, figures in summed([delta], FineCell._fields).items()}


def compacted(delta: Delta) -> Delta:
    """The same figures with each cell once, where that makes at most half of the entries; else as it is."""
    if len(keys_in(delta)) * 2 > delta.size:
        return delta
    return Delta.of_cells(cells_in(delta))


def keys_in(delta: Delta) -> set[Key]:
    """The cells of a delta."""
    return set(_rows(delta, FineCell._fields))


def rolled_up(deltas: Iterable[Delta]) -> dict[CellKey, Figures]:
    """What these deltas add to each cell of the rollups: one of every scope and level counts a call."""
    merged = [compacted(pile) for pile in piles(deltas, FineCell._fields)]
    cells: dict[CellKey, Figures] = {}
    for scope, kept in SCOPES.items():
        *coarser, finest = kept.levels
        for (period, *values), figures in summed(merged, (_PERIOD[finest], *kept.dimensions)).items():
            at = cell_key(scope, finest, int(period), dict(zip(kept.dimensions, values, strict=True)))
            cells[at] = figures
            for level in coarser:
                wide = at._replace(level=level, period=level.period_of(at.period))
                if wide in cells:
                    cells[wide].add(figures)
                else:
                    cells[wide] = figures.copy()
    return cells


class _OneGroup(NamedTuple):
    """All cells of a delta belong to the group at this place, and there are so many."""

    place: int
    size: int


_Groups: TypeAlias = _OneGroup | list[int]
"""The place of the group that each cell belongs to."""


class _Sums:
    """Totals of groups: each measure is a list with a total for each group."""

    def __init__(self, measures: Container[str]) -> None:
        self.places: dict[Key, int] = {}
        self.numbers: dict[str, list[int]] = {name: [] for name in BLANK if name in measures}
        self.histograms: dict[str, list[dict[int, int]]] = {n: [] for n in HISTOGRAMS if n in measures}
        self.scores: list[Scores] | None = [] if Kind.SCORES in measures else None

    def take(self, delta: Delta, by: Sequence[str]) -> None:
        """Add the cells of `delta`."""
        if not delta.size:
            return
        groups = self._groups(delta, by)
        for name, totals in self.numbers.items():
            column = delta.numbers.get(name)
            if column is not None:
                _ADD[MEASURE[name].kind](totals, groups, column)
        for name, histograms in self.histograms.items():
            samples = delta.samples.get(name)
            if samples is not None:
                _count(histograms, groups, samples)
        if self.scores is not None:
            for place, name, times, total in delta.scores:
                group = groups.place if isinstance(groups, _OneGroup) else groups[place]
                add_score(self.scores[group], name, times, total)

    def _groups(self, delta: Delta, by: Sequence[str]) -> _Groups:
        if all(isinstance(delta.column(name), int | str) for name in by):
            key = next(_rows(delta, by))
            self._open([key])
            return _OneGroup(self.places[key], delta.size)
        keys = list(_rows(delta, by))
        self._open(keys)
        return list(map(self.places.__getitem__, keys))

    def _open(self, keys: Iterable[Key]) -> None:
        """Make room for the groups that are new."""
        new = [key for key in dict.fromkeys(keys) if key not in self.places]
        self.places.update(zip(new, count(len(self.places)), strict=False))
        for name, totals in self.numbers.items():
            totals.extend(repeat(BLANK[name], len(new)))
        for histograms in self.histograms.values():
            histograms.extend({} for _ in new)
        if self.scores is not None:
            self.scores.extend({} for _ in new)

    def figures(self) -> dict[Key, Figures]:
        """The totals, by group."""
        return {
            key: Figures(
                {name: totals[place] for name, totals in self.numbers.items()},
                {name: Histogram(each[place]) for name, each in self.histograms.items()},
                None if self.scores is None else self.scores[place],
            )
            for key, place in self.places.items()
        }


def _rows(delta: Delta, by: Sequence[str]) -> Iterator[Key]:
    """What the cells have in these columns."""
    columns = [delta.column(name) for name in by] if delta.size else []
    each = [repeat(one, delta.size) if isinstance(one, int | str) else one for one in columns]
    return zip(*each, strict=True) if each else repeat((), delta.size)


def _each(column: Column) -> Iterable[int]:
    return repeat(column) if isinstance(column, int) else column


def _sum(totals: list[int], groups: _Groups, values: Column) -> None:
    if isinstance(groups, _OneGroup):
        totals[groups.place] += values * groups.size if isinstance(values, int) else sum(values)
        return
    for place, value in zip(groups, _each(values), strict=False):
        totals[place] += value


def _raise(totals: list[int], groups: _Groups, values: Column) -> None:
    if isinstance(groups, _OneGroup):
        groups, values = [groups.place], values if isinstance(values, int) else max(values)
    for place, value in zip(groups, _each(values), strict=False):
        if value > totals[place]:  # noqa: PLR1730  # max() takes twice the time
            totals[place] = value


def _lower(totals: list[int], groups: _Groups, values: Column) -> None:
    if isinstance(groups, _OneGroup):
        groups, values = [groups.place], values if isinstance(values, int) else min(values)
    for place, value in zip(groups, _each(values), strict=False):
        if value < totals[place]:  # noqa: PLR1730  # min() takes twice the time
            totals[place] = value


_ADD: Mapping[Kind, Callable[[list[int], _Groups, Column], None]] = {
    Kind.SUM: _sum,
    Kind.MAX: _raise,
    Kind.MIN: _lower,
}


def _count(histograms: list[dict[int, int]], groups: _Groups, samples: Samples) -> None:
    lengths, buckets, counts = samples
    if isinstance(groups, _OneGroup):
        places: Iterable[int] = repeat(groups.place)
        if counts == 1:
            counter = Counter(buckets)
            buckets, counts = list(counter), list(counter.values())
    else:
        places = groups if lengths is None else chain.from_iterable(map(repeat, groups, lengths))
    for place, bucket, number in zip(places, buckets, _each(counts), strict=False):
        histogram = histograms[place]
        histogram[bucket] = histogram.get(bucket, 0) + number
