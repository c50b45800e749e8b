"""A registry with prompts, and a recorder before it, on each engine in turn."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import pytest

from promptgraph.domain.prompt import Message, MessageRole, Prompt, PromptContent
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store.database import Database
from promptgraph.store.prompts import PromptRef, prompts_by_ref
from tests.store.stock import stock, stock_version

CANARY = "The quick canary sings at noon"
CONTENT = PromptContent(
    messages=(Message(MessageRole.SYSTEM, CANARY), Message(MessageRole.USER, "{{ ticket }} {{ card }}")),
    input_schema={
        "type": "object",
        "required": ["ticket"],
        "properties": {
            "ticket": {"type": "string", "maxLength": 40},
            "card": {"type": "string", "maxLength": 4, "x-sensitive": True},
        },
    },
    input_default={"card": ""},
)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
async def prompt(db: Database) -> Prompt:
    """`triage@2`, whose variable `card` is sensitive."""
    async with db.write() as session:
        family = await stock(session, "triage")
        await stock_version(session, family.id, "triage", 2, content=CONTENT)
    async with db.read() as session:
        (found,) = await prompts_by_ref(session, [PromptRef("triage", 2)])
    assert found is not None
    return found


@pytest.fixture
async def recorder(db: Database) -> AsyncIterator[Recorder]:
    """A recorder that refuses unlinked calls."""
    made = Recorder(db, PriceBook(), now=now)
    await made.start()
    yield made
    await made.stop()
