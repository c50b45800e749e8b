"""What callers are told when something fails, and that it is true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from sqlalchemy import delete, event, exc, text

from promptgraph.domain.call import NewCall
from promptgraph.domain.names import global_id
from promptgraph.domain.prompt import Prompt
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import CROWDED, STOPPING, UNKNOWN, UNSTORABLE, Recorded, Recorder
from promptgraph.store.database import Database
from promptgraph.store.tables import PROMPTS
from tests.record.conftest import now
from tests.record.test_recorder import codes, figures, new, stored_calls
from tests.store.stock import stock, stock_version
from tests.sync.faults import failing_at


@contextmanager
def listening(db: Database, name: str, act: Callable[..., None]) -> Iterator[None]:
    for engine in db.engines:
        event.listen(engine.sync_engine, name, act)
    try:
        yield
    finally:
        for engine in db.engines:
            event.remove(engine.sync_engine, name, act)


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


def gone(_connection: Any) -> None:
    raise OSError


def refused(_connection: Any) -> None:
    raise exc.IntegrityError("COMMIT", {}, Exception())


def lost(connection: Any) -> None:
    """The commit happens, and its answer does not arrive."""
    connection.connection.dbapi_connection.commit()
    raise OSError


@pytest.mark.parametrize(
    ("failure", "kept"), [(gone, 0), (refused, 0), (lost, 20)], ids=["gone", "refused", "lost"]
)
async def test_failed_commit_is_unknown_to_all(
    db: Database, recorder: Recorder, prompt: Prompt, failure: Callable[[Any], None], kept: int
) -> None:
    """Nobody is told yes, nobody a definite no; a retry with the same ids then is exact."""
    await recorder.record([new(prompt)])  # the prompt is known
    calls = [new(prompt) for _ in range(20)]
    with listening(db, "commit", failure):
        results = await recorder.record(calls)
    assert {"UNAVAILABLE"} == set(codes(results))
    assert all(each.error and each.error.retryable for each in results)
    assert 1 + kept == await stored_calls(db)
    again = await recorder.record(calls)
    assert {"DUPLICATE" if kept else "RECORDED"} == set(codes(again))
    assert (21, 21) == (await stored_calls(db), (await figures(db))["calls"])


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

    with listening(db, "before_cursor_execute", fail):
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


async def test_full_queue_refuses_at_once(db: Database, url: str, prompt: Prompt) -> None:
    """While the database stalls a bounded number waits; more are told to try again; then all is written."""
    recorder = Recorder(db, PriceBook(), now=now, queue_limit=5, batch=2)
    await recorder.record([new(prompt)])
    async with stalled(db, url):
        calls = [new(prompt) for _ in range(8)]
        caller = asyncio.create_task(recorder.record(calls))
        await asyncio.sleep(0.1)
        late = await recorder.record([new(prompt)])
        assert not caller.done()
        waiting = [caller]
    (results,) = await asyncio.gather(*waiting)
    assert {CROWDED} == sentences(late)
    assert ["RECORDED"] * 5 + ["UNAVAILABLE"] * 3 == codes(results)
    assert {CROWDED} == sentences(results[5:])
    assert 6 == await stored_calls(db)
    await recorder.stop()


async def test_caller_that_goes_away_takes_nothing_back(
    db: Database, url: str, recorder: Recorder, prompt: Prompt
) -> None:
    """Its rows and those of the others in the same commit are written."""
    await recorder.record([new(prompt)])
    async with stalled(db, url):
        leaving = asyncio.create_task(recorder.record([new(prompt), new(prompt)]))
        staying = asyncio.create_task(recorder.record([new(prompt)]))
        await asyncio.sleep(0.1)
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
        await asyncio.sleep(0.1)
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

    def count(_connection: Any) -> None:
        nonlocal commits
        commits += 1

    async with stalled(db, url):
        callers = [asyncio.create_task(recorder.record([new(prompt)])) for _ in range(60)]
        await asyncio.sleep(0.1)
    with listening(db, "commit", count):
        await asyncio.gather(*callers)
    assert commits <= 2
    assert 61 == await stored_calls(db)


async def test_database_out_of_reach(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """Prompts that cannot be looked up make every call unavailable, never a definite no."""

    def fail(*_: Any) -> None:
        raise OSError

    with listening(db, "before_cursor_execute", fail):
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
