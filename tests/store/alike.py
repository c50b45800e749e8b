"""Figures that are read directly, held against those that the general way reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from promptgraph.domain.bins import Bin
from promptgraph.domain.figures import Figures
from promptgraph.domain.measures import ALL
from promptgraph.domain.metrics_key import MetricsKey, OwnerKind
from promptgraph.domain.window import Window
from promptgraph.store.database import Database
from promptgraph.store.direct import NotDirectError
from promptgraph.store.hours import COUNTABLE, Span, hours
from promptgraph.store.metrics import SeriesKey, metrics, series
from promptgraph.store.totals import SCOPE, totals

SUMS = tuple(name for name in ALL if name in COUNTABLE)
NOBODY = 999
"""The id of nobody."""
Owners = dict[OwnerKind, list[int]]


def owners_of(prompts: Sequence[int], agents: Sequence[int]) -> Owners:
    return {
        OwnerKind.PROMPT: [*prompts, NOBODY],
        OwnerKind.AGENT: [*agents, NOBODY, 2**70],
        OwnerKind.ALL: [0],
    }


async def check_totals(db: Database, owners: Owners) -> int:
    """Of all time, every measure. Returns how many calls were counted."""
    counted = 0
    for kind in SCOPE:
        ids = owners[kind]
        found = [each.figures() for each in await totals(db, kind, ids, ALL)]
        async with db.read() as session:
            right = await metrics(session, [MetricsKey(kind, id_) for id_ in ids])
        assert [each.figures for each in right] == found
        counted += sum(each["calls"] for each in found)
    return counted


async def check_hours(db: Database, owners: Owners, window: Window, now: dt.datetime) -> int:
    """By the hour, every sum. Returns how many calls were counted; -1 where the general way must do it."""
    try:
        span = Span.of(window, now)
    except NotDirectError:
        return -1
    counted = 0
    for kind in SCOPE:
        for id_ in owners[kind]:
            found = [
                Figures.blank(SUMS) if sums is None else Figures.of_values(SUMS, sums)
                for sums in await hours(db, kind, id_, span, SUMS)
            ]
            key = SeriesKey(MetricsKey(kind, id_, window), Bin.HOUR, dt.UTC)
            async with db.read() as session:
                (right,) = await series(session, [key], SUMS)
            assert [each.figures for each in right] == found
            counted += sum(each["calls"] for each in found)
    return counted
