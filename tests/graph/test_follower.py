"""The task behind subscriptions: when it asks, what it makes of faults, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.errors import EventsMissedError, StoreUnavailableError
from promptgraph.graph import follower
from promptgraph.graph.live import Live
from promptgraph.store.database import Database, Session
from tests.conftest import Statements
from tests.graph.recording import call, call_id, recorded
from tests.graph.registry import ask
from tests.graph.subscribing import PATIENCE_S, subscribed

CALLS = "subscription{llmCallRecorded{callId}}"
MOVED = "subscription{promptLabelMoved{label}}"
SET = """mutation($i:SetPromptLabelInput!){setPromptLabel(input:$i){errors{message}}}"""


async def test_nothing_is_asked_once_the_last_subscriber_has_gone(
    stocked: Database, statements: Statements
) -> None:
    """The follower ends with its last subscriber, and begins again with the next."""

    async def sent() -> int:
        """How many statements are sent in a while."""
        before = len(statements)
        await asyncio.sleep(4 * (follower.BREATH_SECONDS + follower.PAUSE_SECONDS))
        return len(statements) - before

    async with subscribed(stocked, CALLS), subscribed(stocked, MOVED):
        assert await sent()
    async with asyncio.timeout(PATIENCE_S):
        while await sent():
            pass  # a look may be under way
    async with subscribed(stocked, CALLS) as again:
        await recorded(stocked, call(1))
        assert {"callId": call_id(1)} == await again.datum()


async def test_what_this_process_records_is_told_at_once(stocked: Database) -> None:
    """Its subscribers are woken, and need not wait for the clock."""
    own = Live(stocked.read, pause=2 * PATIENCE_S)
    events = await own.calls(LlmCallFilter())
    await recorded(stocked, call(1))
    own.wake()
    async with asyncio.timeout(PATIENCE_S):
        assert [call_id(1)] == [str(key) for key in await anext(events)]
    await own.stop()


class Cable:
    """A way to a database that can be pulled out, and looked into."""

    def __init__(self, db: Database) -> None:
        self.out = False
        self._db = db

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Session]:
        if self.out:
            raise StoreUnavailableError("Out of reach.")
        async with self._db.read() as session:
            yield session


async def test_a_database_that_was_away_for_a_moment_loses_no_event(stocked: Database) -> None:
    """What was recorded by others meanwhile is told when it is back."""
    cable = Cable(stocked)
    own = Live(cable.read, pause=0.01)
    events = await own.calls(LlmCallFilter())
    cable.out = True
    await recorded(stocked, call(1), call(2))
    await asyncio.sleep(0.2)
    cable.out = False
    assert [call_id(1), call_id(2)] == [str(key) for key in await anext(events)]
    await own.stop()
    with pytest.raises(StoreUnavailableError):
        await anext(events)


async def test_subscribers_of_a_database_that_stays_away_are_told(
    stocked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever in silence."""
    monkeypatch.setattr(follower, "AWAY_SECONDS", 0.1)
    cable = Cable(stocked)
    own = Live(cable.read, pause=0.01)
    events = await own.calls(LlmCallFilter())
    cable.out = True
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(EventsMissedError):
            await anext(events)


async def test_a_follower_that_fails_says_so_and_starts_again(
    stocked: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake in the code ends its subscriptions with an answer; the next subscriber is served."""

    async def mistaken(*_: object) -> None:
        raise ZeroDivisionError

    async with subscribed(stocked, MOVED) as subscriber:
        with monkeypatch.context() as patch:
            patch.setattr("promptgraph.graph.live.registry_marks", mistaken)
            payload = await subscriber.payload()
        assert "EVENTS_MISSED" == payload["errors"][0]["extensions"]["code"]
        assert await subscriber.ends()
    assert "ZeroDivisionError" in caplog.text
    async with subscribed(stocked, MOVED) as again:
        await ask(stocked, SET, i={"name": "support/answer", "label": "beta", "version": 1})
        assert "beta" == (await again.datum())["label"]
