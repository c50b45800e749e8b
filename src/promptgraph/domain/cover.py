"""Which cells of the rollups make up a window, and what is left over at its ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from promptgraph.domain.period import DAY_HOURS, DAY_US, HOUR_US, instant_of, micros_of
from promptgraph.domain.window import Window


class Periods(NamedTuple):
    """Whole numbers from `since` up to, but without, `until`; None is without end on that side."""

    since: int | None
    until: int | None

    def holds(self, period: int) -> bool:
        return (self.since is None or self.since <= period) and (self.until is None or period < self.until)


@dataclass(frozen=True, slots=True)
class Cover:
    """Parts that make up a window exactly, none twice.

    units  days and hours of UTC, counted from 1970; `raw` are windows shorter than what a cell counts
    """

    total: bool = False
    days: tuple[Periods, ...] = ()
    hours: tuple[Periods, ...] = ()
    raw: tuple[Window, ...] = ()

    def counts(self, hour: int) -> bool:
        """Whether a whole UTC hour belongs to the cells of this cover."""
        day = hour // DAY_HOURS
        return (
            self.total
            or any(days.holds(day) for days in self.days)
            or any(hours.holds(hour) for hours in self.hours)
        )


def cover(window: Window, *, hours: bool) -> Cover:
    """The fewest cells that make up `window`: all time, or whole days, whole hours at both ends if there are
    cells of `hours`, raw calls for the rest.
    """
    if window == Window():
        return Cover(total=True)
    since, until = (None if at is None else micros_of(at) for at in (window.since, window.until))
    ragged, whole = _cut(Periods(since, until), HOUR_US if hours else DAY_US)
    try:
        raw = tuple(map(_window, ragged))
    except OverflowError:  # the last day of the calendar has no next one
        return Cover(raw=(window,))
    if not hours or whole is None:
        return Cover(days=_some(whole), raw=raw)
    ends, days = _cut(whole, DAY_HOURS)
    return Cover(days=_some(days), hours=tuple(ends), raw=raw)


def snapped(windows: Sequence[Window], before: dt.datetime, *, hours: bool) -> list[Window]:
    """The windows that cells can make up, of one or several that follow each other: an edge before `before`
    that lies within a cell moves to where it begins, the last one to where it ends. A window of which nothing
    is left is part of the next one.

    keys  hours: whether there are cells of hours, else of days
    """
    unit, limit = HOUR_US if hours else DAY_US, micros_of(before)

    def moved(at: dt.datetime | None, *, last: bool) -> dt.datetime | None:
        if at is None or (micros := micros_of(at)) >= limit or not (past := micros % unit):
            return at
        return instant_of(micros - past + unit * last)

    starts = [moved(window.since, last=False) for window in windows]
    edges = [*starts, moved(windows[-1].until, last=True)]
    return [Window(since, until) for since, until in pairwise(edges) if since is None or since != until]


def is_ragged(window: Window, *, hours: bool) -> bool:
    """Whether an end of it lies within a cell."""
    unit = HOUR_US if hours else DAY_US
    return any(at is not None and micros_of(at) % unit for at in (window.since, window.until))


def _cut(span: Periods, size: int) -> tuple[list[Periods], Periods | None]:
    """What of `span` is no whole unit of this size, at most one part at each end; and the units between."""
    first = None if span.since is None else -(-span.since // size)
    last = None if span.until is None else span.until // size
    if first is not None and last is not None and first >= last:
        return [span], None
    before = Periods(span.since, None if first is None else first * size)
    after = Periods(None if last is None else last * size, span.until)
    return [ends for ends in (before, after) if ends.since != ends.until], Periods(first, last)


def _some(periods: Periods | None) -> tuple[Periods, ...]:
    return () if periods is None else (periods,)


def _window(ends: Periods) -> Window:
    since, until = (None if micros is None else instant_of(micros) for micros in ends)
    return Window(since, until)
