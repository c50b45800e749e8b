"""What it costs on PostgreSQL to be rid of old calls: deleted in batches, as `promptgraph prune` does, or
dropped with their partition; and what partitions cost whoever writes and reads meanwhile.

python bench/retention.py [CALLS] [--days 90]
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from promptgraph.record import pruning  # noqa: E402
from promptgraph.store import migrate  # noqa: E402
from promptgraph.store.database import MIGRATION_SECONDS, Database  # noqa: E402
from tests.postgres import cluster  # noqa: E402
from tests.store.stock import stock  # noqa: E402

PROMPTS = 50
PARTS = 13
"""Weeks: of ninety days one is too many to drop whole, as it always is."""
WRITTEN = 1_000
LOOKS = 200
MS = 1_000.0

# a call every so often up to now, its id made when it began
ROWS = """
INSERT INTO {calls} (id, prompt_id, environment, model, status, finish_reasons, started_at, recorded_at,
    content_state, input_tokens, latency_us)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
    || substr(md5({seed} || n), 1, 3) || '8' || substr(md5({seed} || n), 4, 15))::uuid,
    prompts[1 + n % {prompts}], 'default', 'm', 'OK', '[]', at, at, 'FULL', n % 900, n % 5000000
FROM (SELECT n, now() - ({count} - n) * interval '{span} seconds' / {count} AS at
    FROM generate_series(1, {count}) AS n) AS moments, (SELECT array_agg(id) AS prompts FROM prompts) AS p
"""
CONTENTS = """
INSERT INTO {contents} (call_id, variables, output) SELECT id, json_build_object('ticket', repeat('x', 300)),
    to_json(repeat('y', 300)) FROM {calls} WHERE NOT EXISTS (SELECT FROM {contents} WHERE call_id = id)
"""
SOME = "SELECT id, prompt_id FROM {calls} ORDER BY random() LIMIT {looks}"
LOOK_UP = "SELECT * FROM {calls} WHERE id = '{id}'"
NEWEST = "SELECT * FROM {calls} WHERE prompt_id = {prompt} ORDER BY started_at DESC, id DESC LIMIT 21"
KINDS = {"one table": ("llm_calls", "call_contents"), "partitions": ("part_calls", "part_contents")}


def show(line: str) -> None:
    sys.stdout.write(f"{line}\n")


async def run(db: Database, sql: str) -> Any:
    async with db.write() as session:
        return await session.execute(text(sql.replace(":", "\\:")))


async def timed(act: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await act()
    return (time.perf_counter() - began) * MS


def key_of(at: dt.datetime) -> str:
    """The first id of version 7 that is made then."""
    millis = f"{int(at.timestamp() * MS):012x}"
    return f"{millis[:8]}-{millis[8:]}-7000-8000-000000000000"


async def make_partitions(db: Database, now: dt.datetime, days: int) -> None:
    """The tables of calls and contents by ranges of the id, with the same keys and indexes; a week each."""
    calls, contents = KINDS["partitions"]
    edges = [now - dt.timedelta(days=days * (PARTS - n) / PARTS) for n in range(PARTS)]
    bounds = [f"('{key_of(edge)}')" for edge in edges]
    for table, like in ((calls, "llm_calls"), (contents, "call_contents")):
        key = "id" if table == calls else "call_id"
        await run(db, f"CREATE TABLE {table} (LIKE {like} INCLUDING ALL) PARTITION BY RANGE ({key})")
        for n, (since, until) in enumerate(zip(bounds, [*bounds[1:], "(MAXVALUE)"], strict=True)):
            part = f"CREATE TABLE {table}_{n} PARTITION OF {table} FOR VALUES FROM {since} TO {until}"
            await run(db, part)
        await run(db, f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    await run(db, f"ALTER TABLE {calls} ADD FOREIGN KEY (prompt_id) REFERENCES prompts (id)")
    await run(
        db, f"ALTER TABLE {contents} ADD FOREIGN KEY (call_id) REFERENCES {calls} (id) ON DELETE CASCADE"
    )


async def fill(db: Database, kind: str, count: int, days: int, seed: str = "''") -> None:
    calls, contents = KINDS[kind]
    words = {"calls": calls, "contents": contents, "count": count, "prompts": PROMPTS, "seed": seed}
    await run(db, ROWS.format(span=days * 86_400, **words))
    await run(db, CONTENTS.format(**words))
    await run(db, "ANALYZE")


async def used(db: Database, kind: str) -> None:
    """What writing and reading cost."""
    calls, contents = KINDS[kind]
    words = {"calls": calls, "contents": contents, "count": WRITTEN, "prompts": PROMPTS, "span": 60}
    writing = [await timed(partial(run, db, ROWS.format(seed=f"'{n}'", **words))) for n in range(5)]
    show(f"  {WRITTEN / median(writing) * MS:10,.0f} rows of calls written a second")
    async with db.read() as session:
        rows = (await session.execute(text(SOME.format(calls=calls, looks=LOOKS)))).all()
        for name, sql in (("by id", LOOK_UP), ("newest 20 of a prompt", NEWEST)):
            asked = [text(sql.format(calls=calls, id=id_, prompt=prompt)) for id_, prompt in rows]
            times = [await timed(partial(session.execute, each)) for each in asked]
            show(f"  {median(times):10.2f} ms  {name}")


async def removed(db: Database, days: int) -> None:
    """A third of the calls, of all the days: in batches, and by partitions."""
    longest, done = 0.0, pruning.Pruned(0)
    began = last = time.perf_counter()
    steps = pruning.prune(db, days * 2 // 3, now=dt.datetime.now(dt.UTC), check=False)
    async for step in steps:
        longest = max(longest, time.perf_counter() - last) if step.calls > done.calls > 0 else longest
        done, last = step, time.perf_counter()
    took = time.perf_counter() - began
    show(f"  {took:10.2f} s   {done.calls:,} calls deleted in batches, {done.calls / took:,.0f} a second")
    show(f"  {longest * MS:10.0f} ms  the longest of them, its pause included")
    calls, contents = KINDS["partitions"]
    began = time.perf_counter()
    for n in range(PARTS // 3):
        await run(db, f"DROP TABLE {contents}_{n}")
        await run(db, f"ALTER TABLE {calls} DETACH PARTITION {calls}_{n}")
        await run(db, f"DROP TABLE {calls}_{n}")
    show(f"  {(time.perf_counter() - began) * MS:10.0f} ms  {PARTS // 3} partitions of each table dropped")


async def main(calls: int, days: int) -> None:
    with cluster() as running:
        db = Database(running.url(await running.create()), patience=MIGRATION_SECONDS)
        await migrate.upgrade(db)
        async with db.write() as session:
            for n in range(PROMPTS):
                await stock(session, f"p{n}")
        await make_partitions(db, dt.datetime.now(dt.UTC), days)
        show(f"{calls:,} calls of {days} days, {await db.describe()}")
        for kind in KINDS:
            took = await timed(partial(fill, db, kind, calls, days))
            show(f"{kind}: filled in {took / MS:.1f} s")
            await used(db, kind)
        show("removal of the oldest third")
        await removed(db, days)
        await db.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calls", nargs="?", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=90)
    args = parser.parse_args()
    asyncio.run(main(args.calls, args.days))
