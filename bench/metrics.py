"""Metrics of a hot prompt and of 50 prompts, read from a database of many calls: milliseconds, on both
databases. The calls are inserted as rows, then counted by a rebuild.

python bench/metrics.py [CALLS …]     100000 by default; 1000000 and 10000000 take their time
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import accumulate
from pathlib import Path
from random import Random
from uuid import UUID

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from promptgraph.domain.bins import Bin  # noqa: E402
from promptgraph.domain.call import CallStatus, CostSource, LlmCall  # noqa: E402
from promptgraph.domain.metrics_key import Dimension, MetricsKey, OwnerKind  # noqa: E402
from promptgraph.domain.window import Window  # noqa: E402
from promptgraph.store import migrate  # noqa: E402
from promptgraph.store.bulk import insert_rows  # noqa: E402
from promptgraph.store.call_records import CALL_COLUMNS, call_values  # noqa: E402
from promptgraph.store.database import Database  # noqa: E402
from promptgraph.store.metrics import GroupsKey, SeriesKey, groups, metrics, series  # noqa: E402
from promptgraph.store.rebuild import rebuild  # noqa: E402
from tests.postgres import cluster  # noqa: E402
from tests.store.stock import stock  # noqa: E402

PROMPTS, DAYS, CHUNK = 50, 90, 5_000
END = dt.datetime(2026, 11, 22, 10, 17, 3, tzinfo=dt.UTC)
MODELS = ("gpt-5-mini", "gpt-5", "claude-haiku-4-5", "gemini-2.5-flash")
LATENCIES = tuple(round(Random(7).lognormvariate(13.6, 0.6)) for _ in range(10_000))  # noqa: S311  # figures


def some_calls(rng: Random, prompts: Sequence[int], start: int, size: int) -> list[LlmCall]:
    """A fifth or so go to the first prompt."""
    bounds = list(accumulate(1 / place for place in range(1, len(prompts) + 1)))
    span = DAYS * 86_400_000_000
    return [
        LlmCall(
            id=UUID(int=rng.getrandbits(128)),
            prompt_id=prompt,
            model=MODELS[number % 4],
            provider="openai",
            environment=("production", "production", "staging")[number % 3],
            status=CallStatus.ERROR if number % 50 == 0 else CallStatus.OK,
            input_tokens=number % 2000,
            output_tokens=number % 700,
            cost_nano_usd=number % 900_000,
            cost_source=CostSource.COMPUTED,
            latency_us=LATENCIES[number % 10_000],
            started_at=END - dt.timedelta(microseconds=rng.randrange(span)),
            recorded_at=END,
        )
        for number, prompt in enumerate(rng.choices(prompts, cum_weights=bounds, k=size), start)
    ]


async def filled(db: Database, count: int) -> list[int]:
    """The prompts' ids."""
    await migrate.upgrade(db)
    async with db.write() as session:
        ids = [(await stock(session, f"p{number:02}")).prompts[1] for number in range(PROMPTS)]
    rng = Random(1)  # noqa: S311  # as above
    began = time.perf_counter()
    for start in range(0, count, CHUNK):
        values = [call_values(call) for call in some_calls(rng, ids, start, min(CHUNK, count - start))]
        async with db.write() as session:
            await insert_rows(session, CALL_COLUMNS, values)
    inserted = time.perf_counter()
    await rebuild(db)
    print(
        f"  {count} calls: inserted in {inserted - began:.1f} s, counted in"
        f" {time.perf_counter() - inserted:.1f} s",
        flush=True,
    )
    return ids


async def timed(words: str, rounds: int, work: Callable[[], Awaitable[object]]) -> None:
    await work()
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        await work()
        took.append((time.perf_counter() - began) * 1000)
    print(f"  {words:<52} {statistics.median(took):8.1f} ms   {min(took):.1f} to {max(took):.1f}", flush=True)


async def measure(url: str, count: int, rounds: int) -> None:
    db = Database(url, patience=600)
    print(f"{db.dialect}", flush=True)
    ids = await filled(db, count)
    month = Window(END - dt.timedelta(days=30), END)
    hot = MetricsKey(OwnerKind.PROMPT, ids[0], month)
    many = [MetricsKey(OwnerKind.PROMPT, id_, month) for id_ in ids]

    async def ask(question: Callable[..., Awaitable[object]], *words: object) -> None:
        async with db.read() as session:
            await question(session, *words)

    for words, question, asked in (
        ("hot prompt, all time", metrics, ([hot._replace(window=Window())],)),
        ("hot prompt, 30 days to the second", metrics, ([hot],)),
        ("50 prompts, all time", metrics, ([key._replace(window=Window()) for key in many],)),
        ("50 prompts, 30 days to the second", metrics, (many,)),
        ("hot prompt, 30 days by day", series, ([SeriesKey(hot, Bin.DAY, dt.UTC)], END)),
        ("hot prompt, 30 days by model", groups, ([GroupsKey(hot, Dimension.MODEL)],)),
    ):
        await timed(words, rounds, lambda question=question, asked=asked: ask(question, *asked))  # type: ignore[misc]  # mypy infers no default
    await db.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calls", type=int, nargs="*", default=[100_000])
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    for count in given.calls:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(f"sqlite:///{folder}/calls.db", count, given.rounds))
    with cluster() as server, asyncio.Runner() as runner:
        for count in given.calls:
            name = runner.run(server.create())
            runner.run(measure(server.url(name), count, given.rounds))
            runner.run(server.drop(name))


if __name__ == "__main__":
    main()
