"""kill -9 of the server under load, between COMMIT and answer and at any other moment.

`--kills 20` kills it twenty times; a few are enough for every day.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from promptgraph.domain.prompt import prompt_global_id
from promptgraph.store.call_tables import LLM_CALLS
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from tests.children import ROOT, surroundings
from tests.store.stock import stock

CLIENTS = 8
START_S, ANSWER_S, PAUSE_S = 90.0, 60.0, 0.02
PROMPT = prompt_global_id("triage", 1)
RECORD = "mutation($c: LlmCallInput!) { recordLlmCall(input: $c) { duplicate errors { code } } }"
METRICS = '{ prompt(name: "triage") { metrics { calls inputTokens } } }'


@dataclass
class Site:
    """Where clients find the server, life after life; what they were told, and how often they were not."""

    url: str = ""
    up: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False
    acknowledged: Counter[int] = field(default_factory=Counter)
    duplicates: int = 0
    unanswered: int = 0

    async def ask(self, http: httpx.AsyncClient, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return (await http.post(self.url, json=body)).json()["data"]


@dataclass(frozen=True)
class Death:
    """When a life ends: between its nth commit and the answer; or so many seconds after its start."""

    commit: int | None = None
    seconds: float | None = None


def deaths(kills: int) -> list[Death]:
    moments = random.Random(kills)  # noqa: S311  # moments, no secrets
    between = [Death(commit=moments.randint(1, 20)) for _ in range((kills + 1) // 2)]
    return between + [Death(seconds=moments.uniform(0.02, 0.6)) for _ in range(kills // 2)]


@asynccontextmanager
async def living(site: Site, url: str, death: Death) -> AsyncIterator[asyncio.Task[None]]:
    """A server process that clients are led to, and the task that ends when it is dead."""
    words = ("serve", "--port", "0", "--mode", "production", "--database-url", url)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "tests.server_child", *words),
        env=surroundings(),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    dying = asyncio.create_task(watched(site, process, death))
    try:
        yield dying
    finally:
        if process.returncode is None:
            process.kill()
        await dying
        await process.wait()


async def watched(site: Site, process: asyncio.subprocess.Process, death: Death) -> None:
    """Lead clients to the server once it answers; let it go on after each commit, but not after the last."""
    assert process.stdout is not None and process.stdin is not None
    commits = 0
    async for line in process.stdout:
        if found := re.search(rb"serves (http\S+)", line):
            site.url = found[1].decode()
            site.up.set()
            if death.seconds is not None:
                asyncio.get_running_loop().call_later(death.seconds, killed, process)
        elif line == b"committed\n":
            commits += 1
            killed(process) if commits == death.commit else process.stdin.write(b"\n")
    site.up.clear()


def killed(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


async def client(site: Site, numbers: itertools.count[int], *, keyed: bool) -> None:
    """Record call after call, each until it is acknowledged. The number of one is its input tokens."""
    async with httpx.AsyncClient(timeout=ANSWER_S) as http:
        while not site.closing:
            number = next(numbers)
            call = {"promptId": PROMPT, "model": "m", "inputTokens": number}
            if keyed:
                call["callId"] = str(UUID(int=number))
            while not site.acknowledged[number]:
                await asyncio.wait_for(site.up.wait(), START_S)
                try:
                    payload = (await site.ask(http, RECORD, c=call))["recordLlmCall"]
                except httpx.HTTPError:
                    site.unanswered += 1
                    await asyncio.sleep(PAUSE_S)
                    continue
                assert [] == payload["errors"]
                site.acknowledged[number] += 1
                site.duplicates += payload["duplicate"]


async def history(site: Site, url: str, ends: list[Death], *, keyed: bool) -> Any:
    """All lives of the server under load, the last one until each call is acknowledged; the metrics that it
    answers with then.
    """
    numbers = itertools.count(1)
    clients = [asyncio.create_task(client(site, numbers, keyed=keyed)) for _ in range(CLIENTS)]
    try:
        for end in ends:
            async with living(site, url, end) as dying:
                await asyncio.wait_for(dying, START_S)
        async with living(site, url, Death()), httpx.AsyncClient(timeout=ANSWER_S) as http:
            await asyncio.wait_for(site.up.wait(), START_S)
            site.closing = True
            await asyncio.gather(*clients)
            return (await site.ask(http, METRICS))["prompt"]["metrics"]
    finally:
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def numbers_of(db: Database) -> Counter[int]:
    """How often each call is stored."""
    async with db.read() as session:
        return Counter(number or 0 for number in await session.scalars(select(LLM_CALLS.c.input_tokens)))


@pytest.fixture
async def stocked(db: Database, url: str) -> str:
    """The URL of a database with one prompt."""
    async with db.write() as session:
        await stock(session, "triage")
    return url


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_killed_server_loses_and_doubles_nothing(
    db: Database, stocked: str, pytestconfig: pytest.Config
) -> None:
    """Every acknowledged call is stored once, and counted once, however often its server died."""
    site, ends = Site(), deaths(pytestconfig.option.kills)
    metrics = await history(site, stocked, ends, keyed=True)
    assert dict.fromkeys(site.acknowledged, 1) == dict(await numbers_of(db))
    assert {"calls": len(site.acknowledged), "inputTokens": sum(site.acknowledged)} == {
        name: int(value) for name, value in metrics.items()
    }
    assert [] == await verify(db)
    assert site.duplicates >= sum(end.commit is not None for end in ends)  # stored, but not yet acknowledged
    assert site.unanswered >= len(ends)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_without_ids_the_same_kill_doubles(db: Database, stocked: str) -> None:
    """The control: a call without an id of its caller's is stored again, so the test above can fail."""
    site = Site()
    metrics = await history(site, stocked, [Death(commit=5)], keyed=False)
    stored = await numbers_of(db)
    assert max(stored.values()) > 1
    assert set(site.acknowledged) == set(stored)
    assert stored.total() == int(metrics["calls"])
