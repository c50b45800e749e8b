"""A commit counts once the standby has it: a wait for the standby that somebody ends is no success."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from promptgraph.domain.call import NewCall, RecordStatus
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.registry import SyncOrigin
from promptgraph.record import earlier, recorder
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store.database import Database
from promptgraph.store.registry import advance_revision
from promptgraph.sync.apply import sync_tree
from tests.conftest import or_skipped
from tests.factories import prompt_yaml
from tests.faults.cluster import Pair, pair
from tests.sync.trees import NOON, tree

FILES = {"triage.prompt.yaml": prompt_yaml(1, "Pick a queue for {{ ticket }}")}
PATIENCE_S = 60.0
"""Nothing here waits so long."""
CANCEL = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture(scope="module")
def both() -> Iterator[Pair]:
    """A primary, and the standby that its commits wait for."""
    with or_skipped(), pair() as made:
        yield made


@pytest.fixture
async def db(both: Pair) -> AsyncIterator[Database]:
    """The primary, with patience; nobody there waits any more when it ends."""
    made = Database(both.primary.url, patience=PATIENCE_S)
    yield made
    both.standby.thaw()
    await made.close()


async def advance(db: Database) -> None:
    async with db.write() as session:
        await advance_revision(session)


async def cancelled(both: Pair, act: Awaitable[Any]) -> Any:
    """What `act` comes to when its commit waits for a standby that is frozen, and somebody ends the wait."""
    both.standby.freeze()
    running = asyncio.ensure_future(act)
    while not await asyncio.to_thread(both.primary.in_wait):
        assert not running.done(), "it did not wait for the standby"
    assert "1" == await asyncio.to_thread(both.primary.sql, CANCEL)
    return await running


async def test_cancelled_wait_is_no_success(db: Database, both: Pair) -> None:
    """A write session says that nobody knows; the next one is as usual."""
    with pytest.raises(StoreUnavailableError, match="nobody knows whether this lasts"):
        await cancelled(both, advance(db))
    both.standby.thaw()
    await advance(db)


async def test_cancelled_wait_of_a_transaction_at_once_is_no_success(db: Database, both: Pair) -> None:
    """The same for the recorder's way to commit."""
    update = "UPDATE registry SET revision = revision + 1"
    with pytest.raises(StoreUnavailableError, match="nobody knows whether this lasts"):
        await cancelled(both, db.at_once(lambda driver: driver.exec_driver_sql(update)))
    both.standby.thaw()
    await db.at_once(lambda driver: driver.exec_driver_sql(update))


async def test_without_a_listener_it_would_be_one(both: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: PostgreSQL itself answers a cancelled wait as a commit like any other."""
    monkeypatch.setattr("promptgraph.store.postgresql._Connection._hear", lambda *_: None)
    deaf = Database(both.primary.url, patience=PATIENCE_S)
    await cancelled(both, advance(deaf))
    both.standby.thaw()
    await deaf.close()


async def test_every_caller_of_the_batch_is_told(db: Database, both: Pair) -> None:
    """Of calls that shared the commit none is acknowledged, and none once more until the standby has it."""
    calls = [NewCall(call_id=uuid4(), prompt_id=None, model="gpt-4o") for _ in range(3)]
    calm = recording(db)
    found = await cancelled(both, calm.record(calls))
    assert [(RecordStatus.REJECTED, "UNAVAILABLE")] * 3 == [
        (each.status, each.error and each.error.code) for each in found
    ]
    await again(calm, calls, both)


async def again(calm: Recorder, calls: list[NewCall], both: Pair) -> None:
    """Send them once more: that waits for the standby, and then they are duplicates."""
    running = asyncio.ensure_future(calm.record(calls))
    while not await asyncio.to_thread(both.primary.in_wait):
        assert not running.done(), "it did not wait for the standby"
    both.standby.thaw()
    assert [RecordStatus.DUPLICATE] * 3 == [each.status for each in await running]
    await calm.stop()


async def test_without_confirming_a_retry_would_be_acknowledged(
    db: Database, both: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a transaction that only finds a call waits for nobody."""
    monkeypatch.setattr(recorder, "confirm", lambda *_: None)
    calls = [NewCall(call_id=uuid4(), prompt_id=None, model="gpt-4o")]
    hasty = recording(db)
    await cancelled(both, hasty.record(calls))
    assert [RecordStatus.DUPLICATE] == [each.status for each in await hasty.record(calls)]
    await hasty.stop()


async def test_call_that_would_be_refused_today_is_confirmed_too(
    db: Database, both: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was stored before calls without a prompt were refused."""
    calls = [NewCall(call_id=uuid4(), prompt_id=None, model="gpt-4o") for _ in range(3)]
    lenient, strict = recording(db), Recorder(db, PriceBook(), now=lambda: NOON)
    await cancelled(both, lenient.record(calls))
    await again(strict, calls, both)
    await lenient.stop()
    both.standby.freeze()
    monkeypatch.setattr(earlier, "confirm", lambda *_, **__: None)
    assert [RecordStatus.DUPLICATE] * 3 == [each.status for each in await strict.record(calls)]
    await strict.stop()


async def test_sync_that_changes_nothing_waits_all_the_same(db: Database, both: Pair) -> None:
    """One whose wait was cancelled is no success, and neither is the next one, which finds all in place."""
    with pytest.raises(StoreUnavailableError):
        await cancelled(both, synced(db))
    running = asyncio.ensure_future(synced(db))
    while not await asyncio.to_thread(both.primary.in_wait):
        assert not running.done(), "it did not wait for the standby"
    both.standby.thaw()
    assert (await running) == (0, 1)


async def synced(db: Database) -> tuple[int, int]:
    """How many versions were added, and how many were there."""
    run = (await sync_tree(db, tree(FILES), SyncOrigin(), now=lambda: NOON)).run
    assert run is not None
    return run.added, run.unchanged


def recording(db: Database) -> Recorder:
    return Recorder(db, PriceBook(), now=lambda: NOON, unlinked=True)
