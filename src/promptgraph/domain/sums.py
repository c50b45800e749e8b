"""Deltas added up: by any of their columns for a reader, into the cells of the rollups for the fold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, count, repeat
from typing import NamedTuple, TypeAlias

from promptgraph.domain.cells import SCOPES, CellKey, FineCell, Level, cell_key
from promptgraph.domain.column import Column
from promptgraph.domain.delta import DAY, Delta, Keys, Samples
from promptgraph.domain.figures import BLANK, HISTOGRAMS, Figures, Scores, add_score
from promptgraph.domain.histogram import Histogram
from promptgraph.domain.measures import ALL, MEASURE, Kind

Key: TypeAlias = tuple[int | str, ...]
Where: TypeAlias = Mapping[str, Container[object]]
"""Which cells: by column, the values that it may have. Columns are the fields of FineCell, and `day`."""

ANYWHERE: Where = {}
_PERIOD: Mapping[Level, str] = {Level.DAY: DAY, Level.HOUR: "hour"}


def summed(
    deltas: Iterable[Delta], by: Sequence[str] = (), where: Where = ANYWHERE, measures: Iterable[str] = ALL
) -> dict[Key, Figures]:
    """These measures of the cells that `where` allows, one Figures per combination of the columns `by`.

    keys     columns of FineCell, and `day`
    returns  by the values of those columns; a combination that no cell has is absent
    """
    sums = _Sums(frozenset(measures))
    for delta in deltas:
        sums.take(delta, by, where)
    return sums.figures()


def cells_in(delta: Delta) -> dict[FineCell, Figures]:
    """The figures of a delta by cell, each cell once."""
    return {FineCell._make(key): figures for key, figures in summed([delta], FineCell._fields).items()}


def compacted(delta: Delta) -> Delta:
    """The same figures with each cell once, where that makes at most half of the entries; else as it is."""
    different = set(_rows(delta, FineCell._fields, None))
    return delta if len(different) * 2 > delta.size else Delta.of_cells(cells_in(delta))


def rolled_up(deltas: Sequence[Delta]) -> dict[CellKey, Figures]:
    """What these deltas add to each cell of the rollups, as `cells.cells_of` says for every call in them."""
    cells: defaultdict[CellKey, Figures] = defaultdict(Figures)
    for scope, kept in SCOPES.items():
        *coarser, finest = kept.levels
        for (period, *values), figures in summed(deltas, (_PERIOD[finest], *kept.dimensions)).items():
            at = cell_key(scope, finest, int(period), dict(zip(kept.dimensions, values, strict=True)))
            cells[at] = figures
            for level in coarser:
                cells[at._replace(level=level, period=level.period_of(at.period))].add(figures)
    return dict(cells)


class _OneGroup(NamedTuple):
    """All chosen cells of a delta belong to the group at this place, and there are so many."""

    place: int
    size: int


_Groups: TypeAlias = _OneGroup | list[int]
"""The place of the group that each chosen cell belongs to."""
_Chosen: TypeAlias = Sequence[int] | None
"""The places of the chosen cells; None when all are."""


class _Sums:
    """Totals of groups: each measure is a list with a total for each group."""

    def __init__(self, measures: Container[str]) -> None:
        self.places: dict[Key, int] = {}
        self.numbers: dict[str, list[int]] = {name: [] for name in BLANK if name in measures}
        self.histograms: dict[str, list[dict[int, int]]] = {n: [] for n in HISTOGRAMS if n in measures}
        self.scores: list[Scores] | None = [] if Kind.SCORES in measures else None

    def take(self, delta: Delta, by: Sequence[str], where: Where) -> None:
        """Add the cells of `delta` that `where` allows."""
        chosen = _chosen(delta, where)
        if not delta.size or chosen == []:
            return
        groups = self._groups(delta, by, chosen)
        for name, totals in self.numbers.items():
            column = delta.numbers.get(name)
            if column is not None:
                _ADD[MEASURE[name].kind](totals, groups, _picked(column, chosen))
        for name, histograms in self.histograms.items():
            if name in delta.samples:
                _count(histograms, groups, _picked_samples(delta.samples[name], chosen))
        if self.scores is not None and delta.scores:
            _score(self.scores, groups, delta, chosen)

    def _groups(self, delta: Delta, by: Sequence[str], chosen: _Chosen) -> _Groups:
        if all(isinstance(delta.column(name), int | str) for name in by):
            key = next(_rows(delta, by, chosen))
            self._open([key])
            return _OneGroup(self.places[key], len(_places(delta, chosen)))
        keys = list(_rows(delta, by, chosen))
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


def _chosen(delta: Delta, where: Where) -> _Chosen:
    chosen: _Chosen = None
    for name, wanted in where.items() if delta.size else ():
        column = delta.column(name)
        values = {column} if isinstance(column, int | str) else set(column)
        fitting = {value for value in values if value in wanted}
        if not fitting:
            return []
        if fitting != values and not isinstance(column, int | str):
            chosen = [place for place in _places(delta, chosen) if column[place] in fitting]
    return chosen


def _places(delta: Delta, chosen: _Chosen) -> Sequence[int]:
    return range(delta.size) if chosen is None else chosen


def _picked(column: Column, chosen: _Chosen) -> Column:
    """The values of the chosen cells."""
    if chosen is None or isinstance(column, int):
        return column
    return [column[place] for place in chosen]


def _rows(delta: Delta, by: Sequence[str], chosen: _Chosen) -> Iterator[Key]:
    """What the chosen cells have in these columns."""
    size = len(_places(delta, chosen))
    columns = [_picked_keys(delta.column(name), chosen, size) for name in by] if size else []
    return zip(*columns, strict=True) if columns else repeat((), size)


def _picked_keys(column: Keys, chosen: _Chosen, size: int) -> Iterable[int | str]:
    if isinstance(column, int | str):
        return repeat(column, size)
    return column if chosen is None else [column[place] for place in chosen]


def _each(column: Column) -> Iterable[int]:
    return repeat(column) if isinstance(column, int) else column


def _picked_samples(samples: Samples, chosen: _Chosen) -> Samples:
    if chosen is None:
        return samples
    lengths, buckets, counts = samples
    if lengths is None:
        return Samples(None, [buckets[place] for place in chosen], _picked(counts, chosen))
    ends = list(accumulate(lengths))
    entries = [entry for place in chosen for entry in range(ends[place] - lengths[place], ends[place])]
    picked = [lengths[place] for place in chosen]
    return Samples(picked, [buckets[entry] for entry in entries], _picked(counts, entries))


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


def _score(scores: list[Scores], groups: _Groups, delta: Delta, chosen: _Chosen) -> None:
    ranks = {place: rank for rank, place in enumerate(_places(delta, chosen))}
    for place, name, times, total in delta.scores:
        if place in ranks:
            group = groups.place if isinstance(groups, _OneGroup) else groups[ranks[place]]
            add_score(scores[group], name, times, total)
