"""Inserts as fast as the driver makes them: rows that are ready, 100 in a transaction, into our own table of
calls with its indexes, as safe as ours. A process of its own; prints rows per second.

    python -m bench.raw CORE SECONDS sqlite:///FILE | postgresql://…
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sqlite3
import sys
import time
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has no stubs

from promptgraph.domain.call_ids import new_call_id

BATCH, READY = 100, 20
"""Rows of a transaction; batches that are made between two measured stretches."""
COLUMNS = (
    *("id", "prompt_id", "environment", "provider", "model", "status", "finish_reasons", "input_tokens"),
    *("output_tokens", "latency_us", "started_at", "recorded_at", "content_state", "request_hash"),
    "hash_scheme",
)
NAMES = ", ".join(COLUMNS)
SQLITE = f"INSERT INTO llm_calls ({NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608  # our columns
_MARKS = ", ".join(f"${place}" for place in range(1, len(COLUMNS) + 1))
POSTGRESQL = f"INSERT INTO llm_calls ({NAMES}) VALUES ({_MARKS})"  # noqa: S608  # as above


def rows(*, on_sqlite: bool) -> list[tuple[Any, ...]]:
    at = dt.datetime.now(dt.UTC)
    when = at.replace(tzinfo=None).isoformat(" ") if on_sqlite else at
    facts = ("default", "openai", "gpt-5-mini", "OK", "[]", 600, 150, 812_500)
    ids = (new_call_id() for _ in range(BATCH))
    return [
        (id_.bytes if on_sqlite else id_, 1, *facts, when, when, "NONE", os.urandom(32), 1) for id_ in ids
    ]


def into_sqlite(path: str, seconds: float) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    done, took = 0, 0.0
    while took < seconds:
        ready = [rows(on_sqlite=True) for _ in range(READY)]
        began = time.perf_counter()
        for batch in ready:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(SQLITE, batch)
            connection.execute("COMMIT")
        took += time.perf_counter() - began
        done += READY * BATCH
    connection.close()
    return done / took


async def into_postgresql(dsn: str, seconds: float) -> float:
    connection = await asyncpg.connect(dsn)
    done, took = 0, 0.0
    while took < seconds:
        ready = [rows(on_sqlite=False) for _ in range(READY)]
        began = time.perf_counter()
        for batch in ready:
            async with connection.transaction():
                await connection.executemany(POSTGRESQL, batch)
        took += time.perf_counter() - began
        done += READY * BATCH
    await connection.close()
    return done / took


def main(core: str, seconds: str, url: str) -> None:
    if core:
        os.sched_setaffinity(0, {int(core)})
    if url.startswith("sqlite"):
        print(into_sqlite(url.removeprefix("sqlite:///"), float(seconds)))
    else:
        print(asyncio.run(into_postgresql(url, float(seconds))))


if __name__ == "__main__":
    main(*sys.argv[1:])
