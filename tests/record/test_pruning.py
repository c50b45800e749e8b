"""Pruning while others record, is killed, or prunes too: nothing is lost, and nothing comes back."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from promptgraph.domain.call import LlmCall, NewCall, RecordStatus
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.errors import InvalidRollupError, TooOldError
from promptgraph.domain.metrics_key import MetricsKey
from promptgraph.domain.retention import kept_from, start_of
from promptgraph.record import pace
from promptgraph.record.folder import Folder
from promptgraph.record.prices import PriceBook
from promptgraph.record.pruning import Pruned, prunable, prune
from promptgraph.record.recorder import Recorded, Recorder
from promptgraph.store.call_tables import LLM_CALLS, RECORD_BATCHES, ROLLUP_STATE, ROLLUPS, C, U
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from promptgraph.store.metrics import metrics
from promptgraph.store.retention import pruned_day
from promptgraph.store.rollups import DUE, fold
from tests.children import ROOT, surroundings
from tests.record.conftest import now
from tests.store.call_stock import NOON, store_calls
from tests.store.calls import ERROR, a_call

DAY = dt.timedelta(days=1)


@asynccontextmanager
async def recording(db: Database, **more: Any) -> AsyncIterator[Recorder]:
    """A server that takes calls without a prompt."""
    made = Recorder(db, PriceBook(), now=now, unlinked=True, **more)
    await made.start()
    yield made
    await made.stop()


def old(age: dt.timedelta, **more: Any) -> NewCall:
    return NewCall(call_id=uuid4(), model="m", started_at=now() - age, **more)


async def filled(db: Database, ages: Sequence[dt.timedelta], **more: Any) -> list[LlmCall]:
    """Calls of these ages, recorded just now."""
    at = now()
    calls = [a_call(at - age, **more)._replace(recorded_at=at) for age in ages]
    async with db.write() as session:
        await store_calls(session, calls)
    return calls


async def pruned(db: Database, days: int, **more: Any) -> Pruned:
    words: dict[str, Any] = {"now": now(), **more}
    return [done async for done in prune(db, days, **words)][-1]


async def stored(db: Database) -> set[UUID]:
    async with db.read() as session:
        return set((await session.scalars(select(C.id))).all())


async def counted(db: Database) -> int:
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey()], ["calls"])
    return answer.figures["calls"]


def codes(results: Sequence[Recorded]) -> list[str]:
    return [each.error.code if each.error else str(each.status) for each in results]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a few calls, and short pauses."""
    monkeypatch.setattr(pace, "FIRST_BATCH", 10)
    monkeypatch.setattr(pace, "MOST", 10)
    monkeypatch.setattr(pace, "SECONDS", 3600.0)
    monkeypatch.setattr(pace, "PAUSE_SECONDS", 0.001)


async def test_old_calls_go_and_figures_stay(db: Database) -> None:
    """Whole days of UTC; what would go is told before; once more there is nothing to do."""
    calls = await filled(db, [n * DAY for n in range(20)])
    at = now()
    foreseen = await prunable(db, 9, keep_errors=False, now=at)
    done = await pruned(db, 9, now=at)
    left = {call.id for call in calls if call.started_at >= start_of(done.before)}
    assert left == await stored(db)
    assert (kept_from(at, 9), 20 - len(left)) == (done.before, done.calls)
    assert (done.before, done.calls) == (foreseen[0], foreseen[1].calls)
    assert 20 == await counted(db)
    assert [] == await verify(db)
    assert 0 == (await pruned(db, 9)).calls
    async with db.read() as session:
        assert done.before == await pruned_day(session)


async def test_errors_stay_if_asked(db: Database) -> None:
    """They go with the next one that does not ask."""
    await filled(db, [15 * DAY] * 2)
    errors = await filled(db, [15 * DAY], status=ERROR)
    assert 2 == (await pruned(db, 9, keep_errors=True)).calls
    assert {errors[0].id} == await stored(db)
    assert [] == await verify(db)
    assert 1 == (await pruned(db, 9)).calls
    assert 3 == await counted(db)


async def test_retry_of_a_pruned_call_is_too_old(db: Database) -> None:
    """Nor is a call that only its id tells the age of; what is still there is a duplicate."""
    gone, error, live = old(12 * DAY), old(12 * DAY, status=ERROR), old(2 * DAY)
    dated = NewCall(
        call_id=UUID(int=(int((now() - 12 * DAY).timestamp() * 1000) << 80) | new_call_id().int % 2**80),
        model="m",
    )
    async with recording(db) as recorder:
        await recorder.record([gone, error, live])
        await pruned(db, 9, keep_errors=True)
        results = await recorder.record([gone, error, live, dated, old(10 * DAY), old(8 * DAY)])
    assert ["TOO_OLD", "DUPLICATE", "DUPLICATE", "TOO_OLD", "TOO_OLD", "RECORDED"] == codes(results)
    assert ["startedAt", "callId"] == [each.error.field for each in results[::3] if each.error]
    assert 4 == await counted(db)
    assert [] == await verify(db)


async def test_retention_refuses_before_anybody_prunes(db: Database) -> None:
    """The same midnight as pruning; what was recorded before the setting is a duplicate."""
    first, second = old(10 * DAY), old(10 * DAY)
    async with recording(db) as recorder:
        await recorder.record([first])
    async with recording(db, retention_days=9) as recorder:
        results = await recorder.record([first, second, old(8 * DAY)])
    assert ["DUPLICATE", "TOO_OLD", "RECORDED"] == codes(results)
    error = results[1].error
    assert isinstance(error, TooOldError) and "T00:00:00+00:00 or later" in str(error)


class Crowd:
    """Callers who record old and new calls at full speed, now and then one of them again."""

    def __init__(self) -> None:
        self.answered: list[tuple[NewCall, Recorded]] = []
        self.chance = random.Random(1)  # noqa: S311  # ages, no secrets
        self.longest = 0.0
        self.going = True

    async def call(self, recorder: Recorder) -> None:
        clock = asyncio.get_running_loop().time
        while self.going:
            calls = [old(self.chance.choice([0, 0, 0, self.chance.random() * 14]) * DAY) for _ in range(10)]
            calls += [call for call, _ in self.chance.sample(self.answered, min(3, len(self.answered)))]
            began = clock()
            self.answered.extend(zip(calls, await recorder.record(calls), strict=True))
            self.longest = max(self.longest, clock() - began)

    def with_status(self, status: RecordStatus) -> list[NewCall]:
        return [call for call, result in self.answered if result.status is status]


@asynccontextmanager
async def crowded(dbs: Sequence[Database]) -> AsyncIterator[Crowd]:
    """Such callers at a server on each of these, the first of which folds."""
    crowd, folder = Crowd(), Folder(dbs[0], pause=0.05)
    async with AsyncExitStack() as stack:
        folder.start()
        stack.push_async_callback(folder.stop)
        recorders = [await stack.enter_async_context(recording(db)) for db in dbs]
        callers = [asyncio.create_task(crowd.call(recorder)) for recorder in recorders for _ in range(2)]
        yield crowd
        crowd.going = False
        await asyncio.gather(*callers)


async def test_recording_goes_on_while_calls_are_pruned(db: Database, url: str) -> None:
    """Up to a later and later day: what was answered RECORDED is in the figures once, every live call is
    there, no old one comes back, and nobody waits for long.
    """
    before = await filled(db, [n * 14 * DAY / 200 for n in range(200)])
    others = [Database(url), Database(url)]
    async with crowded([db, others[0]]) as crowd:
        removed = [await pruned(others[1], days, check=days == 8) for days in (11, 8)]
    for other in others:
        await other.close()
    assert min(each.calls for each in removed) > 10
    rejected = {result.error.code for _, result in crowd.answered if result.error}
    recorded = {call.call_id: call for call in crowd.with_status(RecordStatus.RECORDED)}
    assert len(recorded) == len(crowd.with_status(RecordStatus.RECORDED)) > 20
    assert {"TOO_OLD"} == rejected
    assert crowd.longest < 5
    assert len(before) + len(recorded) == await counted(db)
    since = start_of(removed[1].before)
    kept = {id_ for id_, call in recorded.items() if call.started_at and call.started_at >= since}
    assert kept | {call.id for call in before if call.started_at >= since} == await stored(db)
    assert [] == await verify(db)
    async with recording(db) as recorder:
        gone = [call for id_, call in recorded.items() if id_ not in kept][:50]
        assert {"TOO_OLD"} == set(codes(await recorder.record(gone)))


@pytest.mark.usefixtures("small")
async def test_two_at_once_share_the_work(db: Database, url: str) -> None:
    """Each call is removed by one of them; the later day counts for both."""
    await filled(db, [20 * DAY] * 60)
    other = Database(url)
    done = await asyncio.gather(pruned(db, 9), pruned(other, 8))
    await other.close()
    assert 60 == sum(each.calls for each in done)
    assert set() == await stored(db)
    assert 60 == await counted(db)
    async with db.read() as session:
        assert done[1].before == await pruned_day(session)
    assert done[0].before in {done[1].before, done[1].before - 1}


async def test_killed_in_the_middle(db: Database, url: str) -> None:
    """kill -9: whole batches are gone, figures stay, and the next one does the rest."""
    await filled(db, [20 * DAY] * 30)
    words = ("-m", "tests.record.pruning_child", url, "9")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, env=surroundings(), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    while (line := await process.stdout.readline()).strip() in {b"0", b"3"}:
        pass
    process.kill()
    await process.wait()
    assert b"6\n" == line
    left = len(await stored(db))
    assert 0 < left <= 24
    assert 30 == await counted(db)
    assert [] == await verify(db)
    assert left == (await pruned(db, 9)).calls
    assert 30 == await counted(db)


async def test_clock_that_goes_back_keeps_the_watermark(db: Database) -> None:
    """What was refused stays refused; the next prune removes nothing more, and nothing less."""
    await filled(db, [20 * DAY, 3 * DAY])
    first = await pruned(db, 9)
    await filled(db, [12 * DAY])  # one that was recorded just before
    again = await pruned(db, 9, now=now() - 300 * DAY)
    assert (first.before, 1, 1) == (again.before, first.calls, again.calls)


@pytest.mark.parametrize("recorded", [dt.timedelta(), 30 * DAY], ids=["a wrong host", "a wrong database"])
async def test_clock_that_is_far_ahead_locks_nobody_out(db: Database, recorded: dt.timedelta) -> None:
    """Of two clocks the slower one counts, and neither is believed beyond what was recorded last."""
    calls = await filled(db, [40 * DAY, recorded])
    async with db.write() as session:
        await session.execute(update(LLM_CALLS).values(recorded_at=now() - recorded))
    done = await pruned(db, 8, now=now() + 900 * DAY)
    latest = kept_from(now() - recorded, 0) if recorded else kept_from(now(), 8)
    assert (latest, 1) == (done.before, done.calls)
    assert {calls[1].id} == await stored(db)


async def test_wrong_figures_are_not_left_without_their_calls(db: Database) -> None:
    """Where they differ nothing goes, unless somebody says so; adopted calls that nothing counts stay too."""
    await filled(db, [20 * DAY, DAY])
    await fold(db)
    async with db.write() as session:
        await session.execute(update(ROLLUP_STATE).values(rebuild=DUE))
    for check in (True, False):
        with pytest.raises(InvalidRollupError, match="Adopted calls"):
            await pruned(db, 9, check=check)
    async with db.write() as session:
        await session.execute(update(ROLLUP_STATE).values(rebuild=None))
        await session.execute(update(ROLLUPS).values(calls=U.calls + 1))
    with pytest.raises(InvalidRollupError, match="nothing was removed"):
        await pruned(db, 9)
    assert 2 == len(await stored(db))
    async with db.read() as session:
        assert None is await pruned_day(session)
    assert 1 == (await pruned(db, 9, check=False)).calls


async def test_ledger_forgets_them_too(db: Database) -> None:
    """But for what was recorded in the last minutes, which others may follow."""
    for _ in range(2):
        await filled(db, [20 * DAY])
    await fold(db, now=NOON)
    async with db.write() as session:
        ids = (await session.scalars(select(RECORD_BATCHES.c.id).order_by(RECORD_BATCHES.c.id))).all()
        late = update(RECORD_BATCHES).where(RECORD_BATCHES.c.id == ids[1])
        await session.execute(late.values(recorded_at=now()))
    await pruned(db, 9)
    async with db.read() as session:
        assert [ids[1]] == (await session.scalars(select(RECORD_BATCHES.c.id))).all()
