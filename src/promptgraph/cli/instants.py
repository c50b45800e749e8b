"""Instants on the command line: a date, or a time with its zone."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import click

DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
UNCLEAR = "{!r} is no date and no time with a zone, as 2026-11-22 or 2026-11-22T10:00Z."


class Instant(click.ParamType[dt.datetime]):
    """`2026-11-22` is the start of that day in UTC; a time needs its zone, as 2026-11-22T10:00:00Z."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.datetime:
        if isinstance(value, dt.datetime):
            return value
        text = str(value)
        try:
            at = dt.datetime.fromisoformat(text)
            if DAY.fullmatch(text):
                return at.replace(tzinfo=dt.UTC)
            if at.tzinfo is not None:
                return at.astimezone(dt.UTC)
        except (ValueError, OverflowError):
            return self.fail(UNCLEAR.format(text), param, ctx)
        return self.fail(UNCLEAR.format(text), param, ctx)


INSTANT = Instant()
