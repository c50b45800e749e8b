"""Figures: what was counted of some calls, by measure. They add up in any order."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import compress
from typing import TypeAlias, cast

from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.histogram import Histogram
from promptgraph.domain.measures import INT64, MEASURE, MEASURES, Countable, Kind

Value: TypeAlias = int | bytes | str
"""A measure in a column of a rollup."""
Scores: TypeAlias = dict[str, tuple[int, int]]
"""By name: how many scores, and their sum in whole 1e-9, so that a sum does not depend on order."""

_NANO = 1_000_000_000
_ADD: Mapping[Kind, Callable[[int, int], int]] = {Kind.SUM: operator.add, Kind.MAX: max, Kind.MIN: min}
ADD: Mapping[str, Callable[[int, int], int]] = {m.name: _ADD[m.kind] for m in MEASURES if m.kind in _ADD}
"""By measure that is a number: how two values come together."""
BLANK: Mapping[str, int] = {name: int(MEASURE[name].blank) for name in ADD}
"""By measure that is a number: its value when nothing was counted."""
SUMS = frozenset(m.name for m in MEASURES if m.kind is Kind.SUM)
_IS_SUM = tuple(name in SUMS for name in ADD)
_ADDS = tuple(ADD.values())
HISTOGRAMS = tuple(m.name for m in MEASURES if m.kind is Kind.HISTOGRAM)
MAX_SCORES = 100
"""How many names of scores a cell of the rollups keeps apart."""
REST = "(other)"
"""The name of the scores beyond those."""


@dataclass(slots=True)
class Figures:
    """Measures of some calls. `Figures()` holds them all, of no call; those that somebody read may hold
    fewer, and asking for another is a KeyError, never a 0. `tallies` are the scores, None when not read.
    """

    numbers: dict[str, int] = field(default_factory=lambda: dict(BLANK))
    histograms: dict[str, Histogram] = field(default_factory=lambda: {n: Histogram() for n in HISTOGRAMS})
    tallies: Scores | None = field(default_factory=dict)

    @classmethod
    def blank(cls, measures: Iterable[str]) -> Figures:
        """These measures, of no call."""
        return cls.of_values(list(measures := tuple(measures)), [MEASURE[name].blank for name in measures])

    @classmethod
    def of_call(cls, call: Countable) -> Figures:
        """What one call adds."""
        made = cls()
        for measure in MEASURES:
            value = measure.take(call)
            if value is None:
                continue
            if measure.kind is Kind.HISTOGRAM:
                made.histograms[measure.name].add(value)
            else:
                made.numbers[measure.name] = value
        return made

    @classmethod
    def of_score(cls, name: str, before: float | None, after: float | None) -> Figures:
        """What one score of a recorded call adds as it goes from `before` to `after`; None is no value."""
        count = (after is not None) - (before is not None)
        made = cls()
        add_score(made.scores, name, count, _nano(after) - _nano(before))
        return made

    @classmethod
    def of_change(cls, before: Countable, after: Countable) -> Figures:
        """What a correction of one recorded call adds, for instance a new price.

        raises  ValueError  a greatest or least value would change: none can be taken back out of a sum
        """
        was, made = cls.of_call(before), cls.of_call(after)
        for name in ADD.keys() - SUMS:
            if was[name] != made[name]:
                raise ValueError(f"A correction may not change {name}: rebuild the rollups instead.")
            made.numbers[name] = BLANK[name]
        made.add(was.negated())
        return made

    def __getitem__(self, measure: str) -> int:
        return self.numbers[measure]

    @property
    def scores(self) -> Scores:
        """raises  KeyError  these figures do not hold scores"""
        if self.tallies is None:
            raise KeyError(Kind.SCORES.value)
        return self.tallies

    @property
    def measures(self) -> tuple[str, ...]:
        """What these figures hold: numbers, then histograms, then scores."""
        scores = () if self.tallies is None else (Kind.SCORES.value,)
        return (*self.numbers, *self.histograms, *scores)

    def add(self, other: Figures) -> None:
        """Take in `other`, which holds the same measures, or more.

        raises  KeyError  `other` lacks one
        """
        numbers, theirs = self.numbers, other.numbers
        for name, value in numbers.items():
            numbers[name] = ADD[name](value, theirs[name])
        for name, histogram in self.histograms.items():
            histogram.merge(other.histograms[name])
        if self.tallies is not None:
            for name, (count, total) in other.scores.items():
                add_score(self.tallies, name, count, total)

    def copy(self) -> Figures:
        """The same figures, to be added to."""
        return Figures(
            dict(self.numbers),
            {name: Histogram(histogram.buckets) for name, histogram in self.histograms.items()},
            None if self.tallies is None else dict(self.tallies),
        )

    def negated(self) -> Figures:
        """What takes these sums away again. Greatest and least values stay out: none can be taken back."""
        scores = self.tallies
        return Figures(
            {name: -value if name in SUMS else BLANK[name] for name, value in self.numbers.items()},
            {name: histogram.negated() for name, histogram in self.histograms.items()},
            None if scores is None else {name: (-count, -total) for name, (count, total) in scores.items()},
        )

    def values(self) -> list[Value]:
        """The columns of a rollup, in the order of `measures`. A sum beyond 64 bits is kept at the bound.

        raises  InvalidRollupError  a sum or a count is negative
        """
        numbers = [_sound(name, value) for name, value in self.numbers.items()]
        if max(numbers, default=0) > INT64:
            numbers = [min(value, INT64) for value in numbers]
        scores = [] if self.tallies is None else [_scores_text(self.tallies)]
        return [*numbers, *(histogram.to_bytes() for histogram in self.histograms.values()), *scores]

    def added_to(self, stored: Sequence[Value]) -> list[Value]:
        """`stored`, the columns of a rollup for ALL measures, with these figures added. A sum at the bound of
        64 bits stays there: nobody knows what it would be. Columns that nothing is added to stay as they are.

        raises  InvalidRollupError  a stored value is damaged, or a sum would be negative
        """
        size = len(_IS_SUM)
        before = cast("Sequence[int]", stored[:size])  # numbers, then histograms, then scores: ALL
        numbers = [add(old, new) for add, old, new in zip(_ADDS, before, self.numbers.values(), strict=True)]
        if min(compress(numbers, _IS_SUM)) < 0:
            numbers = [_sound(name, value) for name, value in zip(ADD, numbers, strict=True)]
        if max(compress(numbers, _IS_SUM)) >= INT64 or max(compress(before, _IS_SUM)) >= INT64:
            pairs = zip(_IS_SUM, before, numbers, strict=True)
            numbers = [INT64 if is_sum and old == INT64 else min(new, INT64) for is_sum, old, new in pairs]
        data = cast("Sequence[bytes]", stored[size:-1])
        histograms = [each.added_to(old) for each, old in zip(self.histograms.values(), data, strict=True)]
        scores = str(stored[-1])
        if self.scores:
            scores = _scores_text(scores_with(_scores(scores), self.scores))
        return [*numbers, *histograms, scores]

    @classmethod
    def of_values(cls, measures: Sequence[str], values: Iterable[Value]) -> Figures:
        """The inverse of `values`, for these columns in this order.

        raises  InvalidRollupError  a value is damaged, or a sum is negative
        """
        made = cls({}, {}, None)
        for name, value in zip(measures, values, strict=True):
            if isinstance(value, int):
                made.numbers[name] = _sound(name, value)
            elif isinstance(value, str):
                made.tallies = _scores(value)
            else:
                made.histograms[name] = Histogram.from_bytes(value)
        return made


def add_score(scores: Scores, name: str, count: int, total: int) -> None:
    """Add to the score of this name. One that comes to nothing is dropped."""
    old_count, old_total = scores.get(name, (0, 0))
    new = old_count + count, old_total + total
    if any(new):
        scores[name] = new
    else:
        scores.pop(name, None)


def _nano(value: float | None) -> int:
    """Whole 1e-9, half to even, of the decimal number as it is written."""
    return round(Fraction(repr(value or 0)) * _NANO)


def _sound(name: str, value: int) -> int:
    if value < 0 and name in SUMS:
        raise InvalidRollupError(f"The sum {name} is below zero: run `promptgraph rollup rebuild`.")
    return value


def scores_with(kept: Scores, added: Scores) -> Scores:
    """The scores of a cell with these added, those beyond MAX_SCORES names as REST. While there is a rest a
    name stays though it comes to nothing: nobody could say whether its place is that of one in the rest.
    """
    made = dict(kept)
    for name, (count, total) in sorted(added.items()):
        room = name in made or len(made) - (REST in made) < MAX_SCORES
        at = name if room else REST
        old_count, old_total = made.get(at, (0, 0))
        made[at] = old_count + count, old_total + total
    return made if any(made.get(REST, ())) else {name: sums for name, sums in made.items() if any(sums)}


def _scores_text(scores: Scores) -> str:
    """Sums as text: they may pass what a reader of JSON keeps exact."""
    if not scores:
        return ""
    if min(scores.values())[0] < 0:
        raise InvalidRollupError("There are fewer scores than none: run `promptgraph rollup rebuild`.")
    rows = [[name, count, str(total)] for name, (count, total) in sorted(scores.items())]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def _scores(text: str) -> Scores:
    if not text:
        return {}
    try:
        return {str(name): (int(count), int(total)) for name, count, total in json.loads(text)}
    except (ValueError, TypeError) as error:
        raise InvalidRollupError("Stored scores are damaged: run `promptgraph rollup rebuild`.") from error
