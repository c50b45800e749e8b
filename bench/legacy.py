"""A database of old, adopted and taken back: seconds and memory of each step, on both databases.

python bench/legacy.py [CALLS]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from promptgraph.store import legacy, migrate, rebuild  # noqa: E402
from promptgraph.store.database import Database  # noqa: E402
from tests.migrations.rails import dump, load  # noqa: E402
from tests.postgres import cluster  # noqa: E402


async def timed(words: str, work: Callable[[], Awaitable[object]]) -> None:
    began, worked = time.perf_counter(), time.process_time()
    await work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {words:<28} {seconds:7.1f} s   {cpu:6.1f} s of CPU here   peak {peak:5.0f} MB", flush=True)


async def filled(url: str, calls: int) -> None:
    await load(Database(url), dump(calls))


def fill(url: str, calls: int) -> None:
    asyncio.run(filled(url, calls))


async def road(url: str, calls: int) -> None:
    # in a process of its own, so that the peak is that of the road
    loading = multiprocessing.get_context("spawn").Process(target=fill, args=(url, calls))
    loading.start()
    await asyncio.to_thread(loading.join)
    db = Database(url, patience=600)
    print(f"{db.dialect}, {calls} calls", flush=True)
    await timed("inspect", lambda: legacy.inspected(db))
    await timed("adopt (checked, one commit)", lambda: legacy.adopted(db))
    await timed("rebuild rollups", lambda: rebuild.rebuild(db))
    await timed("down to the tables of old", lambda: migrate.downgrade(db, "legacy_baseline"))
    await timed("up again", lambda: migrate.upgrade(db))
    await db.close()


def main(calls: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(road(f"sqlite:///{folder}/old.db", calls))
    with cluster() as server, asyncio.Runner() as runner:
        name = runner.run(server.create())
        runner.run(road(server.url(name), calls))
        runner.run(server.drop(name))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
