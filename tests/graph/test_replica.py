"""Queries that a standby answers: a real one, whose replay stands still when a test wants it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text

from promptgraph.domain.keys import ANYONE
from promptgraph.graph.executors import Executing
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.request import Request, Way
from promptgraph.store import replica as replicas
from promptgraph.store.address import STANDBY
from promptgraph.store.database import Database
from promptgraph.store.direct import Statement
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.postgresql import Pool
from promptgraph.store.replica import Replica
from tests.conftest import or_skipped
from tests.factories import prompt_yaml
from tests.faults.cluster import Node, Pair, pair
from tests.graph.recording import call, recorded
from tests.graph.registry import FILES, NOW, pipeline, sync

NAMES = Request("{prompts{totalCount}}", {})
CALLS = Request("{llmCalls{totalCount}}", {})
LONG_S = 60.0
RECOVERING = Statement(lambda _: text("SELECT pg_is_in_recovery()"))


@pytest.fixture(scope="module")
def both() -> Iterator[Pair]:
    """A primary and a standby that follows it, for which no commit waits."""
    with or_skipped(), pair(synchronous=False) as made:
        yield made


@pytest.fixture
async def db(both: Pair) -> AsyncIterator[Database]:
    """The primary, with a small registry and no calls."""
    made = Database(both.primary.url)
    async with made.write() as session:
        await (await session.connection()).exec_driver_sql("TRUNCATE llm_calls, record_batches CASCADE")
    await sync(made, FILES)
    yield made
    await made.close()


@pytest.fixture
def standby(both: Pair) -> Iterator[Node]:
    """The standby, which follows again in the end."""
    yield both.standby
    both.standby.sql("SELECT pg_wal_replay_resume()")


def copy_of(db: Database, node: Node, lag: float = LONG_S) -> Replica:
    return Replica(db, Database(f"{node.url}?connect_timeout=1", pool=Pool(idle=0)), lag=lag)


def asking(db: Database, replica: Replica) -> Pipeline:
    return pipeline(db, executing=Executing(memory=RegistryMemory(db), replica=replica))


async def until_fresh(replica: Replica) -> None:
    """Wait until the standby has what the primary had just now."""
    began = time.monotonic()
    end = began + LONG_S
    await replica.look()
    while replica.fresh(None) is None or replica.age > time.monotonic() - began:
        assert time.monotonic() < end, "the standby does not follow"
        await asyncio.sleep(0.02)
        await replica.look()


async def total(line: Pipeline, request: Request, way: Way | None = None) -> int:
    found = await (line.answer(request) if way is None else line.answer(request, way))
    assert "errors" not in found.payload, found.payload
    (counted,) = found.payload["data"].values()
    return int(counted["totalCount"])


async def test_query_is_answered_by_the_standby_and_a_mutation_is_not(
    db: Database, standby: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the standby lacks is not in an answer; who names a revision gets it from the primary."""
    monkeypatch.setattr(replicas, "LOOK_SECONDS", LONG_S)
    replica = copy_of(db, standby)
    line = asking(db, replica)
    await until_fresh(replica)
    standby.sql("SELECT pg_wal_replay_pause()")
    await recorded(db, call(1), call(2))
    assert (0, 1) == (await total(line, CALLS), line.counters.replica)
    way = Way(caller=ANYONE, current=True)
    assert (2, 1, 0) == (await total(line, CALLS, way), line.counters.replica, line.counters.fallbacks)
    standby.sql("SELECT pg_wal_replay_resume()")
    await until_fresh(replica)
    assert (2, 2) == (await total(line, CALLS), line.counters.replica)
    await replica.close()


async def test_standby_that_lags_is_not_asked(db: Database, standby: Node) -> None:
    """Once it is older than it may be, the primary answers, and the log says so once."""
    replica = copy_of(db, standby, lag=0.2)
    line = asking(db, replica)
    await until_fresh(replica)
    standby.sql("SELECT pg_wal_replay_pause()")
    await recorded(db, call(1))
    end = time.monotonic() + LONG_S
    while await total(line, CALLS) == 0:
        assert time.monotonic() < end
        await replica.look()
    assert line.counters.fallbacks
    await replica.close()


async def test_standby_without_the_newest_registry_is_not_asked(db: Database, standby: Node) -> None:
    """A sync of this process is seen at once, one of another as soon as the two are compared."""
    replica, other = copy_of(db, standby), copy_of(db, standby)
    line, far = asking(db, replica), pipeline(db, executing=Executing(fast=False, replica=other))
    await until_fresh(replica)
    await until_fresh(other)
    standby.sql("SELECT pg_wal_replay_pause()")
    before = await total(line, NAMES)
    await sync(db, FILES | {"new.prompt.yaml": prompt_yaml(1, "New")}, NOW)
    assert before + 1 == await total(line, NAMES)
    await other.look()
    assert before + 1 == await total(far, NAMES)
    assert (1, 1) == (line.counters.fallbacks, far.counters.fallbacks)
    await replica.close()
    await other.close()


async def test_standby_that_is_away_costs_no_answer(
    db: Database, both: Pair, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The query that finds it away is answered by the primary, and so are others until it is back."""
    monkeypatch.setattr(replicas, "LOOK_SECONDS", LONG_S)
    replica = copy_of(db, both.standby)
    line = asking(db, replica)
    with caplog.at_level(logging.INFO, "promptgraph.store"):
        await until_fresh(replica)
        await total(line, CALLS)
        both.standby.kill()
        await recorded(db, call(1))
        assert [1, 1] == [await total(line, CALLS), await total(line, CALLS)]
        await replica.look()
        both.standby.start()
        await until_fresh(replica)
        assert 1 == await total(line, CALLS)
    assert (2, 2) == (line.counters.replica, line.counters.fallbacks)
    assert [
        "The replica answers queries.",
        "The replica does not answer: the primary answers its queries.",
        "The replica answers queries.",
    ] == [record.getMessage() for record in caplog.records]
    await replica.close()


async def test_what_is_no_standby_is_never_asked(db: Database, both: Pair) -> None:
    """The primary under another name, or one of several servers that is none."""
    replica = copy_of(db, both.primary)
    await replica.look()
    assert replica.fresh(None) is None
    await replica.close()
    named = Database(
        f"postgresql://postgres@127.0.0.1:{both.primary.port},127.0.0.1:{both.standby.port}/promptgraph",
        wants=STANDBY,
    )
    async with named.direct() as reader:
        assert [(True,)] == [tuple(row) for row in await reader.rows(RECOVERING)]
    await named.close()
