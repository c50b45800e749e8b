"""Figures of the registry in memory: 200 names of 5 versions and 50 agents, read, read again, and looked up.

python -m bench.memory [--rounds N]; processor time, so that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import gc
import statistics
import tempfile
import time
from collections.abc import Callable

from bench.filling import name_of, registered
from promptgraph.domain.asking import PageArgs, PromptFilter, PromptOrder
from promptgraph.store import migrate
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.paging import position_of
from promptgraph.store.prompts import PROMPTS_ORDERS, PromptRef
from promptgraph.store.registry import advance_revision
from promptgraph.store.snapshot import Snapshot
from tests.postgres import cluster

TIMES = 2_000
EVERY, BY_NAME = PromptFilter(), PromptOrder()


async def loaded(memory: RegistryMemory) -> Snapshot:
    while (found := await memory.current()) is None:
        pass
    return found


async def reading(memory: RegistryMemory) -> float:
    """units  seconds of all threads"""
    began = time.process_time()
    await loaded(memory)
    return time.process_time() - began


async def longest_turn(memory: RegistryMemory) -> float:
    """The longest that others have to wait while it reads.

    units  seconds of this thread
    """
    task, longest = asyncio.create_task(loaded(memory)), 0.0
    while not task.done():
        before = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - before)
    return longest


async def asking(memory: RegistryMemory) -> float:
    """units  seconds"""
    began = time.process_time()
    for _ in range(TIMES):
        memory.stale()
        await memory.current()
    return (time.process_time() - began) / TIMES


def each(work: Callable[[], object], times: int = TIMES) -> float:
    """units  seconds for one"""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def lookups(memory: RegistryMemory, snapshot: Snapshot) -> dict[str, float]:
    """units  seconds"""
    ref, page = PromptRef(name_of(7), label="production"), PageArgs(50)
    last = snapshot.prompts(EVERY, BY_NAME, page).items[-1]
    after = PageArgs(50, after=position_of(PROMPTS_ORDERS[BY_NAME], last))
    return {
        "is it fresh": each(memory.fresh),
        "a prompt by name and label": each(lambda: snapshot.prompt_by_ref(ref)),
        "a page of 50 prompts": each(lambda: snapshot.prompts(EVERY, BY_NAME, page)),
        "the page after it": each(lambda: snapshot.prompts(EVERY, BY_NAME, after)),
        "a search of 200 names": each(lambda: snapshot.prompts(PromptFilter(search="7"), BY_NAME, page), 100),
    }


async def measured(url: str) -> dict[str, float]:
    """units  seconds"""
    db = Database(url)
    await migrate.upgrade(db)
    await registered(db, dt.datetime.now(dt.UTC))
    memory = RegistryMemory(db, fresh_for=60)
    await loaded(RegistryMemory(db))  # what is made once is made
    figures = {"1,000 versions read": await reading(memory)}
    figures["others wait at most"] = await longest_turn(RegistryMemory(db))
    async with db.write() as session:
        await advance_revision(session)
    figures["read again, nothing new"] = await reading(memory)
    figures["asked whether it is new"] = await asking(memory)
    figures |= lookups(memory, await loaded(memory))
    await db.close()
    return figures


def medians(url: Callable[[int], str], rounds: int) -> dict[str, float]:
    """units  seconds"""
    found = [asyncio.run(measured(url(number))) for number in range(rounds)]
    return {name: statistics.median(each_[name] for each_ in found) for name in found[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    gc.freeze()  # as a server that is about to serve
    with tempfile.TemporaryDirectory() as folder, cluster() as running:
        here = medians(lambda number: f"sqlite:///{folder}/{number}.db", rounds)
        there = medians(lambda _: running.url(asyncio.run(running.create())), rounds)
    print(f"microseconds of processor time, the median of {rounds} rounds: SQLite, PostgreSQL")
    for name, seconds in here.items():
        print(f"{name:28} {seconds * 1e6:12,.1f} {there[name] * 1e6:12,.1f}")


if __name__ == "__main__":
    main()
