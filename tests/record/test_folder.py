"""The folder: it keeps up by itself, and ends when it is told."""

from __future__ import annotations

import asyncio
import logging

import pytest
from sqlalchemy import func, select

from promptgraph.domain.call import NewCall, RecordStatus
from promptgraph.record.folder import Folder
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store.call_tables import RECORD_BATCHES, ROLLUPS
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from promptgraph.store.rollups import fold
from tests.store.call_stock import store_calls
from tests.store.calls import a_call
from tests.store.stock import NOW


async def recorded(db: Database) -> None:
    async with db.write() as session:
        await store_calls(session, [a_call(latency_us=5)])


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


async def test_stops_in_good_order(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started and stopped any number of times, at any moment; afterwards nothing runs, and it can start."""
    folded = asyncio.Event()

    async def told(db: Database, limit: int) -> int | None:
        found = await fold(db, limit)
        if found:
            folded.set()
        return found

    monkeypatch.setattr("promptgraph.record.folder.fold", told)
    folder = Folder(db)
    for moment in range(5):
        await recorded(db)
        folder.start()
        folder.start()
        for _ in range(moment):
            await asyncio.sleep(0)
        await folder.stop()
        await folder.stop()
    assert [asyncio.current_task()] == list(asyncio.all_tasks())
    folded.clear()
    await recorded(db)
    folder.start()
    await folded.wait()
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
        await session.execute(ROLLUPS.update().values(latency_histogram=b"rubbish"))
    await recorded(db)
    async with asyncio.timeout(10):
        while logging.ERROR not in {each.levelno for each in caplog.records}:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.01)
    async with db.write() as session:
        await session.execute(ROLLUPS.update().values(latency_histogram=b""))
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


async def test_folds_many_rows_together(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit after the other wakes it, but it waits a while, and longer than folding takes."""
    folds: list[int | None] = []

    async def counted(db: Database, limit: int) -> int | None:
        folds.append(await fold(db, limit))
        return folds[-1]

    monkeypatch.setattr("promptgraph.record.folder.fold", counted)
    folder = Folder(db, pause=100)
    folder.start()
    for _ in range(12):
        await recorded(db)
        folder.wake()
    await until_folded(db)
    await folder.stop()
    assert 12 == sum(map(int, filter(None, folds)))
    assert len(folds) < 6


async def test_recording_waits_for_a_long_ledger(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until a fold, or a while, has passed; a short one holds up nobody, nor does one that stands still."""
    monkeypatch.setattr("promptgraph.record.folder.CROWDED", 3)
    folder = Folder(db, limit=2)
    for _ in range(5):
        folder.wake()
        await folder.pace()  # nobody folds: nothing to wait for
        await recorded(db)
    folder.start()
    async with asyncio.timeout(10):
        while await unfolded(db):
            await folder.pace()
            await asyncio.sleep(0)
    await folder.pace()
    await folder.stop()
    monkeypatch.setattr("promptgraph.record.folder.PACE_SECONDS", 0.01)
    for _ in range(5):
        folder.wake()
    async with db.write() as session:
        await session.execute(RECORD_BATCHES.delete())
        folder.start()
        async with asyncio.timeout(10):
            await folder.pace()
    await folder.stop()


async def test_begins_again_after_a_mistake(
    db: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody thought of ends the task, is in the log, and the next call starts another."""

    async def broken(*_: object) -> int:
        raise RuntimeError("no such thing")

    with monkeypatch.context() as patch:
        patch.setattr("promptgraph.record.folder.fold", broken)
        folder = Folder(db, pause=100)
        folder.start()
        async with asyncio.timeout(10):
            while "begins again" not in caplog.text:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.01)
    await recorded(db)
    folder.wake()
    await until_folded(db)
    await folder.stop()


async def test_recorder_lets_the_folder_set_its_pace(db: Database) -> None:
    """It asks before each commit, and goes on when it is told."""
    asked = asyncio.Event()
    go_on = asyncio.Event()

    async def pace() -> None:
        asked.set()
        await go_on.wait()

    recorder = Recorder(db, PriceBook(), now=lambda: NOW, unlinked=True, pace=pace)
    await recorder.start()
    recording = asyncio.create_task(recorder.record([NewCall(model="m")]))
    await asked.wait()
    assert 0 == await unfolded(db)
    go_on.set()
    assert [RecordStatus.RECORDED] == [each.status for each in await recording]
    assert 1 == await unfolded(db)
    await recorder.stop()
