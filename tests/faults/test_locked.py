"""The database is locked by somebody else, and more is asked for than there are connections."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from sqlalchemy import text

from promptgraph.store.database import Database
from tests.faults.conftest import Tell
from tests.faults.driver import ANSWER_S, loaded
from tests.faults.history import History, judged
from tests.faults.sites import sites

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("engine", ["postgres"]),
]
CALLERS, READERS = 10, 25
READ = '{ prompt(name: "triage") { llmCalls(first: 1) { nodes { callId } } } }'
OK = "OK"


class Answer(NamedTuple):
    """What a reader was told, a code or OK, and after how many seconds."""

    code: str
    seconds: float


async def read(http: httpx.AsyncClient, url: str) -> Answer:
    began = time.monotonic()
    body = (await http.post(f"{url}/graphql", json={"query": READ})).json()
    codes = [error["extensions"]["code"] for error in body.get("errors", [])]
    return Answer(codes[0] if codes else OK, time.monotonic() - began)


class Told(NamedTuple):
    """What readers were told while the table was locked, and after; and what the callers lived through."""

    locked: list[Answer]
    after: Answer
    history: History


async def locked(url: str, home: Path, fault: str = "") -> Told:
    """Lock the calls under load until every reader, and as many callers, have been told something."""
    db = Database(url, patience=ANSWER_S)
    with sites(home, url, fault) as (site,), loaded([site.url], CALLERS) as load:
        async with httpx.AsyncClient(timeout=ANSWER_S, limits=httpx.Limits(max_connections=None)) as http:
            await asyncio.to_thread(load.until, 50)
            async with db.write() as session:
                await session.execute(text("LOCK TABLE llm_calls"))
                readers = [read(http, site.url) for _ in range(READERS)]
                answers = await asyncio.gather(*readers)
                await asyncio.to_thread(lambda: (load.until if fault else load.until_refused)(CALLERS))
            after = await read(http, site.url)
            await asyncio.to_thread(load.until, 50)
            history = await asyncio.to_thread(load.finish)
        await asyncio.to_thread(site.stop)
    await db.close()
    return Told(answers, after, history)


async def test_exhausted_pool_answers_everybody(url: str, tmp_path: Path, tell: Tell) -> None:
    """Whoever gets no connection, and whoever waits too long with one, is told to try again; the next request
    is answered as usual; no call is lost (R7).
    """
    told = await locked(url, tmp_path)
    codes = Counter(answer.code for answer in told.locked)
    verdict = await asyncio.to_thread(judged, told.history, url)
    slowest = f"{max(answer.seconds for answer in told.locked):.2f} s"
    tell("R7  pool exhausted by a lock", verdict, readers=READERS, **codes, slowest_reader=slowest)
    assert {"UNAVAILABLE": READERS} == codes
    assert OK == told.after.code
    assert verdict.flawless
    assert verdict.retries >= CALLERS and not verdict.interrupted


async def test_lock_takes_what_was_answered_too_early(url: str, tmp_path: Path, tell: Tell) -> None:
    """The control: a server that answers before it commits acknowledges what gives up waiting."""
    told = await locked(url, tmp_path, "hasty")
    verdict = await asyncio.to_thread(judged, told.history, url)
    tell("    control: answered before the commit", verdict)
    assert verdict.lost
