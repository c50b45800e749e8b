"""Durations counted in logarithmic buckets, so that quantiles of any sum of them are known within 1 %.

Bucket `i` holds the whole microseconds above g**(i-1) up to g**i, where g = (1 + a) / (1 - a), a = 0.01. It
is answered by its middle 2 * g**i / (g + 1), which is within a of every value in it. Zero has its own bucket.

source  DDSketch (Masson, Rim, Lee: VLDB 2019), section 2
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from operator import sub

from promptgraph.domain.errors import InvalidInputError, InvalidRollupError

ALPHA = 0.01
GAMMA = (1 + ALPHA) / (1 - ALPHA)
ZERO = -1
"""The bucket of 0."""

_LOG_GAMMA = math.log(GAMMA)
_VERSION = 1
_HEADER = struct.Struct("<BBh")  # version, the widths of a gap and of a count (4 bits each), the first bucket
_CODES: Mapping[int, str] = {1: "B", 2: "H", 4: "I", 8: "Q"}  # bytes of a number, and what struct calls it
_WIDTHS = {gap << 4 | count: (gap, count) for gap in _CODES for count in _CODES}
_BYTES = 1 << 4 | 1


def bucket_of(value: int) -> int:
    """The bucket that counts `value`.

    units  whole microseconds, 0 or more
    """
    return math.ceil(math.log(value) / _LOG_GAMMA) if value else ZERO


def middle_of(bucket: int) -> float:
    """What a bucket is answered by, in microseconds."""
    return 0.0 if bucket == ZERO else float(2 * GAMMA**bucket / (GAMMA + 1))


def nearest_rank(q: float, count: int) -> int:
    """Which of `count` samples in order is the quantile `q`: ⌈q·count⌉, at least the first. `q` is taken as
    the decimal that it is written as, so 0.07 of 100 is the 7th.

    raises  InvalidInputError  `q` is not within 0 to 1
    """
    if not 0 <= q <= 1:
        raise InvalidInputError("A quantile is a number from 0 to 1, e.g. 0.95.", field="q")
    return max(1, math.ceil(_as_written(q) * count))


@lru_cache(maxsize=256)
def _as_written(q: float) -> Fraction:
    return Fraction(str(q))


class Histogram:
    """How many samples lie in each bucket; none is 0. In a delta a count may be negative, in a sum never."""

    __slots__ = ("_order", "buckets")

    def __init__(self, buckets: Mapping[int, int] | None = None) -> None:
        self.buckets: dict[int, int] = dict(buckets) if buckets else {}
        if buckets and 0 in self.buckets.values():
            self.buckets = {bucket: count for bucket, count in buckets.items() if count}
        self._order: tuple[list[int], list[int]] | None = None

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    def add(self, value: int, count: int = 1) -> None:
        self.merge({bucket_of(value): count})

    def merge(self, other: Histogram | Mapping[int, int]) -> None:
        """Take in the counts of `other`."""
        theirs = other.buckets if isinstance(other, Histogram) else other
        self._order = None
        mine = self.buckets
        if not mine and isinstance(other, Histogram):
            mine.update(theirs)
            return
        for bucket, count in theirs.items():
            total = mine.get(bucket, 0) + count
            if total:
                mine[bucket] = total
            else:
                mine.pop(bucket, None)

    def negated(self) -> Histogram:
        """What takes these samples away again."""
        return Histogram({bucket: -count for bucket, count in self.buckets.items()})

    def quantile(self, q: float) -> float | None:
        """Within 1 % of the sample at the nearest rank; None of no samples.

        units   microseconds
        raises  InvalidInputError  `q` is not within 0 to 1
        """
        buckets, ranks = self._order or self._ranked()
        rank = nearest_rank(q, ranks[-1] if ranks else 0)
        return middle_of(buckets[bisect_left(ranks, rank)]) if ranks else None

    def _ranked(self) -> tuple[list[int], list[int]]:
        """The buckets in order, and the rank of the last sample in each."""
        buckets = sorted(self.buckets)
        self._order = buckets, list(accumulate(map(self.buckets.__getitem__, buckets)))
        return self._order

    def to_bytes(self) -> bytes:
        """The stored form of a sum: a header, the gaps between its buckets, the counts. Empty: no bytes.

        raises  InvalidRollupError  a count is negative
        """
        if not self.buckets:
            return b""
        buckets = sorted(self.buckets)
        counts = list(map(self.buckets.__getitem__, buckets))
        if min(counts) < 0:
            raise InvalidRollupError("A histogram holds less than nothing: run `promptgraph rollup rebuild`.")
        gaps = list(map(sub, buckets[1:], buckets))
        gap, count = _width(gaps), _width(counts)
        head = _HEADER.pack(_VERSION, gap << 4 | count, buckets[0])
        return head + _packed(gaps, gap) + _packed(counts, count)

    def added_to(self, data: bytes) -> bytes:
        """The stored form of a sum with these samples added.

        raises  InvalidRollupError  `to_bytes` did not write `data`, or a count would be negative
        """
        if not self.buckets:
            return data
        if not data:
            return self.to_bytes()
        made = Histogram.from_bytes(data)
        made.merge(self)
        return made.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Histogram:
        """The inverse of `to_bytes`.

        raises  InvalidRollupError  `to_bytes` did not write this
        """
        made = cls()
        if data:
            first, gaps, counts = _parsed(data)
            made.buckets = dict(zip(accumulate(gaps, initial=first), counts, strict=True))
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.buckets == other.buckets

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Histogram({dict(sorted(self.buckets.items()))})"


def _width(numbers: Sequence[int]) -> int:
    """The least bytes that hold each of them, as a power of two."""
    needed = (max(numbers, default=0).bit_length() + 7) // 8
    return 1 << max(needed - 1, 0).bit_length()


def _packed(numbers: Sequence[int], width: int) -> bytes:
    return bytes(numbers) if width == 1 else struct.pack(f"<{len(numbers)}{_CODES[width]}", *numbers)


def _parsed(data: bytes) -> tuple[int, Sequence[int], Sequence[int]]:
    """The first bucket, the gaps after it, the counts."""
    try:
        version, widths, first = _HEADER.unpack_from(data)
        gap, count = _WIDTHS[widths]
        size, rest = divmod(len(data) - _HEADER.size + gap, gap + count)
        edge = _HEADER.size + gap * (size - 1)
        gaps: Sequence[int] = data[_HEADER.size : edge]
        counts: Sequence[int] = data[edge:]
        if widths != _BYTES:
            gaps = struct.unpack(f"<{size - 1}{_CODES[gap]}", data[_HEADER.size : edge])
            counts = struct.unpack(f"<{size}{_CODES[count]}", data[edge:])
    except (struct.error, KeyError) as error:
        raise InvalidRollupError(_DAMAGED) from error
    if version != _VERSION or size < 1 or rest or 0 in gaps or 0 in counts:
        raise InvalidRollupError(_DAMAGED)
    return first, gaps, counts


_DAMAGED = "A stored histogram is damaged: run `promptgraph rollup rebuild`."
