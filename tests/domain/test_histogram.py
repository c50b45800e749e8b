"""Histograms: quantiles within 1 %, sums in any order, and a stored form that is strict."""

import math
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.errors import InvalidInputError, InvalidRollupError
from promptgraph.domain.histogram import (
    ALPHA,
    ZERO,
    Histogram,
    bucket_of,
    middle_of,
    nearest_rank,
)

DAY_US = 86_400_000_000
samples = st.lists(st.integers(0, 1_000) | st.integers(0, DAY_US), max_size=60)
shares = st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]) | st.floats(0, 1)


def histogram_of(values: Iterable[int]) -> Histogram:
    """These samples, counted."""
    return Histogram(Counter(map(bucket_of, values)))


histograms = samples.map(histogram_of)


def added(*parts: Histogram) -> Histogram:
    made = Histogram()
    for part in parts:
        made.merge(part)
    return made


@given(samples.filter(bool), shares)
def test_quantile_is_within_one_percent_of_the_sample_at_its_rank(values: list[int], q: float) -> None:
    """The bound holds for each share and any samples, large and small."""
    expected = sorted(values)[max(1, math.ceil(Fraction(str(q)) * len(values))) - 1]
    found = histogram_of(values).quantile(q)
    assert found is not None
    assert abs(found - expected) <= expected * ALPHA * (1 + 1e-9)


@pytest.mark.parametrize("value", [1, 2, 3, 49, 50, 51, 999, 10**6, 10**9, DAY_US])
def test_bucket_is_answered_within_one_percent(value: int) -> None:
    """So is each single sample."""
    assert abs(middle_of(bucket_of(value)) - value) <= value * ALPHA * (1 + 1e-9)


def test_zero_is_exact() -> None:
    """A call that took no measurable time has a bucket of its own, below all others."""
    assert {ZERO: 2} == histogram_of([0, 0]).buckets
    assert histogram_of([0, 0, 5]).quantile(0.5) == 0.0


def test_quantile_of_nothing_is_none() -> None:
    """No samples, no quantile."""
    assert Histogram().quantile(0.5) is None


@pytest.mark.parametrize("q", [-0.01, 1.01, math.nan, math.inf])
def test_refuses_what_is_no_share(q: float) -> None:
    """A quantile is asked for between 0 and 1, of an empty histogram too."""
    with pytest.raises(InvalidInputError, match="from 0 to 1") as caught:
        Histogram().quantile(q)
    assert caught.value.field == "q"


@pytest.mark.parametrize(
    ("q", "count", "rank"),
    [
        pytest.param(0.07, 100, 7, id="as written, not as the double above it"),
        pytest.param(0.95, 20, 19, id="exactly at a rank"),
        pytest.param(0.95, 21, 20, id="rounded up"),
        pytest.param(0, 10, 1, id="at least the first"),
        pytest.param(1, 10, 10, id="at most the last"),
    ],
)
def test_rank_is_the_nearest(q: float, count: int, rank: int) -> None:
    """The share of the count, rounded up."""
    assert rank == nearest_rank(q, count)


@given(histograms, histograms, histograms)
def test_merging_knows_no_order(a: Histogram, b: Histogram, c: Histogram) -> None:
    """It is associative and commutative."""
    assert added(a, b, c) == added(c, added(b, a)) == added(added(a, c), b)


@given(samples, samples)
def test_merging_counts_every_sample(a: list[int], b: list[int]) -> None:
    """A merge is the histogram of all samples."""
    assert histogram_of(a + b) == added(histogram_of(a), histogram_of(b))
    assert len(a + b) == added(histogram_of(a), histogram_of(b)).count


@given(histograms)
def test_taking_away_what_was_added_leaves_nothing(a: Histogram) -> None:
    """No empty bucket stays behind."""
    assert Histogram() == added(a, a.negated())


def test_merging_leaves_the_other_alone() -> None:
    """A sum shares nothing with its parts."""
    part = histogram_of([5])
    total = added(part)
    total.add(7)
    assert histogram_of([5]) == part


def test_quantile_follows_what_is_added_later() -> None:
    """No answer is remembered beyond the next change."""
    histogram = histogram_of([10])
    histogram.quantile(0.5)
    histogram.add(1_000, 10)
    assert histogram.quantile(0.5) == pytest.approx(1_000, rel=0.01)


@given(st.dictionaries(st.integers(-1, 2_000), st.integers(1, 2**63 - 1), max_size=40).map(Histogram))
def test_bytes_return_the_same(histogram: Histogram) -> None:
    """Whatever the counts."""
    assert histogram == Histogram.from_bytes(histogram.to_bytes())


@pytest.mark.parametrize(
    ("buckets", "size"),
    [
        pytest.param({}, 0, id="nothing"),
        pytest.param({700: 255}, 5, id="one bucket"),
        pytest.param(dict.fromkeys(range(600, 800), 9), 4 + 199 + 200, id="two bytes a bucket"),
    ],
)
def test_bytes_are_few(buckets: dict[int, int], size: int) -> None:
    """A header, and two bytes for most buckets."""
    assert size == len(Histogram(buckets).to_bytes())


def test_negative_counts_are_not_stored() -> None:
    """They are for deltas; in a rollup they would be a mistake that spreads."""
    with pytest.raises(InvalidRollupError, match="rollup rebuild"):
        Histogram({5: -1}).to_bytes()


GOOD = Histogram({600: 300, 610: 2}).to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x01", id="no header"),
        pytest.param(b"\x02" + GOOD[1:], id="another version"),
        pytest.param(GOOD[:1] + b"\x33" + GOOD[2:], id="unknown widths"),
        pytest.param(GOOD[:1] + b"\x00" + GOOD[2:], id="no widths"),
        pytest.param(GOOD[:-1], id="cut off"),
        pytest.param(GOOD + b"\x00", id="too long"),
        pytest.param(GOOD[:4], id="nothing but a header"),
        pytest.param(GOOD[:4] + b"\x00" + GOOD[5:], id="a gap of none"),
        pytest.param(GOOD[:-2] + b"\x00\x00", id="a count of none"),
    ],
)
def test_damaged_bytes_are_refused(data: bytes) -> None:
    """They raise, with what to do, and are never read as other figures."""
    with pytest.raises(InvalidRollupError, match="rollup rebuild"):
        Histogram.from_bytes(data)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing else happens, and what is read counts something in each bucket."""
    try:
        histogram = Histogram.from_bytes(data)
    except InvalidRollupError:
        return
    assert all(count > 0 for count in histogram.buckets.values())
