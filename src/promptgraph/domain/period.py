"""UTC hours and days as whole numbers since 1970-01-01, and instants as whole microseconds: what rollups are
keyed by.
"""

from __future__ import annotations

import datetime as dt

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_HOURS = 24
DAY_US = DAY_HOURS * HOUR_US


def micros_of(at: dt.datetime) -> int:
    """Microseconds from 1970 to an aware instant, exact; negative before."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


def instant_of(micros: int) -> dt.datetime:
    """The inverse of `micros_of`, in UTC.

    raises  OverflowError  outside the years 1 to 9999
    """
    return EPOCH + dt.timedelta(microseconds=micros)


def hour_of(at: dt.datetime) -> int:
    """The UTC hour that an aware instant lies in, counted from 1970."""
    since = at - EPOCH
    return since.days * DAY_HOURS + since.seconds // 3_600
