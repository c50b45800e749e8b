"""Instants on the command line."""

import datetime as dt

import click
import pytest

from promptgraph.cli.instants import INSTANT


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2026-11-22", 0), ("2026-11-22T10:00Z", 10), ("2026-11-22T10:00:00+02:00", 8)],
)
def test_takes_a_day_or_a_time_with_its_zone(text: str, hour: int) -> None:
    """A day begins in UTC; a time is turned into UTC."""
    assert dt.datetime(2026, 11, 22, hour, tzinfo=dt.UTC) == INSTANT.convert(text, None, None)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-22T10:00", "2026-13-01", "0001-01-01T00:00+14:00"]
)
def test_refuses_what_names_no_instant(text: str) -> None:
    """Also a time that names no zone, and one outside the calendar."""
    with pytest.raises(click.BadParameter, match="no date and no time with a zone"):
        INSTANT.convert(text, None, None)
