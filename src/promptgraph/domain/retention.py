"""How long calls are kept: whole days of UTC, so that what is left of a day is its figures or all of it."""

from __future__ import annotations

import datetime as dt
import re

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.period import DAY_US, instant_of, micros_of

OUTBOX_DAYS = 7
"""How long a client's outbox tries to deliver a call."""
LEAST_DAYS = OUTBOX_DAYS + 1
"""So that nothing which an outbox still delivers is too old."""
MOST_DAYS = 36_500

_AGE = re.compile("([0-9]{1,9})d", re.ASCII)


def days_of(age: str, *, field: str) -> int:
    """The days of an age as it is written, e.g. `90d`.

    raises  InvalidInputError  no such age, or one that is too short or too long
    """
    found = _AGE.fullmatch(age)
    if not found:
        raise InvalidInputError(f"{age!r} is no age: write whole days, as 90d.", field=field)
    days = int(found[1])
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise InvalidInputError(
            f"Calls are kept for {LEAST_DAYS} to {MOST_DAYS} days; clients may deliver them for"
            f" {OUTBOX_DAYS}. This is {days}.",
            field=field,
        )
    return days


def kept_from(now: dt.datetime, days: int) -> int:
    """The first UTC day that is kept of the last so many days, counted from 1970."""
    return micros_of(now) // DAY_US - days


def start_of(day: int) -> dt.datetime:
    """When a UTC day begins that is counted from 1970."""
    return instant_of(day * DAY_US)
