"""Direct connections: statements compiled once, on the driver's own connection."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Integer, func, literal_column, select, text

from promptgraph.domain.errors import PromptgraphError, StoreUnavailableError
from promptgraph.store.call_tables import C, CallId
from promptgraph.store.database import READERS, Database
from promptgraph.store.direct import Reader, Statement, parameter
from promptgraph.store.tables import UtcDateTime
from tests.store.call_stock import NOON, call, store_calls

COUNT = Statement(lambda _: select(func.count()).select_from(C.id.table))
FOUND = Statement(
    lambda _: (
        select(C.model)
        .where(C.id.in_([parameter("one", CallId()), parameter("other", CallId())]))
        .where(C.started_at >= parameter("since", UtcDateTime()), C.model.in_(["gpt-4o", "gpt-5"]))
        .order_by(C.id)
    )
)
NUMBERS = (
    "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000000)"
    " SELECT count(*) FROM numbers)"
)
LONG = Statement(lambda _: select(literal_column(NUMBERS, Integer)))
"""Some tenths of a second."""


async def test_statement_takes_parameters_of_every_kind(db: Database) -> None:
    """Ids, instants and lists reach the driver as it stores them."""
    async with db.write() as session:
        await store_calls(session, [call(1), call(2, model="gpt-5"), call(3, model="else"), call(4)])
    asked = {"one": UUID(int=1), "other": UUID(int=2)}
    async with db.direct() as reader:
        assert [("gpt-4o",), ("gpt-5",)] == [
            tuple(row) for row in await reader.rows(FOUND, **asked, since=NOON)
        ]
        assert [] == list(await reader.rows(FOUND, **asked, since=NOON.replace(hour=20)))


async def test_one_state_does_not_see_later_commits(db: Database) -> None:
    """Without it, each statement sees what is committed."""
    async with db.direct(one_state=True) as state, db.direct() as reader:
        before = await state.rows(COUNT)
        async with db.write() as session:
            await store_calls(session, [call(1)])
        assert before == await state.rows(COUNT)
        assert [(1,)] == [tuple(row) for row in await reader.rows(COUNT)]
    async with db.direct(one_state=True) as state:
        assert [(1,)] == [tuple(row) for row in await state.rows(COUNT)]


async def test_connection_is_kept_unless_it_failed(db: Database) -> None:
    """What a statement refuses is translated, and the next reader has another connection."""
    bad = Statement(lambda _: text("SELECT 1 FROM nowhere"))
    async with db.direct() as first:
        pass
    assert first is await _asked(db, COUNT)
    with pytest.raises(StoreUnavailableError, match="lacks tables"):
        await _asked(db, bad)
    async with db.direct() as other:
        assert first is not other
        assert [(0,)] == [tuple(row) for row in await other.rows(COUNT)]


async def test_connection_only_reads(db: Database) -> None:
    """On SQLite the connection itself refuses; on PostgreSQL what is run in one state."""
    deletion = Statement(lambda _: C.id.table.delete())
    with pytest.raises(PromptgraphError):
        await _asked(db, deletion, one_state=True)


async def test_connections_are_bounded(db: Database) -> None:
    """Who finds none free goes on as soon as one is given back."""
    async with AsyncExitStack() as held:
        for _ in range(READERS):
            await held.enter_async_context(db.direct())
        waiting = asyncio.ensure_future(_count(db))
        await asyncio.sleep(0.01)
        assert not waiting.done()
    assert 0 == await waiting


async def _asked(db: Database, statement: Statement, *, one_state: bool = False) -> Reader:
    """The connection that was asked."""
    async with db.direct(one_state=one_state) as reader:
        await reader.rows(statement)
    return reader


async def _count(db: Database) -> int:
    async with db.direct() as reader:
        return int((await reader.rows(COUNT))[0][0])


async def test_patience_for_a_connection_ends(url: str) -> None:
    """With a sentence, not with a wait for ever."""
    db = Database(url, patience=0.05)
    async with AsyncExitStack() as held:
        for _ in range(READERS):
            await held.enter_async_context(db.direct())
        with pytest.raises(StoreUnavailableError, match="Too many requests"):
            await _count(db)
    await db.close()


async def test_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """No file, nobody at the port: as any other read says it."""
    for url in (f"sqlite:///{tmp_path}/none.db", "postgresql://postgres@127.0.0.1:1/none"):
        db = Database(url)
        with pytest.raises(StoreUnavailableError):
            await _count(db)
        await db.close()


@pytest.mark.parametrize("engine", ["postgres"])
async def test_connection_that_the_server_ends_is_replaced(db: Database) -> None:
    """Nobody who comes later notices."""
    assert 0 == await _count(db)
    async with db.write() as session:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        await session.execute(text(f"{others} AND pid <> pg_backend_pid()"))
    await asyncio.sleep(0.05)
    assert 0 == await _count(db)


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_long_statement_leaves_the_event_loop(db: Database) -> None:
    """It goes on in a thread, and others have their turn meanwhile."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.002)

    async with db.direct() as reader:
        running = asyncio.ensure_future(others())
        assert [(1_000_000,)] == list(await reader.rows(LONG))
        running.cancel()
        assert [(0,)] == list(await reader.rows(COUNT))
    assert turns > 5


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_long_statement_stops_when_nobody_waits(db: Database) -> None:
    """Its thread ends long before the statement would."""
    endless = Statement(lambda _: select(literal_column(NUMBERS.replace("1000000", "1000000000"), Integer)))

    async def ask() -> None:
        async with db.direct() as reader:
            await reader.rows(endless)

    asking = asyncio.ensure_future(ask())
    await asyncio.sleep(0.05)
    began = time.monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert time.monotonic() - began < 2
    assert 0 == await _count(db)
