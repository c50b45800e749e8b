"""The folder: it keeps up by itself, and ends when it is told."""

from __future__ import annotations

import asyncio
import logging

import pytest
from sqlalchemy import func, select

from promptgraph.record.folder import Folder
from promptgraph.store.call_tables import RECORD_BATCHES, ROLLUPS
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from tests.store.calls import a_call, record


async def recorded(db: Database) -> None:
    async with db.write() as session:
        await record(session, [a_call()])


async def unfolded(db: Database) -> int:
    rows = select(func.count()).select_from(RECORD_BATCHES).where(~RECORD_BATCHES.c.folded)
    async with db.read() as session:
        return int((await session.execute(rows)).scalar_one())


async def until_folded(db: Database) -> None:
    async with asyncio.timeout(10):
        while await unfolded(db):  # noqa: ASYNC110  # the database tells no event
            await asyncio.sleep(0.01)


async def test_folds_when_woken(db: Database) -> None:
    """At once, not when its pause is over."""
    folder = Folder(db, pause=100)
    folder.start()
    for _ in range(3):
        await recorded(db)
        folder.wake()
        await until_folded(db)
    await folder.stop()
    assert [] == await verify(db)


async def test_folds_what_others_recorded(db: Database) -> None:
    """Nobody woke it: it looks by itself."""
    folder = Folder(db, pause=0.01)
    folder.start()
    await asyncio.sleep(0.05)
    await recorded(db)
    await until_folded(db)
    await folder.stop()


async def test_stops_in_good_order(db: Database) -> None:
    """Started and stopped any number of times, at any moment; afterwards nothing runs."""
    folder = Folder(db, limit=1)
    for _ in range(5):
        await recorded(db)
        folder.start()
        folder.start()
        await folder.stop()
        await folder.stop()
    assert [asyncio.current_task()] == list(asyncio.all_tasks())
    folder.start()
    await until_folded(db)
    await folder.stop()


async def test_says_what_it_cannot_fold(
    db: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damaged figures are in the log, once a while, and it goes on when they are mended."""
    monkeypatch.setattr("promptgraph.record.folder.REST_SECONDS", 0.01)
    await recorded(db)
    folder = Folder(db, pause=0.01)
    folder.start()
    await until_folded(db)
    async with db.write() as session:
        await session.execute(ROLLUPS.update().values(scores="rubbish"))
    await recorded(db)
    async with asyncio.timeout(10):
        while logging.ERROR not in {each.levelno for each in caplog.records}:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.01)
    async with db.write() as session:
        await session.execute(ROLLUPS.update().values(scores=""))
    await until_folded(db)
    await folder.stop()


async def test_outlives_an_outage(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """A database that is busy is a line in the log, and no end."""
    db = Database(url, patience=0.05)
    other = Database(url)
    await recorded(db)
    folder = Folder(db, pause=0.01)
    async with other.write() as session:
        await session.execute(ROLLUPS.delete())
        folder.start()
        await asyncio.sleep(0.3)
    await until_folded(db)
    await folder.stop()
    assert ("wait" in caplog.text or "now:" in caplog.text) == (db.dialect == "sqlite")
    await db.close()
    await other.close()
