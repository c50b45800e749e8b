"""The watermark: it never goes back, and nothing older is recorded once it is set."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from promptgraph.domain.retention import start_of
from promptgraph.store.bulk import within
from promptgraph.store.database import Database
from promptgraph.store.retention import keep_from, kept_since, moment

AGO = dt.timedelta(days=20)


async def test_watermark_never_goes_back(db: Database) -> None:
    """At first there is none; whoever says an earlier day is told the later one."""
    async with db.read() as session:
        assert None is await kept_since(session)
    for day, expected in ((100, 100), (99, 100), (101, 101), (-5, 101)):
        async with db.write() as session:
            assert expected == await keep_from(session, day)
    async with db.read() as session:
        assert start_of(101) == await kept_since(session)


async def test_clock_and_watermark_come_together(db: Database) -> None:
    """The moment of a transaction is now, and says since when calls are kept."""
    now = dt.datetime.now(dt.UTC)
    async with db.write() as session:
        await keep_from(session, 20_000)
    at, since = await db.at_once(lambda driver: moment(driver, now - AGO))
    assert abs(at - now) < dt.timedelta(minutes=1)
    assert start_of(20_000) == since


@pytest.mark.parametrize("ago", [AGO, dt.timedelta()], ids=["old", "live"])
async def test_watermark_waits_for_who_records_old_calls(db: Database, ago: dt.timedelta) -> None:
    """A transaction that was told what is kept ends before that changes; live calls hold up nobody."""
    told, ended = asyncio.Event(), []

    async def record() -> None:
        async with db.write() as session:
            await within(session, lambda driver: moment(driver, dt.datetime.now(dt.UTC) - ago))
            told.set()
            await asyncio.sleep(0.5)
        ended.append("recording")

    async def prune() -> None:
        await told.wait()
        async with db.write() as session:
            await keep_from(session, 100)
        ended.append("pruning")

    await asyncio.gather(record(), prune())
    waits = ago or db.dialect == "sqlite"  # which has one writer at a time
    assert ended == (["recording", "pruning"] if waits else ["pruning", "recording"])
