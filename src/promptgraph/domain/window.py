"""Windows: half-open intervals of time, in UTC."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from promptgraph.domain.errors import InvalidInputError

DEFAULT_SPAN = dt.timedelta(days=7)
"""What a series shows when nobody says since when."""

# ISO 8601-1, 5.5.2: whole numbers, the largest unit first, at least one
_DURATION = re.compile(
    r"P(?=[0-9]|T[0-9])(?:([0-9]{1,6})Y)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,8})M)?(?:([0-9]{1,9})S)?)?"
)


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` up to, but without, `until`: aware instants; None is without end on that side."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None

    @classmethod
    def of(
        cls,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        last: str | None = None,
        *,
        now: dt.datetime,
        field: str = "window",
    ) -> Window:
        """The window that somebody asks for. `last` is a duration that ends at `until`, or now; none of the
        three is all time.

        raises  InvalidInputError  no zone, nothing between the two ends, no duration, or since beside last;
                                   `field` is what holds the three
        """
        since, until = _in_utc(since, f"{field}.since"), _in_utc(until, f"{field}.until")
        if last is not None:
            if since is not None:
                raise InvalidInputError("Give since or last, not both.", field=f"{field}.last")
            until = until or now.astimezone(dt.UTC)
            since = before(until, last, field=f"{field}.last")
        if since is not None and until is not None and until <= since:
            raise InvalidInputError("until must be later than since.", field=f"{field}.until")
        return cls(since, until)

    def bounded(self, now: dt.datetime, *, field: str = "window") -> Window:
        """The same with both ends, for a series: it ends now unless it says when, and begins 7 days earlier.

        raises  InvalidInputError  it begins in the future and says no end
        """
        until = self.until or now.astimezone(dt.UTC)
        since = self.since or _shifted(until, -DEFAULT_SPAN, field=f"{field}.until")
        if until <= since:
            raise InvalidInputError("since is in the future: give until too.", field=f"{field}.until")
        return Window(since, until)


def before(at: dt.datetime, duration: str, *, field: str) -> dt.datetime:
    """The instant that lies an ISO 8601 duration before `at`. A month earlier is the same day of the month in
    UTC, or the month's last.

    raises  InvalidInputError  no such duration, none at all, or one that leaves the calendar
    """
    found = _DURATION.fullmatch(duration)
    if not found:
        raise InvalidInputError(
            "A duration is ISO 8601 in whole numbers, e.g. P7D, PT1H, P1M or P1DT12H.", field=field
        )
    years, months, weeks, days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    span = dt.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not span and not years and not months:
        raise InvalidInputError("The duration is empty: give at least a second, PT1S.", field=field)
    return _shifted(_months_before(at, years * 12 + months, field=field), -span, field=field)


def _months_before(at: dt.datetime, months: int, *, field: str) -> dt.datetime:
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    if year < dt.MINYEAR:
        raise _outside(field)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)


def _shifted(at: dt.datetime, by: dt.timedelta, *, field: str) -> dt.datetime:
    try:
        return at + by
    except OverflowError as error:
        raise _outside(field) from error


def _in_utc(at: dt.datetime | None, field: str) -> dt.datetime | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise InvalidInputError("A time needs its zone, e.g. 2026-11-22T10:00:00Z.", field=field)
    try:
        return at.astimezone(dt.UTC)
    except OverflowError as error:
        raise _outside(field) from error


def _outside(field: str) -> InvalidInputError:
    return InvalidInputError("This leaves the calendar, which has the years 1 to 9999.", field=field)
