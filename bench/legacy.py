"""A database of old on its whole road: seconds and memory of each step, on both databases. What is there
after the adoption and after the way back is held against plain loops over the rows of old.

python bench/legacy.py [CALLS] [sqlite | postgresql]
"""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import func, select, text

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from promptgraph.app import publish  # noqa: E402
from promptgraph.cli.legacy_export import exported  # noqa: E402
from promptgraph.config import load as settings  # noqa: E402
from promptgraph.domain.registry import SyncAction  # noqa: E402
from promptgraph.store import drift, legacy, migrate, rebuild  # noqa: E402
from promptgraph.store.call_tables import LLM_CALLS, C  # noqa: E402
from promptgraph.store.database import Database  # noqa: E402
from tests.migrations.rails import dump, expected, load  # noqa: E402
from tests.postgres import cluster  # noqa: E402

PATIENCE = 600.0


async def timed(words: str, work: Callable[[], Awaitable[object]]) -> None:
    began, worked = time.perf_counter(), time.process_time()
    await work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {words:<28} {seconds:7.1f} s   {cpu:6.1f} s of CPU here   peak {peak:5.0f} MB", flush=True)


async def filled(url: str, calls: int) -> None:
    await load(Database(url), dump(calls))


async def adopted_right(url: str, calls: int) -> None:
    """Calls and links are what loops over the rows of old say, and the figures are those of the calls."""
    wanted = expected(dump(calls))
    db = Database(url, patience=PATIENCE)
    async with db.read() as session:
        linked = select(C.legacy_id, C.prompt_id).where(C.prompt_id.is_not(None))
        same(wanted.prompt_of, dict(map(tuple, await session.execute(linked))))
        kept = select(C.legacy_id, C.legacy_prompt_text).where(C.legacy_prompt_text.is_not(None))
        same(wanted.text_of, dict(map(tuple, await session.execute(kept))))
        states = select(C.status, func.count()).group_by(C.status)
        same(wanted.statuses, Counter(dict(map(tuple, await session.execute(states)))))
        same(calls, await session.scalar(select(func.count()).select_from(LLM_CALLS)))
    same([], await drift.verify(db))
    await db.close()


async def back_right(url: str, calls: int) -> None:
    """Every call, usage and evaluation of old is there again, and a usage for each link by text."""
    rows = dump(calls)
    wanted = expected(rows)
    db = Database(url, patience=PATIENCE)
    async with db.read() as session:
        ids = await session.scalars(text("SELECT id FROM llm_calls ORDER BY id"))
        same([row["id"] for row in rows.llm_calls], list(ids))
        links = await session.execute(text("SELECT llm_call_id, prompt_id FROM prompt_usages"))
        of_old = Counter((row["llm_call_id"], row["prompt_id"]) for row in rows.prompt_usages)
        by_text = Counter(wanted.prompt_of.items()) - of_old
        same(of_old + by_text, Counter(map(tuple, links)))
        scored = await session.execute(text("SELECT llm_call_id, score FROM prompt_evaluations"))
        of_old = Counter((row["llm_call_id"], row["score"]) for row in rows.prompt_evaluations)
        same(of_old, Counter(map(tuple, scored)))
    await db.close()


def same(wanted: object, found: object) -> None:
    if wanted != found:
        raise SystemExit("The rows are not what they should be.")


async def apart(work: Callable[[str, int], Awaitable[None]], url: str, calls: int) -> None:
    """Done in a process of its own, so that the peak is that of the road alone."""
    process = multiprocessing.get_context("spawn").Process(target=begun, args=(work, url, calls))
    process.start()
    await asyncio.to_thread(process.join)
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed.")


def begun(work: Callable[[str, int], Awaitable[None]], url: str, calls: int) -> None:
    asyncio.run(work(url, calls))  # type: ignore[arg-type]  # all of them are coroutines


async def written(url: str, folder: Path) -> None:
    files = await exported(settings(database_url=url), folder)
    same((), files.problems)


async def unchanged(db: Database, folder: Path) -> None:
    done = await publish(db, folder, now=lambda: dt.datetime.now(dt.UTC))
    same(None, done.error)
    same({SyncAction.UNCHANGED}, {step.action for step in done.steps})


async def road(url: str, calls: int) -> None:
    await apart(filled, url, calls)
    db = Database(url, patience=PATIENCE)
    print(f"{db.dialect}, {calls} calls", flush=True)
    await timed("inspect", lambda: legacy.inspected(db))
    await timed("adopt (checked, one commit)", lambda: legacy.adopted(db))
    await timed("rebuild rollups", lambda: rebuild.rebuild(db))
    await timed("(calls, links, figures right)", lambda: apart(adopted_right, url, calls))
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "prompts"
        await timed("export to files", lambda: written(url, folder))
        await timed("sync: everything unchanged", lambda: unchanged(db, folder))
    await timed("down to the tables of old", lambda: migrate.downgrade(db, "legacy_baseline"))
    await timed("(calls, usages, scores back)", lambda: apart(back_right, url, calls))
    await timed("up again", lambda: migrate.upgrade(db))
    await db.close()


def main(calls: int, dialects: list[str]) -> None:
    if "sqlite" in dialects:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(road(f"sqlite:///{folder}/old.db", calls))
    if "postgresql" in dialects:
        with cluster() as server, asyncio.Runner() as runner:
            name = runner.run(server.create())
            runner.run(road(server.url(name), calls))
            runner.run(server.drop(name))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    main(count, sys.argv[2:] or ["sqlite", "postgresql"])
