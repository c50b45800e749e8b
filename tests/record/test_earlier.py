"""A retry of what is stored is a duplicate, whatever became of its prompt meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from promptgraph.domain.call import CallStatus, LlmCall, NewCall
from promptgraph.domain.call_hash import idempotency_hash
from promptgraph.domain.names import global_id
from promptgraph.domain.prompt import Prompt
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store import registry
from promptgraph.store.bulk import within
from promptgraph.store.call_writes import add_calls
from promptgraph.store.database import Database
from promptgraph.store.tables import FAMILIES, PROMPTS
from tests.record.conftest import now
from tests.record.test_recorder import TICKET, codes, figures, new, stored_calls

Change = Callable[[Database, Prompt], Awaitable[None]]


@asynccontextmanager
async def recording(db: Database, *, unlinked: bool = False) -> AsyncIterator[Recorder]:
    """A server that has just started: it remembers no prompt."""
    made = Recorder(db, PriceBook(), now=now, unlinked=unlinked)
    yield made
    await made.stop()


async def retired(db: Database, prompt: Prompt) -> None:
    async with db.write() as session:
        await registry.retire_family(session, prompt.family.id, at=now())


async def renamed(db: Database, prompt: Prompt) -> None:
    """And no file says what its name was."""
    async with db.write() as session:
        for table, column in ((FAMILIES, FAMILIES.c.id), (PROMPTS, PROMPTS.c.family_id)):
            await session.execute(update(table).where(column == prompt.family.id).values(name="sorted"))


async def replaced(db: Database, prompt: Prompt) -> None:
    """As a draft is, by another text."""
    async with db.write() as session:
        other = update(PROMPTS).where(PROMPTS.c.id == prompt.id).values(content_hash="f" * 64)
        await session.execute(other)


CHANGES: dict[str, tuple[Change, str]] = {
    "retired": (retired, "RECORDED"),
    "renamed": (renamed, "NOT_FOUND"),
    "replaced": (replaced, "PROMPT_MISMATCH"),
}


@pytest.mark.parametrize(("change", "fresh"), CHANGES.values(), ids=CHANGES)
async def test_retry_is_a_duplicate(db: Database, prompt: Prompt, change: Change, fresh: str) -> None:
    """The stored call is the answer and nothing is added; a call that was never stored gets what is due."""
    call = new(prompt, prompt_hash=prompt.content_hash, variables=TICKET, agent="bot", latency_ms=2.5)
    async with recording(db) as recorder:
        (first,) = await recorder.record([call])
    await change(db, prompt)
    async with recording(db) as recorder:
        again, other = await recorder.record([call, call._replace(call_id=uuid4())])
        (keyless,) = await recorder.record([call._replace(call_id=None)])
    assert ["DUPLICATE", fresh, fresh] == codes([again, other, keyless])
    assert first.call == again.call
    stored = 1 + 2 * (fresh == "RECORDED")
    assert stored == await stored_calls(db) == (await figures(db))["calls"]


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "other content": ({"output_tokens": 7}, "NOT_FOUND"),
    "another version": ({"prompt_id": global_id("Prompt", "triage", 3)}, "NOT_FOUND"),
    "no row of the registry": ({"prompt_id": "999999"}, "NOT_FOUND"),
    "no prompt": ({"prompt_id": None}, "INVALID_INPUT"),
    "no id": ({"prompt_id": "triage"}, "INVALID_INPUT"),
}


@pytest.mark.parametrize(("changes", "code"), OTHERS.values(), ids=OTHERS)
async def test_another_call_stays_refused(
    db: Database, prompt: Prompt, changes: dict[str, Any], code: str
) -> None:
    """What cannot have been the stored call is no duplicate of it."""
    call = new(prompt)
    async with recording(db) as recorder:
        await recorder.record([call])
    await renamed(db, prompt)
    async with recording(db) as recorder:
        results = await recorder.record([call._replace(**changes), call])
    assert [code, "DUPLICATE"] == codes(results)


async def test_retry_without_a_prompt(db: Database) -> None:
    """A server that no longer takes such calls still knows those that it took."""
    calls = [NewCall(call_id=uuid4(), model="m") for _ in range(2)]
    async with recording(db, unlinked=True) as recorder:
        await recorder.record(calls[:1])
    async with recording(db) as recorder:
        assert ["DUPLICATE", "INVALID_INPUT"] == codes(await recorder.record(calls))


async def test_retry_of_what_is_too_old_by_now(db: Database, prompt: Prompt) -> None:
    """A call that is still there was in time when it came first."""
    start = dt.datetime(1999, 12, 31, tzinfo=dt.UTC)
    call = new(prompt, started_at=start)
    stored = LlmCall(
        id=call.call_id or uuid4(),
        prompt_id=prompt.id,
        model=call.model,
        status=CallStatus.OK,
        started_at=start,
        recorded_at=start,
        content_hash=idempotency_hash(call, prompt.id),
    )
    async with db.write() as session:
        await within(session, partial(add_calls, calls=[stored], contents=(), at=now()))
    async with recording(db) as recorder:
        results = await recorder.record([call, new(prompt, started_at=start)])
    assert ["DUPLICATE", "TOO_OLD"] == codes(results)
    assert stored == results[0].call
