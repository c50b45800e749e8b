"""Bins: hours to months of a time zone, clocks that shift included."""

import datetime as dt
from collections.abc import Callable
from itertools import count, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.bins import MAX_BINS, Bin, bins, edges, zone_named
from promptgraph.domain.errors import InvalidInputError, TooManyRowsError
from promptgraph.domain.window import Window

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = dt.timedelta(hours=1)
# whole hours off, half hours off, half an hour of summer time, no midnight in spring, a date left out
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia"]
zones = st.sampled_from(ZONES).map(zone_named)
instants = st.datetimes(dt.datetime(2010, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001  # hypothesis adds the zone
lengths = {Bin.HOUR: 80, Bin.DAY: 24 * 60, Bin.WEEK: 24 * 300, Bin.MONTH: 24 * 900}


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]  # year, month, day, …


def begins(step: Bin, at: dt.datetime, zone: dt.tzinfo) -> bool:
    """Whether a bin begins then, as clocks and calendars of the zone show it."""
    local, before = at.astimezone(zone), (at - dt.datetime.resolution).astimezone(zone)
    if step is Bin.HOUR:
        return (local.minute, local.second, local.microsecond) == (0, 0, 0)
    shown: dict[Bin, Callable[[dt.datetime], object]] = {
        Bin.DAY: dt.datetime.date,
        Bin.WEEK: lambda when: when.isocalendar()[:2],
        Bin.MONTH: lambda when: (when.year, when.month),
    }
    return shown[step](local) != shown[step](before)


@given(zones, st.sampled_from(Bin), instants, st.data())
def test_bins_tile_a_window_exactly(
    zone: dt.tzinfo, step: Bin, since: dt.datetime, data: st.DataObject
) -> None:
    """Without a gap and without an overlap; every inner edge is where a bin begins in the zone."""
    until = since + data.draw(st.integers(1, lengths[step])) * HOUR
    found = bins(Window(since, until), step, zone)
    assert (since, until) == (found[0].since, found[-1].until)
    assert all(one.until == other.since for one, other in pairwise(found))
    assert all(one.since is not None and one.until is not None and one.since < one.until for one in found)
    starts = [one.since for one in found[1:] if one.since]
    assert all(begins(step, at, zone) for at in starts)
    assert starts == _walk(step, since, until, zone)


@given(zones, st.sampled_from(Bin), instants)
def test_the_next_bin_is_the_first_that_begins_later(zone: dt.tzinfo, step: Bin, at: dt.datetime) -> None:
    """No clock and no calendar shows one that was left out; all of them begin at half hours of UTC."""
    half = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
    later = (half + places * HOUR / 2 for places in count(1))
    assert next(each for each in later if begins(step, each, zone)) == step.next(at, zone)


@given(st.sampled_from(Bin), instants, st.integers(1, 500))
def test_fixed_zone_needs_no_calendar(step: Bin, since: dt.datetime, hours: int) -> None:
    """Strides give what walking from bin to bin gives."""
    zone = dt.timezone(dt.timedelta(hours=5, minutes=45))
    starts = [one.since for one in bins(Window(since, since + hours * HOUR), step, zone)][1:]
    assert starts == _walk(step, since, since + hours * HOUR, zone)


def _walk(step: Bin, at: dt.datetime, until: dt.datetime, zone: dt.tzinfo) -> list[dt.datetime]:
    found = []
    while (at := step.next(at, zone)) < until:
        found.append(at)
    return found


@pytest.mark.parametrize(
    ("date", "hours"),
    [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 6, 1), 24)],
    ids=["spring", "autumn", "summer"],
)
def test_day_has_the_hours_that_its_clocks_show(date: tuple[int, int, int], hours: int) -> None:
    """23 when clocks go forward, 25 when they go back; each an hour long."""
    begin = dt.datetime(*date, tzinfo=BERLIN).astimezone(dt.UTC)
    day = Window(begin, Bin.DAY.next(begin, BERLIN))
    found = bins(day, Bin.HOUR, BERLIN)
    assert hours == len(found)
    assert {HOUR} == {one.until - one.since for one in found if one.until and one.since}
    assert [day] == bins(day, Bin.DAY, BERLIN)


@pytest.mark.parametrize(
    ("step", "at", "zone", "begin", "end"),
    [
        pytest.param(Bin.WEEK, utc(2026, 11, 22), "UTC", utc(2026, 11, 16), utc(2026, 11, 23), id="a Sunday"),
        pytest.param(Bin.WEEK, utc(1970, 1, 1), "UTC", utc(1969, 12, 29), utc(1970, 1, 5), id="week of 1970"),
        pytest.param(Bin.MONTH, utc(2024, 2, 29), "UTC", utc(2024, 2, 1), utc(2024, 3, 1), id="a leap year"),
        pytest.param(Bin.MONTH, utc(2025, 12, 31), "UTC", utc(2025, 12, 1), utc(2026, 1, 1), id="December"),
        pytest.param(
            Bin.MONTH,
            utc(2026, 3, 31, 22),
            "Europe/Berlin",
            utc(2026, 3, 31, 22),
            utc(2026, 4, 30, 22),
            id="a zone's",
        ),
        pytest.param(
            Bin.DAY,
            utc(2026, 1, 1, 20),
            "Asia/Kolkata",
            utc(2026, 1, 1, 18, 30),
            utc(2026, 1, 2, 18, 30),
            id="half",
        ),
        pytest.param(
            Bin.DAY,
            utc(2026, 3, 8, 6),
            "America/Havana",
            utc(2026, 3, 8, 5),
            utc(2026, 3, 9, 4),
            id="no midnight",
        ),
        pytest.param(
            Bin.DAY,
            utc(2011, 12, 30, 9),
            "Pacific/Apia",
            utc(2011, 12, 29, 10),
            utc(2011, 12, 30, 10),
            id="no 30th",
        ),
        pytest.param(
            Bin.HOUR,
            utc(2026, 4, 4, 15, 10),
            "Australia/Lord_Howe",
            utc(2026, 4, 4, 14),
            utc(2026, 4, 4, 15, 30),
            id="half an hour back",
        ),
    ],
)
def test_bin_begins_where_the_zone_says(
    step: Bin, at: dt.datetime, zone: str, begin: dt.datetime, end: dt.datetime
) -> None:
    """By the calendar and the clocks that people there have."""
    there = zone_named(zone)
    before = begin - dt.datetime.resolution
    assert begin <= at
    assert (begin, end, end) == tuple(step.next(each, there) for each in (before, begin, at))


@pytest.mark.parametrize(
    "name",
    [
        *("", "utc", "Europe/berlin", "Mars/Base", "../etc/passwd", "/etc/passwd", "America", "+01:00"),
        *(
            "right/UTC",
            "posix/UTC",
            "localtime",
            "posixrules",
            "Factory",
            "UTC\0",
            "Europe/Berlin\n",
            "\u00dcber",
        ),
    ],
)
def test_refuses_what_is_no_zone(name: str) -> None:
    """Paths, folders and other files of the zone database are not names."""
    with pytest.raises(InvalidInputError, match="IANA") as caught:
        zone_named(name)
    assert caught.value.field == "timeZone"


def test_long_names_are_no_zones() -> None:
    """Nothing asks the file system for them."""
    with pytest.raises(InvalidInputError):
        zone_named("A" * 100_000)


@pytest.mark.parametrize("step", Bin, ids=str)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_refuses_more_bins_than_anyone_draws(step: Bin, zone: str) -> None:
    """The error says how many there may be, at once for a window of thousands of years."""
    with pytest.raises(TooManyRowsError, match="shorter window") as caught:
        edges(Window(utc(2, 1, 1), utc(9998, 1, 1)), step, zone_named(zone))
    assert (MAX_BINS, "bin") == (caught.value.limit, caught.value.field)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_takes_as_many_bins_as_it_says(zone: str) -> None:
    """Ten thousand, and not one more."""
    since, there = utc(2026, 1, 1), zone_named(zone)
    assert len(edges(Window(since, since + MAX_BINS * HOUR), Bin.HOUR, there)) == MAX_BINS + 1
    with pytest.raises(TooManyRowsError):
        edges(Window(since, since + (MAX_BINS + 1) * HOUR), Bin.HOUR, there)


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(Window(), id="all time"),
        pytest.param(Window(utc(2026, 1, 1)), id="no end"),
        pytest.param(Window(None, utc(2026, 1, 1)), id="no begin"),
        pytest.param(Window(utc(1, 1, 1), utc(1, 1, 2)), id="the first year"),
        pytest.param(Window(utc(9999, 12, 30), utc(9999, 12, 31)), id="the last year"),
    ],
)
def test_refuses_a_window_that_cannot_be_binned(window: Window) -> None:
    """An open end has no last bin, and at the calendar's edge zones overflow."""
    with pytest.raises(InvalidInputError) as caught:
        edges(window, Bin.DAY, BERLIN)
    assert caught.value.field == "window"
