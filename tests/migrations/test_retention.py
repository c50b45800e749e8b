"""The revision that makes the watermark."""

from __future__ import annotations

from sqlalchemy import select

from promptgraph.store import migrate
from promptgraph.store.call_tables import RETENTION
from promptgraph.store.database import Database
from promptgraph.store.retention import keep_from, pruned_day


async def test_nothing_is_pruned_at_first(empty_url: str) -> None:
    """There is one row, without a day; down and up again it has forgotten."""
    db = Database(empty_url)
    for _ in range(2):
        await migrate.upgrade(db, "retention")
        async with db.write() as session:
            assert [(1, None)] == (await session.execute(select(RETENTION))).all()
            assert 20_000 == await keep_from(session, 20_000)
        await migrate.downgrade(db, "calls_rows")
    await migrate.upgrade(db, "retention")
    async with db.read() as session:
        assert None is await pruned_day(session)
    await db.close()
