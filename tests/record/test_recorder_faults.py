"""What callers are told when something fails, and that it is true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, exc, select, text

from promptgraph.domain.call import LlmCall, NewCall
from promptgraph.domain.call_ids import ID_BYTES
from promptgraph.domain.names import global_id
from promptgraph.domain.prompt import Prompt
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import CROWDED, STOPPING, UNKNOWN, UNSTORABLE, Recorded, Recorder
from promptgraph.store.attempts import ATTEMPTS
from promptgraph.store.bulk import within
from promptgraph.store.call_tables import RECORD_BATCHES
from promptgraph.store.call_writes import add_calls
from promptgraph.store.database import Database
from promptgraph.store.tables import PROMPTS
from tests.hearing import Hears, heard
from tests.record.conftest import now
from tests.record.test_recorder import codes, figures, new, stored_calls
from tests.store.stock import stock, stock_version
from tests.sync.faults import failing_at


def sentences(results: list[Recorded]) -> set[str]:
    return {str(each.error) for each in results}


async def test_row_that_the_database_refuses_holds_up_no_other(
    db: Database, recorder: Recorder, prompt: Prompt
) -> None:
    """Among 100 rows, two whose prompt is gone meanwhile are rejected, the others recorded and counted."""
    async with db.write() as session:
        gone = await stock_version(session, prompt.family.id, "triage", 3)
    doomed = new(prompt, prompt_id=global_id("Prompt", "triage", 3))
    await recorder.record([doomed])
    async with db.write() as session:
        await session.execute(text("DELETE FROM llm_calls"))
        await session.execute(delete(PROMPTS).where(PROMPTS.c.id == gone))
    calls = [new(prompt) for _ in range(100)]
    calls[17] = new(prompt, prompt_id=doomed.prompt_id)
    calls[80] = new(prompt, prompt_id=doomed.prompt_id)
    results = await recorder.record(calls)
    refused = {place for place, code in enumerate(codes(results)) if code != "RECORDED"}
    assert {17, 80} == refused
    assert {UNSTORABLE} == sentences([results[17], results[80]])
    assert (98, 99) == (await stored_calls(db), (await figures(db))["calls"])


def gone(statement: str, _: Any) -> None:
    if statement == "COMMIT":
        raise OSError


def refused(statement: str, _: Any) -> None:
    if statement == "COMMIT":
        raise exc.IntegrityError("COMMIT", {}, Exception())


@pytest.mark.parametrize(
    ("failure", "kept"),
    [
        pytest.param({"before": gone}, 0, id="gone"),
        pytest.param({"before": refused}, 0, id="refused"),
        pytest.param({"after": gone}, 20, id="done, and its answer does not arrive"),
    ],
)
async def test_failed_commit_is_unknown_to_all(
    db: Database, recorder: Recorder, prompt: Prompt, failure: dict[str, Hears], kept: int
) -> None:
    """Nobody is told yes, nobody a definite no; a retry with the same ids then is exact."""
    await recorder.record([new(prompt)])  # the prompt is known
    calls = [new(prompt) for _ in range(20)]
    with heard(db, **failure):
        results = await recorder.record(calls)
    assert {"UNAVAILABLE"} == set(codes(results))
    assert all(each.error and each.error.retryable for each in results)
    assert 1 + kept == await stored_calls(db)
    again = await recorder.record(calls)
    assert {"DUPLICATE" if kept else "RECORDED"} == set(codes(again))
    assert (21, 21) == (await stored_calls(db), (await figures(db))["calls"])


@pytest.mark.faults
@pytest.mark.parametrize("step", range(1, 10))
async def test_any_statement_may_fail(db: Database, prompt: Prompt, step: int) -> None:
    """Whichever statement loses the database: unavailable and not there, or recorded; a retry ends it."""
    recorder = Recorder(db, PriceBook(), now=now)
    calls = [new(prompt, agent="bot", variables={"ticket": "x"}) for _ in range(5)]
    sent = 0

    def fail(*_: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == step:
            raise OSError

    with heard(db, fail):
        results = await recorder.record(calls)
    expected = "UNAVAILABLE" if sent >= step else "RECORDED"
    assert {expected} == set(codes(results))
    assert (0 if sent >= step else 5) == await stored_calls(db) == (await figures(db))["calls"]
    assert {"RECORDED", "DUPLICATE"} >= set(codes(await recorder.record(calls)))
    assert 5 == await stored_calls(db) == (await figures(db))["calls"]
    await recorder.stop()


async def test_mistake_in_the_code_ends_no_recorder(
    db: Database, recorder: Recorder, prompt: Prompt, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw is logged; the callers are told that nobody knows; the next call is recorded."""
    await recorder.record([new(prompt)])
    call = new(prompt)
    with failing_at(db, 2), caplog.at_level(logging.ERROR, "promptgraph.record"):
        results = await recorder.record([call, new(prompt)])
        await asyncio.sleep(0)
    assert {UNKNOWN} == sentences(results)
    assert "The writer of calls failed" in caplog.text
    assert ["RECORDED"] == codes(await recorder.record([call]))


@asynccontextmanager
async def stalled(db: Database, url: str) -> AsyncIterator[None]:
    """Inside, nobody else can write calls."""
    other = Database(url)
    async with other.write() as session:
        # on SQLite to have begun is enough
        await session.execute(text("LOCK TABLE llm_calls" if db.dialect == "postgresql" else "SELECT 1"))
        yield
    await other.close()


async def waiting(recorder: Recorder, rows: int) -> None:
    """Until so many rows wait to be written."""
    async with asyncio.timeout(10):
        while len(recorder._queue) < rows:  # noqa: ASYNC110, SLF001  # nothing outside tells it
            await asyncio.sleep(0.001)


async def test_full_queue_refuses_at_once(db: Database, url: str, prompt: Prompt) -> None:
    """While the database stalls a bounded number waits; more are told to try again; then all is written."""
    recorder = Recorder(db, PriceBook(), now=now, queue_limit=5, batch=2)
    await recorder.record([new(prompt)])
    async with stalled(db, url):
        calls = [new(prompt) for _ in range(8)]
        callers = [asyncio.create_task(recorder.record(calls))]
        await waiting(recorder, 5)
        late = await recorder.record([new(prompt)])
        assert not callers[0].done()
    (results,) = await asyncio.gather(*callers)
    assert {CROWDED} == sentences(late)
    assert ["RECORDED"] * 5 + ["UNAVAILABLE"] * 3 == codes(results)
    assert {CROWDED} == sentences(results[5:])
    assert 6 == await stored_calls(db)
    await recorder.stop()


async def test_large_rows_fill_the_queue_sooner(db: Database, url: str, prompt: Prompt) -> None:
    """What waits is bounded by its size, too; small rows still find room, and room comes back."""
    recorder = Recorder(db, PriceBook(), now=now, queue_bytes=40_000)
    await recorder.record([new(prompt)])
    large = [new(prompt, output="x" * 10_000) for _ in range(3)]
    async with stalled(db, url):
        calls = [*large, *(new(prompt) for _ in range(3))]
        callers = [asyncio.create_task(recorder.record(calls))]
        await waiting(recorder, 4)
    (results,) = await asyncio.gather(*callers)
    assert ["RECORDED", "RECORDED", "UNAVAILABLE"] * 2 == codes(results)
    assert {CROWDED} == sentences([results[2], results[5]])
    assert ["RECORDED"] * 3 == codes(await recorder.record([*large[2:], new(prompt), new(prompt)]))
    assert 8 == await stored_calls(db)
    await recorder.stop()


async def test_large_rows_share_no_commit(
    db: Database, recorder: Recorder, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit holds so many bytes at most, one row at least."""
    monkeypatch.setattr("promptgraph.record.recorder.BATCH_BYTES", 10_000)
    await recorder.record([new(prompt, output="x" * 20_000), *(new(prompt) for _ in range(5))])
    async with db.read() as session:
        packed = await session.scalars(select(RECORD_BATCHES.c.call_ids).order_by(RECORD_BATCHES.c.id))
    assert [1, 2, 2, 1] == [len(ids) // ID_BYTES for ids in packed]


def collided(*_: Any) -> None:
    error = Exception()
    error.sqlstate = "40001"  # type: ignore[attr-defined]  # as the driver's have
    raise exc.DBAPIError("INSERT", {}, error)


async def test_conflicts_without_end_are_given_up(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """After a bounded number of attempts: unavailable, and not there; a retry is exact."""
    await recorder.record([new(prompt)])
    call = new(prompt)
    begun = 0

    def collide(*_: Any) -> None:
        nonlocal begun
        begun += 1
        collided()

    with heard(db, collide):
        (result,) = await recorder.record([call])
    assert (["UNAVAILABLE"], ATTEMPTS) == (codes([result]), begun)
    assert ["RECORDED"] == codes(await recorder.record([call]))
    assert 2 == await stored_calls(db) == (await figures(db))["calls"]


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    ("attempts", "expected"),
    [(ATTEMPTS, ["IDEMPOTENCY_CONFLICT", "IDEMPOTENCY_CONFLICT", "RECORDED"]), (1, ["UNAVAILABLE"] * 3)],
    ids=["again", "control: once"],
)
async def test_deadlock_is_no_answer(
    db: Database,
    url: str,
    prompt: Prompt,
    monkeypatch: pytest.MonkeyPatch,
    attempts: int,
    expected: list[str],
) -> None:
    """The writer that loses a deadlock writes again: its callers notice nothing."""
    monkeypatch.setattr("promptgraph.store.attempts.ATTEMPTS", attempts)
    recorder = Recorder(db, PriceBook(), now=now)
    await recorder.record([new(prompt)])
    other = Database(url)
    first, second = (
        LlmCall(id=UUID(int=number), prompt_id=prompt.id, model="m", started_at=now(), recorded_at=now())
        for number in (1, 2)
    )
    async with other.write() as session:
        await session.execute(text("SET LOCAL deadlock_timeout = '1min'"))  # the recorder is to lose
        await within(session, partial(add_calls, calls=[second], contents=(), at=now()))
        calls = [new(prompt, call_id=each.id) for each in (first, second)]
        caller = asyncio.create_task(recorder.record([*calls, new(prompt)]))
        await asyncio.sleep(0.3)
        await within(session, partial(add_calls, calls=[first], contents=(), at=now()))
    assert expected == codes(await caller)
    await recorder.stop()
    await other.close()


@pytest.mark.parametrize("keyed", [True, False], ids=["with ids", "control: without"])
async def test_callers_may_go_away_at_any_moment(db: Database, prompt: Prompt, keyed: bool) -> None:  # noqa: FBT001  # a table's column
    """Whenever a caller is cancelled: sent again with the same id, its call is there once."""
    recorder = Recorder(db, PriceBook(), now=now)
    await recorder.record([new(prompt, agent="bot")])
    calls = [new(prompt, agent="bot", **({} if keyed else {"call_id": None})) for _ in range(40)]
    for moment, call in enumerate(calls):
        leaving = asyncio.create_task(recorder.record([call]))
        await asyncio.sleep(moment * 0.0005)
        leaving.cancel()
        await asyncio.wait([leaving])
    assert {"RECORDED", "DUPLICATE"} >= set(codes(await recorder.record(calls)))
    await recorder.stop()
    stored = await stored_calls(db)
    assert stored == (await figures(db))["calls"]
    assert (stored == 41) == keyed


async def test_caller_that_goes_away_takes_nothing_back(
    db: Database, url: str, recorder: Recorder, prompt: Prompt
) -> None:
    """Its rows and those of the others in the same commit are written."""
    await recorder.record([new(prompt)])
    async with stalled(db, url):
        leaving = asyncio.create_task(recorder.record([new(prompt), new(prompt)]))
        staying = asyncio.create_task(recorder.record([new(prompt)]))
        await waiting(recorder, 3)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
    assert ["RECORDED"] == codes(await staying)
    assert 4 == await stored_calls(db)


async def test_stop_writes_what_waits(db: Database, url: str, prompt: Prompt) -> None:
    """Accepted calls are written and answered; later ones are sent elsewhere, until it starts again."""
    recorder = Recorder(db, PriceBook(), now=now, batch=7)
    await recorder.record([new(prompt)])
    async with stalled(db, url):
        callers = [asyncio.create_task(recorder.record([new(prompt)] * 2)) for _ in range(30)]
        await waiting(recorder, 60)
        stopping = asyncio.create_task(recorder.stop())
        await asyncio.sleep(0)
        late = await recorder.record([new(prompt)])
    await stopping
    answers = await asyncio.gather(*callers)
    assert {"RECORDED", "DUPLICATE"} == {code for each in answers for code in codes(each)}
    assert [STOPPING] == [str(each.error) for each in late] and late[0].error and late[0].error.retryable
    assert 31 == await stored_calls(db)
    await recorder.start()
    assert ["RECORDED"] == codes(await recorder.record([new(prompt)]))
    await recorder.stop()
    await recorder.stop()


async def test_calls_that_wait_share_a_commit(
    db: Database, url: str, recorder: Recorder, prompt: Prompt
) -> None:
    """What arrives while the database is busy goes into the next commit together."""
    await recorder.record([new(prompt)])
    commits = 0

    def count(statement: str, _: Any) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    async with stalled(db, url):
        callers = [asyncio.create_task(recorder.record([new(prompt)])) for _ in range(60)]
        await waiting(recorder, 60)
    with heard(db, count):
        await asyncio.gather(*callers)
    assert commits <= 2
    assert 61 == await stored_calls(db)


async def test_database_out_of_reach(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """Prompts that cannot be looked up make every call unavailable, never a definite no."""

    def fail(*_: Any) -> None:
        raise OSError

    with heard(db, fail):
        results = await recorder.record([new(prompt), NewCall(model="m")])
    assert ["UNAVAILABLE", "UNAVAILABLE"] == codes(results)


async def test_recorders_that_meet_do_not_deadlock(db: Database, url: str, prompt: Prompt) -> None:
    """The same ids from four sides in different orders: each once."""
    databases = [Database(url) for _ in range(4)]
    recorders = [Recorder(each, PriceBook(), now=now) for each in databases]
    async with db.write() as session:
        await stock(session, "other")
    calls = [new(prompt, started_at=now()) for _ in range(200)]
    orders = [calls, calls[::-1], calls[100:] + calls[:100], calls[::2] + calls[1::2]]
    answers = await asyncio.gather(
        *(each.record(order) for each, order in zip(recorders, orders, strict=True))
    )
    found = [code for each in answers for code in codes(each)]
    assert (200, 600) == (found.count("RECORDED"), found.count("DUPLICATE"))
    assert 200 == await stored_calls(db) == (await figures(db))["calls"]
    for each, other in zip(recorders, databases, strict=True):
        await each.stop()
        await other.close()
