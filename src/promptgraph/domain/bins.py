"""Bins: the steps of a series, hours to months as a time zone has them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from promptgraph.domain.errors import InvalidInputError, TooManyRowsError
from promptgraph.domain.period import DAY_US, HOUR_US, instant_of, micros_of
from promptgraph.domain.window import Window

MAX_BINS = 10_000
MAX_ZONE = 64
FIRST_YEAR, LAST_YEAR = 2, 9998
"""What a series may touch: the years that every zone has whole."""

_ZONE = re.compile(
    r"(?!right/|posix/|localtime$|posixrules$|Factory$)[A-Za-z][\w+-]*(/[\w+-]+){0,2}", re.ASCII
)


class Bin(StrEnum):
    """How long a step is. Weeks begin on Monday, and a day at the first instant of its date in the zone."""

    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"

    def next(self, at: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
        """Where the first bin begins after an aware instant, in UTC."""
        if self is Bin.HOUR:
            return next(start for start in _hours_after(at, zone) if start > at)
        date = _FIRST[self](at.astimezone(zone).date())
        return next(start for start in _dates_after(self, date, zone) if start > at)


def zone_named(name: str, *, field: str = "timeZone") -> dt.tzinfo:
    """The time zone of an IANA name.

    raises  InvalidInputError  there is none
    """
    if name == "UTC":
        return dt.UTC
    try:
        if len(name) <= MAX_ZONE and _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    raise InvalidInputError(
        "No such time zone; names are those of IANA, e.g. Europe/Berlin or UTC.", field=field
    )


def bins(window: Window, step: Bin, zone: dt.tzinfo) -> list[Window]:
    """The bins that make up a window, which has both ends; the first and the last are cut to it.

    raises  TooManyRowsError, InvalidInputError  as `edges`
    """
    return [
        Window(instant_of(since), instant_of(until)) for since, until in pairwise(edges(window, step, zone))
    ]


def edges(window: Window, step: Bin, zone: dt.tzinfo) -> list[int]:
    """Where the bins of a window begin, and where the last one ends: one more than there are bins.

    units   microseconds since 1970
    raises  TooManyRowsError   more than 10 000 bins
            InvalidInputError  the window has an open end, or is at the very edge of the calendar
    """
    if window.since is None or window.until is None:
        raise InvalidInputError("A series needs a window with both ends.", field="window")
    if window.since.year < FIRST_YEAR or window.until.year > LAST_YEAR:
        raise InvalidInputError(
            f"A series lies within the years {FIRST_YEAR} to {LAST_YEAR}.", field="window"
        )
    since, until = micros_of(window.since), micros_of(window.until)
    if (until - since) // _USUAL[step] > MAX_BINS + 1:
        raise _too_many(step)
    offset = zone.utcoffset(None)
    if offset is not None and step is not Bin.MONTH:
        inner = _regular(since, until, step, offset)
    else:
        inner = [micros_of(at) for at in _starts(window.since, window.until, step, zone)]
    if len(inner) >= MAX_BINS:
        raise _too_many(step)
    return [since, *inner, until]


_USUAL: Mapping[Bin, int] = {Bin.HOUR: HOUR_US, Bin.DAY: DAY_US, Bin.WEEK: 7 * DAY_US, Bin.MONTH: 31 * DAY_US}
_MONDAY = -3 * DAY_US
"""The Monday before 1970."""


def _too_many(step: Bin) -> TooManyRowsError:
    return TooManyRowsError(
        f"That is more than {MAX_BINS} bins: ask for a shorter window, or for longer bins than {step}.",
        limit=MAX_BINS,
        field="bin",
    )


def _regular(since: int, until: int, step: Bin, offset: dt.timedelta) -> list[int]:
    """The starts between, in a zone that never shifts its clocks."""
    stride = _USUAL[step]
    origin = (_MONDAY if step is Bin.WEEK else 0) - offset // dt.timedelta(microseconds=1)
    return list(range(since - (since - origin) % stride + stride, until, stride))


def _starts(since: dt.datetime, until: dt.datetime, step: Bin, zone: dt.tzinfo) -> Iterator[dt.datetime]:
    """The starts of bins between the two."""
    at = step.next(since, zone)
    while at < until:
        yield at
        at = step.next(at, zone)


_FIRST: Mapping[Bin, Callable[[dt.date], dt.date]] = {
    Bin.DAY: lambda date: date,
    Bin.WEEK: lambda date: date - dt.timedelta(days=date.weekday()),
    Bin.MONTH: lambda date: date.replace(day=1),
}
"""The date on which the bin of a date begins."""


def _dates_after(step: Bin, date: dt.date, zone: dt.tzinfo) -> Iterator[dt.datetime]:
    """Where the bins begin that follow the one of `date`. A date that the zone left out begins when the next
    one does.
    """
    length = dt.timedelta(microseconds=_USUAL[step])
    while True:
        date = _FIRST[step](date + length)
        yield _midnight(date, zone)


def _midnight(date: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """The first instant of a date; where clocks skip midnight, that of the skip (PEP 495)."""
    return dt.datetime.combine(date, dt.time(), tzinfo=zone).astimezone(dt.UTC)


def _hour_floor(at: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """Again and again, for clocks may shift by half an hour within the hour."""
    at = at.astimezone(dt.UTC)
    while past := _past_hour(at, zone):
        at -= past
    return at


def _hours_after(at: dt.datetime, zone: dt.tzinfo) -> Iterator[dt.datetime]:
    while True:
        at += dt.timedelta(hours=1) - _past_hour(at, zone)
        yield _hour_floor(at, zone)


def _past_hour(at: dt.datetime, zone: dt.tzinfo) -> dt.timedelta:
    """How long ago the clocks of the zone showed a full hour."""
    local = at.astimezone(zone)
    return dt.timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
