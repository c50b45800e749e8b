"""How long calls are kept: ages as they are written, and days of UTC."""

from __future__ import annotations

import datetime as dt

import pytest

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.retention import LEAST_DAYS, MOST_DAYS, OUTBOX_DAYS, days_of, kept_from, start_of

NOW = dt.datetime(2026, 5, 1, 23, 59, 59, 999_999, tzinfo=dt.UTC)


@pytest.mark.parametrize(("age", "days"), [("8d", 8), ("90d", 90), ("007300d", 7300), ("36500d", 36500)])
def test_age_is_whole_days(age: str, days: int) -> None:
    """As many as are written."""
    assert days == days_of(age, field="older-than")


NONSENSE = [
    "",
    "d",
    "90",
    "90D",
    "90 d",
    " 90d",
    "90d\n",
    "-90d",
    "+90d",
    "9.5d",
    "1e2d",
    "P90D",
    "\uff19\uff10d",
    "90dd",
    "90h",
]


@pytest.mark.parametrize("age", [*NONSENSE, "9" * 5_000 + "d"], ids=lambda age: repr(age[:8]))
def test_nonsense_is_no_age(age: str) -> None:
    """The sentence shows what an age looks like."""
    with pytest.raises(InvalidInputError, match="is no age: write whole days, as 90d"):
        days_of(age, field="older-than")


@pytest.mark.parametrize("age", ["0d", "1d", "7d", "36501d", "999999999d"])
def test_age_has_bounds(age: str) -> None:
    """What an outbox may still deliver is never too old, and no age leaves the calendar."""
    with pytest.raises(InvalidInputError, match=f"{LEAST_DAYS} to {MOST_DAYS} days") as caught:
        days_of(age, field="older-than")
    assert "older-than" == caught.value.field
    assert OUTBOX_DAYS < LEAST_DAYS


def test_whole_days_are_kept() -> None:
    """Up to a day more than was asked for, never less; the longest age is a date of the calendar."""
    assert dt.datetime(2026, 4, 23, tzinfo=dt.UTC) == start_of(kept_from(NOW, 8))
    assert dt.datetime(2026, 4, 24, tzinfo=dt.UTC) == start_of(
        kept_from(NOW + dt.timedelta(microseconds=1), 8)
    )
    assert 1926 == start_of(kept_from(NOW, MOST_DAYS)).year
