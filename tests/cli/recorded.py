"""Calls recorded into the database of the working folder."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from promptgraph.domain.call import NewCall, RecordStatus
from promptgraph.domain.prompt import prompt_global_id
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store.database import Database
from tests.cli.conftest import Command

URL = "sqlite:///.promptgraph/promptgraph.db"
PROMPT = prompt_global_id("support/answer", 1)
START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def new_call(number: int = 0, **more: Any) -> NewCall:
    """A call of the starter's prompt, so many minutes after START."""
    facts: dict[str, Any] = {"model": "gpt-5-mini", "started_at": START + dt.timedelta(minutes=number)}
    return NewCall(prompt_id=PROMPT, **facts | more)


def record(*calls: NewCall) -> None:
    """Record these calls, as a server would."""
    asyncio.run(_recorded(calls))


async def _recorded(calls: Sequence[NewCall]) -> None:
    db = Database(URL)
    recorder = Recorder(db, PriceBook(), now=lambda: dt.datetime.now(dt.UTC))
    await recorder.start()
    results = await recorder.record(calls)
    await recorder.stop()
    await db.close()
    assert {RecordStatus.RECORDED} == {result.status for result in results}, results


@pytest.fixture
def synced(prompts: object, cli: Command) -> None:
    """A registry with the starter's prompts."""
    assert prompts
    cli("db", "upgrade")
    cli("sync")
