"""The revision that makes the tables of calls, and the llm_calls of old."""

from __future__ import annotations

from sqlalchemy import text

from promptgraph.store import migrate
from promptgraph.store.database import Database
from tests.migrations.legacy_rows import fill


async def ids(db: Database, table: str) -> list[int]:
    async with db.read() as session:
        return list(await session.scalars(text(f"SELECT id FROM {table} ORDER BY id")))  # noqa: S608  # our own names


async def test_calls_of_old_are_kept_under_another_name(empty_url: str) -> None:
    """Up, they wait as legacy_llm_calls; down again, they have their name back."""
    db = Database(empty_url)
    await migrate.upgrade(db, "legacy_baseline")
    await fill(db)
    old = await ids(db, "llm_calls")
    await migrate.upgrade(db, "calls_tables")
    assert old == await ids(db, "legacy_llm_calls")
    assert [] == await ids(db, "llm_calls")
    await migrate.downgrade(db, "registry_rows")
    assert old == await ids(db, "llm_calls")
    assert old
    await db.close()
