"""Without the calls the figures are what they were: by whole hours and days, and the answer says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import pytest
from sqlalchemy import func, select, update

from promptgraph.domain.bins import Bin
from promptgraph.domain.call import CallContent
from promptgraph.domain.cells import Level
from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.metrics_key import Dimension, MetricsKey
from promptgraph.domain.period import DAY_US, micros_of
from promptgraph.domain.retention import start_of
from promptgraph.domain.window import Window
from promptgraph.store.call_tables import CALL_CONTENTS, CALL_SCORES, LLM_CALLS, ROLLUPS, U
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from promptgraph.store.metrics import GroupsKey, SeriesKey, groups, metrics, series
from promptgraph.store.pruning import delete_calls, next_old, old_calls
from promptgraph.store.rebuild import rebuild
from promptgraph.store.retention import keep_from
from promptgraph.store.rollups import fold
from tests.store.call_stock import store_calls
from tests.store.calls import ERROR, a_call, score
from tests.store.reference import World, chosen
from tests.store.stock import NOW
from tests.store.test_metrics_exact import (
    BEGIN,
    BERLIN,
    DAY,
    HOUR,
    KOLKATA,
    SPAN_HOURS,
    UTC,
    check,
    dice,
    group_key,
    populate,
    some_key,
)

PRUNED = micros_of(BEGIN) // DAY_US + 2
"""Two days and more of a hundred hours."""


async def pruned(db: Database, day: int, *, keep_errors: bool = False) -> int:
    """How many calls before a UTC day are gone now."""
    async with db.write() as session:
        await keep_from(session, day)
        old = await next_old(session, start_of(day), None, 10_000, keep_errors=keep_errors)
        return await delete_calls(session, [id_ for _, id_ in old])


async def counted(db: Database) -> list[int]:
    """Calls, contents, scores."""
    async with db.read() as session:
        return [
            int(await session.scalar(select(func.count()).select_from(table)) or 0)
            for table in (LLM_CALLS, CALL_CONTENTS, CALL_SCORES)
        ]


def check_window(asked: Window, answered: Window) -> None:
    """It covers what was asked for; an edge before what is kept may lie elsewhere, by less than a day."""
    for edge, told, sign in ((asked.since, answered.since, -1), (asked.until, answered.until, 1)):
        if edge is None or told is None or edge == told:
            assert edge == told
            continue
        assert edge < start_of(PRUNED)
        assert dt.timedelta() < sign * (told - edge) < DAY
        assert not (told.minute or told.second or told.microsecond)


async def check_all(db: Database, world: World, seed: int) -> int:
    """Whatever is asked, the figures are those of all calls of the window that the answer names; how many
    windows were not the ones asked for.
    """
    chance = dice(seed)
    now = BEGIN + SPAN_HOURS * HOUR
    keys = [some_key(chance, world) for _ in range(40)]
    steps = [
        SeriesKey(
            key._replace(window=key.window.bounded(now)),
            chance.choice(list(Bin)),
            chance.choice([UTC, BERLIN, KOLKATA]),
        )
        for key in keys[:8]
    ]
    parts = [GroupsKey(key, chance.choice(list(Dimension)), 100) for key in keys[:12]]
    async with db.read() as session:
        answers = await metrics(session, keys)
        rows = await series(session, steps)
        grouped = await groups(session, parts)
    for key, answer in zip(keys, answers, strict=True):
        check_window(key.window, answer.window)
        check(world, chosen(world, key, answer.window), answer.figures)
    for (key, _, _), row in zip(steps, rows, strict=True):
        check_window(key.window, Window(row[0].window.since, row[-1].window.until))
        assert all(one.window.until == other.window.since for one, other in pairwise(row))
        for each in row:
            check(world, chosen(world, key, each.window), each.figures)
    for (key, dimension, *_), found in zip(parts, grouped, strict=True):
        for group in found:
            check_window(key.window, group.window)
            calls = chosen(world, key, group.window)
            check(world, [c for c in calls if group.key == group_key(world, dimension, c)], group.figures)
    return sum(key.window != answer.window for key, answer in zip(keys, answers, strict=True))


async def test_figures_are_those_of_all_calls(db: Database) -> None:
    """Before and after calls are pruned, once the ledger is folded, and after a rebuild."""
    world = await populate(db, dice(7), "partly")
    assert 0 == await check_all(db, world, 5)
    old = sum(call.started_at < start_of(PRUNED) for call in world.calls)
    assert old == await pruned(db, PRUNED) > 30
    assert await check_all(db, world, 5) > 3
    assert [] == await verify(db)
    assert len(world.calls) - old == await rebuild(db)
    assert [] == await verify(db)
    while await fold(db):
        pass
    await check_all(db, world, 6)
    assert [] == await verify(db)


async def test_calls_go_with_all_that_is_theirs(db: Database) -> None:
    """Contents and scores too; younger calls keep theirs. What would go was told before."""
    calls = [a_call(NOW - 2 * DAY), a_call(NOW - DAY, status=ERROR), a_call(NOW)]
    async with db.write() as session:
        await store_calls(session, calls, *(CallContent(call_id=call.id, output="!") for call in calls))
        for call in calls:
            await score(session, call, "tone", 1.0)
    day = micros_of(NOW) // DAY_US
    async with db.read() as session:
        told = await old_calls(session, start_of(day), keep_errors=False)
        fine = await old_calls(session, start_of(day), keep_errors=True)
    assert ((2, 2, 2, NOW - 2 * DAY), (1, 1, 1, NOW - 2 * DAY)) == (told, fine)
    assert 1 == await pruned(db, day, keep_errors=True)
    assert [2, 2, 2] == await counted(db)
    assert [] == await verify(db)
    assert 1 == await rebuild(db)
    assert [] == await verify(db)
    async with db.write() as session:  # an error that was kept may still be scored
        await score(session, calls[1], "tone", 3.0)
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey()], ["calls", "scores"])
    assert (3, (3, 5 * 10**9)) == (answer.figures["calls"], answer.figures.scores["tone"])
    assert 1 == await pruned(db, day)
    assert [1, 1, 1] == await counted(db)
    assert [] == await verify(db)


async def test_calls_are_found_page_by_page(db: Database) -> None:
    """In the order in which they started, each once, those of one instant too."""
    calls = [a_call(NOW - DAY) for _ in range(4)] + [a_call(NOW - 2 * DAY), a_call(NOW)]
    async with db.write() as session:
        await store_calls(session, calls)
    found: list[tuple[dt.datetime, object]] = []
    async with db.read() as session:
        last = None
        while some := await next_old(session, NOW, last, 2, keep_errors=False):
            found += some
            last = some[-1]
    old: Sequence[object] = sorted((call.started_at, call.id) for call in calls[:5])
    assert old == found


@pytest.mark.parametrize("level", [Level.DAY, Level.TOTAL], ids=str)
async def test_figures_without_calls_are_watched(db: Database, level: Level) -> None:
    """Where all time and the days part ways, verify says so; all time is mended from the days."""
    async with db.write() as session:
        await store_calls(session, [a_call(NOW - 5 * DAY), a_call(NOW)])
    await fold(db)
    await pruned(db, micros_of(NOW) // DAY_US)
    async with db.write() as session:
        await session.execute(update(ROLLUPS).where(U.level == level.value).values(calls=U.calls + 1))
    assert "calls" in {drift.measure for drift in await verify(db)}
    if level is Level.TOTAL:
        await rebuild(db)
        assert [] == await verify(db)


async def test_damage_without_calls_is_said(db: Database) -> None:
    """No rebuild makes figures of nothing: the metrics stay as they are."""
    async with db.write() as session:
        await store_calls(session, [a_call(NOW - 5 * DAY), a_call(NOW)])
    await fold(db)
    await pruned(db, micros_of(NOW) // DAY_US)
    async with db.write() as session:
        broken = update(ROLLUPS).where(U.level == Level.DAY.value).values(latency_histogram=b"rubbish")
        await session.execute(broken)
    with pytest.raises(InvalidRollupError, match="no calls left to make them from"):
        await rebuild(db)
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey()], ["calls"])
    assert 2 == answer.figures["calls"]
