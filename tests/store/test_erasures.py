"""Erasing, statement by statement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from promptgraph.domain.erasure import Erasure
from promptgraph.store.database import Database, Session
from promptgraph.store.erasures import erasable_calls, erase_calls, next_named
from tests.store.call_stock import call, store_calls
from tests.store.plans import count_rows, plan_of

ONES = tuple(UUID(int=number) for number in range(1, 11))
USER = Erasure(reason="asked", user_id="7")
TALK = Erasure(reason="asked", conversation_id="7")
IDS = Erasure(reason="asked", call_ids=ONES)
READS: dict[str, tuple[str, Callable[[Session], Awaitable[Any]]]] = {
    "user": ("user_id", lambda s: next_named(s, USER, 100)),
    "conversation": ("conversation_id", lambda s: next_named(s, TALK, 100)),
    "count of a user": ("user_id", lambda s: erasable_calls(s, USER)),
    "ids": ("pk_llm_calls", lambda s: next_named(s, IDS, 100)),
}


@pytest.fixture
async def filled(db: Database) -> Database:
    """5 000 calls of 500 users."""
    rows = [call(n, conversation_id=f"{n % 500}", user_id=f"{n % 500}") for n in range(1, 5001)]
    async with db.write() as session:
        await store_calls(session, rows)
    await count_rows(db)
    return db


async def test_calls_are_found_by_their_index(filled: Database, sent: list[tuple[str, Any]]) -> None:
    """No table is walked for the few calls of a user."""
    async with filled.read() as session:
        for name, (index, read) in READS.items():
            sent.clear()
            await read(session)
            plan = "\n".join(await plan_of(session, *sent[0]))
            assert index in plan or "sqlite_autoindex_llm_calls_1" in plan, (name, plan)


async def test_calls_are_erased_by_their_ids(filled: Database, sent: list[tuple[str, Any]]) -> None:
    """In four statements, none of which walks a table; once more erases none."""
    async with filled.write() as session:
        sent.clear()
        assert 10 == await erase_calls(session, ONES)
        assert 4 == len(sent)
        for statement in list(sent):
            plan = "\n".join(await plan_of(session, *statement))
            assert "SCAN" not in plan and "Seq Scan on llm_calls" not in plan, plan
        assert 0 == await erase_calls(session, ONES)
        assert 0 == await erasable_calls(session, IDS)
        assert 9 == await erasable_calls(session, USER)
