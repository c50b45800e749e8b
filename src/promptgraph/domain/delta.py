"""What a commit adds to the figures, by fine cell.

Held column by column: whoever reads many of them pays per column rather than per cell, and most columns are
one value (the hour, an environment, no errors).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from promptgraph.domain.cells import FineCell, fine_cell
from promptgraph.domain.column import Column
from promptgraph.domain.figures import BLANK, HISTOGRAMS, Figures
from promptgraph.domain.histogram import Histogram, bucket_of
from promptgraph.domain.measures import MEASURE, Countable
from promptgraph.domain.period import DAY_HOURS

DAY = "day"
"""A column beyond the fields of FineCell: the UTC day of the hour."""

Keys: TypeAlias = int | str | Sequence[int | str]
"""A field of the cells: a value per cell, or the one value that all have."""


class Samples(NamedTuple):
    """Histograms of cells, end to end: how many buckets each has (None: one), then buckets and counts."""

    lengths: Sequence[int] | None
    buckets: Sequence[int]
    counts: Column


class Scored(NamedTuple):
    """What the cell at this place adds to a score; the sum in whole 1e-9."""

    place: int
    name: str
    times: int
    total: int


@dataclass(frozen=True, slots=True)
class Delta:
    """Figures of `size` cells. A cell may stand there twice, then both count. A number that is not there is
    blank in every cell, a histogram empty. Counts and sums may be negative.
    """

    size: int = 0
    keys: Mapping[str, Keys] = field(default_factory=dict)
    numbers: Mapping[str, Column] = field(default_factory=dict)
    samples: Mapping[str, Samples] = field(default_factory=dict)
    scores: Sequence[Scored] = ()

    @classmethod
    def of_calls(cls, calls: Sequence[Countable]) -> Delta:
        """What recording these calls adds: an entry per call."""
        taken = {take: list(map(take, calls)) for take in _TAKES}
        return cls(
            len(calls),
            _keys([fine_cell(call) for call in calls]),
            _present({name: _filled(taken[MEASURE[name].take], blank) for name, blank in BLANK.items()}),
            {name: _sampled(taken[MEASURE[name].take]) for name in HISTOGRAMS},
        )

    @classmethod
    def of_cells(cls, cells: Mapping[FineCell, Figures]) -> Delta:
        """These figures, which hold every measure: an entry per cell."""
        figures = list(cells.values())
        return cls(
            len(cells),
            _keys(list(cells)),
            _present({name: [each.numbers[name] for each in figures] for name in BLANK}),
            {name: _joined([each.histograms[name] for each in figures]) for name in HISTOGRAMS},
            [
                Scored(place, name, count, total)
                for place, each in enumerate(figures)
                for name, (count, total) in each.scores.items()
            ],
        )

    def column(self, name: str) -> Keys:
        """A field of the cells, or their `day`."""
        if name in self.keys or name != DAY:
            return self.keys[name]
        hours = self.keys["hour"]
        return hours // DAY_HOURS if isinstance(hours, int) else [int(hour) // DAY_HOURS for hour in hours]


_TAKES = frozenset(MEASURE[name].take for name in (*BLANK, *HISTOGRAMS))


def _keys(cells: Sequence[FineCell]) -> dict[str, Keys]:
    return dict(zip(FineCell._fields, zip(*cells, strict=True), strict=True)) if cells else {}


def _filled(values: list[int | None], blank: int) -> list[int]:
    return [blank if value is None else value for value in values]


def _present(numbers: Mapping[str, list[int]]) -> dict[str, Column]:
    """Without the columns that are blank in every cell."""
    return {name: column for name, column in numbers.items() if column.count(BLANK[name]) < len(column)}


def _sampled(values: Sequence[int | None]) -> Samples:
    """One sample per value that is there."""
    buckets = [bucket_of(value) for value in values if value is not None]
    return Samples(None if None not in values else [0 if v is None else 1 for v in values], buckets, 1)


def _joined(histograms: Sequence[Histogram]) -> Samples:
    counted = [histogram.buckets for histogram in histograms]
    return Samples(
        [len(buckets) for buckets in counted],
        [bucket for buckets in counted for bucket in buckets],
        [count for buckets in counted for count in buckets.values()],
    )
