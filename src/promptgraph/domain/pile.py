"""Deltas laid end to end, so that many small ones are added up as one large one."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, repeat
from typing import NamedTuple, TypeAlias, cast

from promptgraph.domain.column import Column
from promptgraph.domain.delta import Delta, Keys, Samples, Scored
from promptgraph.domain.figures import BLANK, HISTOGRAMS
from promptgraph.domain.measures import ALL, Kind

Where: TypeAlias = Mapping[str, Container[object]]
"""Which cells: by column, the values that it may have. Columns are the fields of FineCell, and `day`."""

ANYWHERE: Where = {}
PILE_CELLS = 50_000
"""So many cells are laid end to end at once, that of many the memory is bounded."""


class _Part(NamedTuple):
    """The chosen cells of a delta: `chosen` are their places, None when all are."""

    delta: Delta
    chosen: Sequence[int] | None
    size: int


def piles(
    deltas: Iterable[Delta], keys: Collection[str], where: Where = ANYWHERE, measures: Container[str] = ALL
) -> Iterator[Delta]:
    """The cells that `where` allows, with these columns and measures, in few large deltas.

    keys  columns of FineCell, and `day`
    """
    parts: list[_Part] = []
    held = 0
    for delta in deltas:
        chosen = _chosen(delta, where) if where else None
        size = delta.size if chosen is None else len(chosen)
        if size:
            parts.append(_Part(delta, chosen, size))
            held += size
        if held >= PILE_CELLS:
            yield _laid(parts, keys, measures)
            parts, held = [], 0
    if parts:
        yield _laid(parts, keys, measures)


def _chosen(delta: Delta, where: Where) -> Sequence[int] | None:
    chosen: Sequence[int] | None = None
    for name, wanted in where.items() if delta.size else ():
        column = delta.column(name)
        if isinstance(column, int | str):
            if column not in wanted:
                return ()
            continue
        fitting = {value for value in set(column) if value in wanted}
        if not fitting:
            return ()
        places = range(delta.size) if chosen is None else chosen
        chosen = [place for place in places if column[place] in fitting]
    return chosen


def _laid(parts: Sequence[_Part], keys: Collection[str], measures: Container[str]) -> Delta:
    if len(parts) == 1 and parts[0].chosen is None:
        return parts[0].delta
    numbers = {name: _numbers(parts, name) for name in BLANK if name in measures}
    samples = {name: _samples(parts, name) for name in HISTOGRAMS if name in measures}
    return Delta(
        sum(part.size for part in parts),
        {name: _keys(parts, name) for name in keys},
        {name: column for name, column in numbers.items() if column is not None},
        {name: one for name, one in samples.items() if one is not None},
        list(_scores(parts)) if Kind.SCORES in measures else (),
    )


def _keys(parts: Sequence[_Part], name: str) -> Keys:
    return _chained([(_picked(part.delta.column(name), part.chosen), part.size) for part in parts])


def _numbers(parts: Sequence[_Part], name: str) -> Column | None:
    """None where no cell has it."""
    columns = [part.delta.numbers.get(name) for part in parts]
    if columns.count(None) == len(columns):
        return None
    picked = [
        (BLANK[name] if column is None else _picked(column, part.chosen), part.size)
        for column, part in zip(columns, parts, strict=True)
    ]
    return cast("Column", _chained(picked))


def _samples(parts: Sequence[_Part], name: str) -> Samples | None:
    """None where no cell has any."""
    found = [part.delta.samples.get(name) for part in parts]
    if found.count(None) == len(found):
        return None
    picked = [
        Samples([0] * part.size, (), 1) if one is None else _picked_samples(one, part.chosen)
        for one, part in zip(found, parts, strict=True)
    ]
    lengths = [
        (1 if one.lengths is None else one.lengths, part.size)
        for one, part in zip(picked, parts, strict=True)
    ]
    return Samples(
        None if all(one.lengths is None for one in picked) else cast("Sequence[int]", _listed(lengths)),
        list(chain.from_iterable(one.buckets for one in picked)),
        cast("Column", _chained([(one.counts, len(one.buckets)) for one in picked])),
    )


def _picked_samples(samples: Samples, chosen: Sequence[int] | None) -> Samples:
    if chosen is None:
        return samples
    lengths, buckets, counts = samples
    if lengths is None:
        return Samples(None, [buckets[place] for place in chosen], _picked_counts(counts, chosen))
    ends = list(accumulate(lengths))
    entries = [entry for place in chosen for entry in range(ends[place] - lengths[place], ends[place])]
    picked = [lengths[place] for place in chosen]
    return Samples(picked, [buckets[entry] for entry in entries], _picked_counts(counts, entries))


def _picked_counts(counts: Column, chosen: Sequence[int]) -> Column:
    return counts if isinstance(counts, int) else [counts[place] for place in chosen]


def _scores(parts: Sequence[_Part]) -> Iterator[Scored]:
    start = 0
    for delta, chosen, size in parts:
        if delta.scores:
            ranks = {place: start + rank for rank, place in enumerate(chosen or range(size))}
            yield from (
                each._replace(place=ranks[each.place]) for each in delta.scores if each.place in ranks
            )
        start += size


def _picked(column: Keys, chosen: Sequence[int] | None) -> Keys:
    """The values of the chosen cells."""
    if chosen is None or isinstance(column, int | str):
        return column
    return [column[place] for place in chosen]


def _chained(columns: Sequence[tuple[Keys, int]]) -> Keys:
    """Columns of so many values each as one; the one value that all have where it is one."""
    first = columns[0][0]
    if isinstance(first, int | str) and all(column == first for column, _ in columns):
        return first
    return _listed(columns)


def _listed(columns: Sequence[tuple[Keys, int]]) -> Sequence[int | str]:
    made: list[int | str] = []
    for column, size in columns:
        made.extend(repeat(column, size) if isinstance(column, int | str) else column)
    return made
