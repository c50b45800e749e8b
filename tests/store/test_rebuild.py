"""Rebuilding: rollups made anew from the calls, exact while calls go on being recorded."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from promptgraph.domain.errors import InvalidRollupError, StoreUnavailableError
from promptgraph.domain.metrics_key import MetricsKey
from promptgraph.store import rebuild as rebuilding
from promptgraph.store.call_tables import RECORD_BATCHES, ROLLUP_STATE, ROLLUPS, U
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from promptgraph.store.legacy import rebuild_is_due
from promptgraph.store.metrics import metrics
from promptgraph.store.rebuild import rebuild
from promptgraph.store.rollups import DUE, fold
from tests.store.call_stock import store_calls
from tests.store.calls import a_call, reprice, score
from tests.store.stock import NOW
from tests.sync.faults import PlannedFailureError, failing_at

HOUR = dt.timedelta(hours=1)


async def counted(db: Database) -> int:
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey()], ["calls"])
    return answer.figures["calls"]


@pytest.fixture
async def recorded(db: Database) -> Database:
    """Forty calls with scores, some folded, then figures damaged; small pages."""
    calls = [a_call(NOW + number * HOUR, cost_nano_usd=7) for number in range(40)]
    for half in (calls[:20], calls[20:]):
        async with db.write() as session:
            await store_calls(session, half)
            await score(session, half[0], "quality", 0.5)
        if half[0] is calls[0]:
            await fold(db)
    async with db.write() as session:
        await session.execute(ROLLUPS.update().values(calls=U.calls + 5, latency_histogram=b"rubbish"))
    return db


@pytest.mark.parametrize("page", [1, 7, 40, 5_000])
async def test_makes_the_figures_anew(recorded: Database, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """Afterwards nothing drifts, folded or not; nothing is left of what was."""
    monkeypatch.setattr(rebuilding, "PAGE", page)
    assert 40 == await rebuild(recorded)
    assert [] == await verify(recorded)
    assert 40 == await counted(recorded)
    assert 0 == await fold(recorded)
    async with recorded.read() as session:
        generations = (await session.execute(select(U.generation).distinct())).scalars().all()
        current = (await session.execute(select(ROLLUP_STATE.c.generation))).scalar_one()
    assert [current] == list(generations)


async def test_counts_what_is_recorded_meanwhile_once(
    recorded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls, corrections and folds at the same time: each is in the figures once, at every moment."""
    monkeypatch.setattr(rebuilding, "PAGE", 10)
    number = 0
    running = True

    async def writer() -> None:
        nonlocal number
        while running:
            call = a_call(NOW + number * HOUR, cost_nano_usd=9)
            async with recorded.write() as session:
                await store_calls(session, [call])
            async with recorded.write() as session:
                await reprice(session, call, 2)
            number += 1
            await asyncio.sleep(0)

    async def folder() -> None:
        while running:
            with suppress(InvalidRollupError):  # what is damaged cannot be added to
                await fold(recorded, 4, now=NOW + 24 * HOUR)
            await asyncio.sleep(0.001)

    tasks = [asyncio.create_task(writer()), asyncio.create_task(folder())]
    seen = [await rebuild(recorded) for _ in range(2)]
    running = False
    await asyncio.gather(*tasks)
    assert number > 3
    assert seen == sorted(seen)
    assert 40 + number == await counted(recorded)
    assert [] == await verify(recorded)
    while await fold(recorded):
        pass
    assert [] == await verify(recorded)


async def test_broken_off_rebuild_changes_nothing(db: Database) -> None:
    """Wherever it ends: metrics stay, folding goes on, and the next one cleans up."""
    async with db.write() as session:
        await store_calls(session, [a_call(), a_call(NOW + HOUR)])
    await fold(db)
    number = 0
    for number in range(1, 100):
        with failing_at(db, number) as reached, suppress(PlannedFailureError):
            await rebuild(db)
        async with db.write() as session:
            await store_calls(session, [a_call()])
        await fold(db)
        assert 2 + number == await counted(db)
        assert [] == await verify(db)
        if not reached():
            break
    assert number > 15
    async with db.read() as session:
        assert 1 == (await session.execute(select(func.count(U.generation.distinct())))).scalar_one()


async def test_adopted_calls_are_due_until_a_rebuild_has_ended(db: Database) -> None:
    """Wherever one is broken off, the database still tells that its figures lack calls."""
    async with db.write() as session:
        await store_calls(session, [a_call()])
        await session.execute(delete(RECORD_BATCHES))  # as adopted calls come: no batch tells of them
        await session.execute(update(ROLLUP_STATE).values(rebuild=DUE))
    number = 0
    while await rebuild_is_due(db):
        number += 1
        with failing_at(db, number), suppress(PlannedFailureError):
            await rebuild(db)
        due = await rebuild_is_due(db)
        assert due == (0 == await counted(db))
    assert number > 10


async def test_later_rebuild_takes_over(db: Database) -> None:
    """The earlier one gives up and says so."""
    async with db.write() as session:
        await store_calls(session, [a_call()])
    token = select(ROLLUP_STATE.c.rebuild)

    async def first() -> None:
        with pytest.raises(StoreUnavailableError, match="Another rebuild"):
            await rebuild(db)

    begin = rebuilding._begin  # noqa: SLF001  # where the other comes between

    async def interrupted(db_: Database, token_: str) -> int:
        generation = await begin(db_, token_)
        async with db_.write() as session:
            await session.execute(update(ROLLUP_STATE).values(rebuild="other"))
        return generation

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuilding, "_begin", interrupted)
        await first()
    async with db.read() as session:
        assert "other" == (await session.execute(token)).scalar_one()
    assert 1 == await rebuild(db)
    assert 1 == await counted(db)


async def test_sweeps_nothing_of_a_later_one(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that begins before an earlier one has cleaned up keeps the cells that it wrote."""
    async with db.write() as session:
        await store_calls(session, [a_call()])
    switch = rebuilding._switch  # noqa: SLF001  # where the other comes between
    cells = select(func.count()).select_from(ROLLUPS)

    async def overtaken(db_: Database, *given: Any) -> None:
        await switch(db_, *given)
        generation = await rebuilding._begin(db_, "other")  # noqa: SLF001  # as above
        async with db_.write() as session:
            await session.execute(ROLLUPS.update().values(generation=generation))

    monkeypatch.setattr(rebuilding, "_switch", overtaken)
    assert 1 == await rebuild(db)
    async with db.read() as session:
        assert (await session.execute(cells)).scalar_one() > 0


async def test_ledger_keeps_what_a_rebuild_needs(db: Database) -> None:
    """While one runs nothing is pruned; one that never ended is forgotten after a day."""
    count = select(func.count()).select_from(RECORD_BATCHES)
    async with db.write() as session:
        await session.execute(update(ROLLUP_STATE).values(rebuild="x", rebuild_at=NOW))
    for later, left in ((HOUR, 1), (23 * HOUR, 2), (25 * HOUR, 0)):
        async with db.write() as session:
            await store_calls(session, [a_call()])
        await fold(db, now=NOW + later)
        async with db.read() as session:
            assert left == (await session.execute(count)).scalar_one()
