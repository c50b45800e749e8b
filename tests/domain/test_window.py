"""Windows: what somebody may ask for, and which cells make one up."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.cover import Cover, Periods, cover
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.period import DAY_US, HOUR_US, hour_of, instant_of, micros_of
from promptgraph.domain.window import Window, before

NOW = dt.datetime(2026, 3, 31, 12, 30, tzinfo=dt.UTC)
ROME = dt.timezone(dt.timedelta(hours=2))
DURATIONS = [
    ("P7D", dt.datetime(2026, 3, 24, 12, 30, tzinfo=dt.UTC)),
    ("P2W", dt.datetime(2026, 3, 17, 12, 30, tzinfo=dt.UTC)),
    ("PT1H", dt.datetime(2026, 3, 31, 11, 30, tzinfo=dt.UTC)),
    ("PT90M", dt.datetime(2026, 3, 31, 11, 0, tzinfo=dt.UTC)),
    ("PT5S", dt.datetime(2026, 3, 31, 12, 29, 55, tzinfo=dt.UTC)),
    ("P1M", dt.datetime(2026, 2, 28, 12, 30, tzinfo=dt.UTC)),
    ("P25M", dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.UTC)),
    ("P1Y", dt.datetime(2025, 3, 31, 12, 30, tzinfo=dt.UTC)),
    ("P1Y2M3W4DT5H6M7S", dt.datetime(2025, 1, 6, 7, 23, 53, tzinfo=dt.UTC)),
]
# whole hours and days are as likely as any other instant
instants = st.builds(
    lambda day, hour, us: instant_of(day * DAY_US + hour * HOUR_US + us),
    st.integers(20_000, 20_004),
    st.sampled_from([0, 0, 1, 13, 23]),
    st.sampled_from([0, 0, 1, HOUR_US - 1]),
)


@pytest.mark.parametrize(("duration", "since"), DURATIONS, ids=[duration for duration, _ in DURATIONS])
def test_last_counts_back_from_now(duration: str, since: dt.datetime) -> None:
    """Months are those of the calendar: the same day, or the month's last."""
    assert Window(since, NOW) == Window.of(last=duration, now=NOW)


def test_last_may_end_earlier() -> None:
    """With until it ends there."""
    until = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert Window(dt.datetime(2025, 12, 31, tzinfo=dt.UTC), until) == Window.of(
        until=until, last="P1D", now=NOW
    )


def test_window_of_nothing_is_all_time() -> None:
    """No end on either side."""
    assert Window() == Window.of(now=NOW)


def test_window_is_in_utc() -> None:
    """The same instants, whatever zone they were given in."""
    window = Window.of(since=NOW.astimezone(ROME), now=NOW)
    assert window.since is not None
    assert (NOW, dt.UTC) == (window.since, window.since.tzinfo)


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "7D", "p7d", "P7", "P7DT", "P1.5D", "PT0.5H", "P-1D", "-P1D", "P7D\n", " P7D"),
        *("P\u0667D", "P1D1Y", "P1H", "PT1D", "P1W1M", "P1234567D", "P0D", "PT0S"),
    ],
)
def test_refuses_what_is_no_duration(text: str) -> None:
    """The field is named, and an example given."""
    with pytest.raises(InvalidInputError, match=r"P7D|PT1S") as caught:
        Window.of(last=text, now=NOW)
    assert caught.value.field == "window.last"


@pytest.mark.parametrize("text", ["P2027Y", "P999999W", "P999999D", "P999999Y", "P24312M"])
def test_refuses_a_duration_that_leaves_the_calendar(text: str) -> None:
    """Nothing overflows."""
    with pytest.raises(InvalidInputError, match="years 1 to 9999"):
        before(NOW, text, field="last")


@pytest.mark.parametrize(
    ("since", "until", "last", "field"),
    [
        pytest.param(NOW, NOW, None, "until", id="nothing between"),
        pytest.param(NOW, NOW - dt.timedelta(1), None, "until", id="the wrong way round"),
        pytest.param(NOW, None, "P1D", "last", id="since beside last"),
        pytest.param(NOW.replace(tzinfo=None), None, None, "since", id="no zone"),
        pytest.param(None, NOW.replace(tzinfo=None), None, "until", id="no zone either"),
        pytest.param(dt.datetime.min.replace(tzinfo=ROME), None, None, "since", id="before the year 1"),
        pytest.param(
            None,
            dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=1))),
            None,
            "until",
            id="after 9999",
        ),
    ],
)
def test_refuses_what_is_no_window(
    since: dt.datetime | None, until: dt.datetime | None, last: str | None, field: str
) -> None:
    """The error names the part that is wrong, in what holds it."""
    with pytest.raises(InvalidInputError) as caught:
        Window.of(since, until, last, now=NOW, field="filter.window")
    assert f"filter.window.{field}" == caught.value.field


def test_series_without_a_window_shows_seven_days() -> None:
    """Until now; and until the end that is given."""
    week = dt.timedelta(days=7)
    early = NOW - dt.timedelta(days=100)
    assert Window(NOW - week, NOW) == Window().bounded(NOW)
    assert Window(early - week, early) == Window(None, early).bounded(NOW)
    assert Window(early, NOW) == Window(early).bounded(NOW)


def test_series_from_the_future_needs_an_end() -> None:
    """There is nothing to show yet, and no way to tell how much."""
    with pytest.raises(InvalidInputError, match="give until too"):
        Window(NOW + dt.timedelta(days=1)).bounded(NOW)


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_micros_are_exact(at: dt.datetime) -> None:
    """An instant comes back as it was, from every year; its hour is the whole part."""
    assert at == instant_of(micros_of(at))
    assert hour_of(at) == micros_of(at) // HOUR_US


def _spans(parts: Cover) -> list[tuple[float, float]]:
    """All parts as spans in microseconds, in order."""
    sized = [(period, DAY_US) for period in parts.days] + [(period, HOUR_US) for period in parts.hours]
    spans = [(_edge(p.since, -1) * size, _edge(p.until, 1) * size) for p, size in sized]
    spans += [(_micros(raw.since, -1), _micros(raw.until, 1)) for raw in parts.raw]
    return sorted(spans)


def _edge(period: int | None, side: int) -> float:
    return side * float("inf") if period is None else period


def _micros(at: dt.datetime | None, side: int) -> float:
    return side * float("inf") if at is None else micros_of(at)


@given(st.none() | instants, st.none() | instants, st.booleans())
def test_cover_tiles_a_window_exactly(
    since: dt.datetime | None,
    until: dt.datetime | None,
    hours: bool,  # noqa: FBT001  # drawn
) -> None:
    """Without a gap and without an overlap, and with no more raw calls than there must be."""
    if since and until:
        since, until = min(since, until), max(since, until)
    if (since or until) is None or since == until:
        assert Cover(total=True) == cover(Window(), hours=hours)
        return
    parts = cover(Window(since, until), hours=hours)
    spans = _spans(parts)
    assert (_micros(since, -1), _micros(until, 1)) == (spans[0][0], spans[-1][1])
    assert all(begin < end for begin, end in spans)
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    size = HOUR_US if hours else DAY_US
    assert not any(_holds_whole(_micros(raw.since, -1), _micros(raw.until, 1), size) for raw in parts.raw)
    assert not any(_holds_whole(_edge(p.since, -1), _edge(p.until, 1), 24) for p in parts.hours)
    assert hours or not parts.hours


def _holds_whole(since: float, until: float, size: int) -> bool:
    """Whether a whole unit of this size lies between."""
    return (since + size - 1) // size + 1 <= until // size


@given(instants, instants, st.integers(20_000 * 24, 20_004 * 24))
def test_cover_knows_its_hours(since: dt.datetime, until: dt.datetime, hour: int) -> None:
    """An hour counts when it lies wholly in the window."""
    begin, end = micros_of(since), micros_of(until)
    if begin < end:
        counts = begin <= hour * HOUR_US and (hour + 1) * HOUR_US <= end
        assert counts == cover(Window(since, until), hours=True).counts(hour)
    assert cover(Window(), hours=True).counts(hour)


def test_cover_of_two_days_and_a_bit() -> None:
    """Raw ends below an hour, hours up to midnight, whole days between."""
    day = dt.datetime(2026, 1, 10, tzinfo=dt.UTC)
    window = Window(day - dt.timedelta(hours=1, minutes=30), day + dt.timedelta(days=2, hours=3))
    number = micros_of(day) // DAY_US
    assert cover(window, hours=True) == Cover(
        days=(Periods(number, number + 2),),
        hours=(Periods(number * 24 - 1, number * 24), Periods((number + 2) * 24, (number + 2) * 24 + 3)),
        raw=(Window(window.since, day - dt.timedelta(hours=1)),),
    )


def test_cover_ends_with_the_calendar() -> None:
    """The last half hour of 9999 has no next one."""
    late = Window(dt.datetime(9999, 12, 31, 23, 30, tzinfo=dt.UTC))
    assert Cover(raw=(late,)) == cover(late, hours=True)
