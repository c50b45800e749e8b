"""A row of the ledger: a delta as compact JSON, and back.

v        the format
n        how many cells
keys     by field of FineCell: a packed column; of texts [the different ones, which of them each is]
numbers  by measure: a packed column; left out where it is blank in every cell
samples  by histogram: [buckets per cell, buckets, counts], each packed
scores   [place of the cell, name, count, sum as text]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.cells import FineCell
from promptgraph.domain.column import Column, packed, unpacked
from promptgraph.domain.delta import Delta, Keys, Samples, Scored
from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.figures import BLANK, HISTOGRAMS

T = TypeVar("T")
FORMAT = 1
TEXTS = frozenset({"model", "provider", "environment"})


def to_row(delta: Delta) -> JsonObject:
    """What a ledger row stores of `delta`."""
    row: JsonObject = {
        "v": FORMAT,
        "n": delta.size,
        "keys": {name: _packed_keys(name, column) for name, column in delta.keys.items()},
        "numbers": {name: _packed(column) for name, column in delta.numbers.items()},
        "samples": {name: _packed_samples(one) for name, one in delta.samples.items() if one.buckets},
        "scores": [[place, name, times, str(total)] for place, name, times, total in delta.scores],
    }
    return {name: section for name, section in row.items() if section not in ({}, [])}


def from_row(row: JsonObject) -> Delta:
    """The inverse of `to_row`. Columns are read when they are asked for. What another release wrote in
    another way is refused: nothing that is not understood may be left out of a sum.

    raises  InvalidRollupError  `to_row` did not write this; a damaged column says so when it is read
    """
    try:
        return _delta(row)
    except _DAMAGE as error:
        raise InvalidRollupError(_DAMAGED) from error


def _delta(row: JsonObject) -> Delta:
    size = row["n"]
    if row["v"] != FORMAT or type(size) is not int or size < 0:
        raise ValueError(row["v"])
    keys, numbers, samples = (_object(row.get(name, {})) for name in ("keys", "numbers", "samples"))
    known = keys.keys() == (_KEYS if size else set())
    if not known or not numbers.keys() <= BLANK.keys() or not samples.keys() <= _HISTOGRAMS:
        raise KeyError(*keys, *numbers, *samples)
    return Delta(
        size,
        _Columns(keys, lambda name, column: _keys(name, column, size)),
        _Columns(numbers, lambda _, column: unpacked(column, size)),
        _Columns(samples, lambda _, columns: _samples(_list(columns), size)),
        [_score(_list(score), size) for score in _list(row.get("scores", []))],
    )


_KEYS, _HISTOGRAMS = frozenset(FineCell._fields), frozenset(HISTOGRAMS)
_DAMAGE = (KeyError, TypeError, ValueError, IndexError)
_DAMAGED = (
    "A batch of the ledger is damaged, or a newer release wrote it: upgrade, or run"
    " `promptgraph rollup rebuild`."
)


class _Columns(Mapping[str, T]):
    """Columns by name, each read when it is first asked for: most readers need few of them."""

    __slots__ = ("_known", "_packed", "_read")

    def __init__(self, packed: JsonObject, read: Callable[[str, Json], T]) -> None:
        self._packed = packed
        self._read = read
        self._known: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        known = self._known
        if name not in known:
            column = self._packed[name]
            try:
                known[name] = self._read(name, column)
            except _DAMAGE as error:
                raise InvalidRollupError(_DAMAGED) from error
        return known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._packed

    def get(self, name: str, default: Any = None) -> Any:
        """What Mapping.get gives; most names are absent, and an exception for each would cost more."""
        return self[name] if name in self._packed else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def _packed(column: Column) -> Json:
    return column if isinstance(column, int) else packed(column)


def _packed_samples(samples: Samples) -> Json:
    lengths = 1 if samples.lengths is None else packed(samples.lengths)
    return [lengths, packed(samples.buckets), _packed(samples.counts)]


def _packed_keys(name: str, column: Keys) -> Json:
    if name not in TEXTS:
        return _packed(column)  # type: ignore[arg-type]  # a field of numbers
    if isinstance(column, str):
        return [[column], 0]
    texts = sorted({str(text) for text in column})  # type: ignore[union-attr]  # a field of texts
    places = {text: place for place, text in enumerate(texts)}
    return [[*texts], packed([places[str(text)] for text in column])]  # type: ignore[union-attr]  # as above


def _keys(name: str, column: Json, size: int) -> Keys:
    if name not in TEXTS:
        return unpacked(column, size)
    texts, places = _list(column)
    each = unpacked(places, size)
    words = [str(text) for text in _list(texts)]
    return words[each] if isinstance(each, int) else [words[place] for place in each]


def _samples(columns: Sequence[Json], size: int) -> Samples:
    lengths = _listed(unpacked(columns[0], size), size)
    total = sum(lengths)
    buckets, counts = (unpacked(column, total) for column in columns[1:])
    return Samples(None if columns[0] == 1 else lengths, _listed(buckets, total), counts)


def _listed(column: Column, size: int) -> Sequence[int]:
    return [column] * size if isinstance(column, int) else column


def _score(score: Sequence[Json], size: int) -> Scored:
    place, name, times, total = score
    if type(place) is not int or type(times) is not int or not 0 <= place < size:
        raise ValueError(place)
    return Scored(place, str(name), times, int(str(total)))


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value
