"""How fast the ledger is folded into the rollups, beside what recording costs: calls per second of processor
time, for this machine does other things too, and of the clock. Then what a reader pays for rows that wait.

python bench/folding.py [--only sqlite]
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import orjson

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from promptgraph.domain import ledger  # noqa: E402
from promptgraph.domain.call import CostSource, LlmCall  # noqa: E402
from promptgraph.domain.call_ids import new_call_id  # noqa: E402
from promptgraph.domain.delta import Delta  # noqa: E402
from promptgraph.domain.metrics import measures_for  # noqa: E402
from promptgraph.domain.sums import compacted, summed  # noqa: E402
from promptgraph.store import migrate  # noqa: E402
from promptgraph.store.bulk import within  # noqa: E402
from promptgraph.store.call_writes import add_calls  # noqa: E402
from promptgraph.store.database import Database  # noqa: E402
from promptgraph.store.drift import verify  # noqa: E402
from promptgraph.store.rollups import fold  # noqa: E402
from tests.postgres import cluster  # noqa: E402
from tests.store.stock import stock, stock_agent  # noqa: E402

AT = dt.datetime(2026, 11, 22, 10, 30, tzinfo=dt.UTC)
MODELS = ("gpt-5-mini", "gpt-5", "claude-haiku-4-5")
USUAL = measures_for(
    ("calls", "error_share", "cost_usd", "latency_ms.p50", "latency_ms.p95", "latency_ms.p99")
)
TIMES = 20


@dataclass(frozen=True)
class Shape:
    """So many commits of so many calls, of so many prompts, models and agents."""

    commits: int
    size: int
    prompts: int = 1
    models: int = 1
    agents: int = 1

    @property
    def words(self) -> str:
        kinds = f"{self.prompts} prompts x {self.models} models x {self.agents} agents"
        return f"{self.commits} commits of {self.size}, {kinds if self.prompts > 1 else '1 prompt'}"


SHAPES = (
    Shape(1000, 1),
    Shape(200, 16),
    Shape(100, 100),
    Shape(40, 500),
    *(Shape(commits, size, 50, 3, 4) for commits, size in ((200, 16), (100, 100), (40, 500))),
)


def some_calls(rng: Random, shape: Shape, prompts: Sequence[int], agents: Sequence[int]) -> list[LlmCall]:
    return [
        LlmCall(
            id=new_call_id(),
            prompt_id=rng.choice(prompts),
            agent_id=rng.choice(agents),
            model=rng.choice(MODELS[: shape.models]),
            provider="openai",
            environment="production",
            input_tokens=rng.randrange(100, 4000),
            output_tokens=rng.randrange(10, 900),
            cost_nano_usd=rng.randrange(10**6),
            cost_source=CostSource.COMPUTED,
            latency_us=round(rng.lognormvariate(13.6, 0.6)),
            time_to_first_token_us=round(rng.lognormvariate(12, 0.6)),
            started_at=AT,
            recorded_at=AT,
        )
        for _ in range(shape.size)
    ]


def processor(work: Callable[[], object]) -> float:
    """Microseconds of processor time, the least of some rounds."""
    took = []
    for _ in range(TIMES):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took) * 1e6


async def folded(db: Database, shape: Shape) -> None:
    async with db.write() as session:
        name = f"{shape.prompts}-{shape.size}"
        prompts = [(await stock(session, f"{name}-{n}")).prompts[1] for n in range(shape.prompts)]
        agents = [await stock_agent(session, f"{name}-{n}") for n in range(shape.agents)]
    rng = Random(3)  # noqa: S311  # figures, no secret
    recording = 0.0
    calls: list[LlmCall] = []
    for _ in range(shape.commits):
        calls = some_calls(rng, shape, prompts, agents)
        began = time.process_time()
        async with db.write() as session:
            await within(session, partial(add_calls, calls=calls, contents=(), at=AT))
        recording += time.process_time() - began
    delta = processor(lambda: orjson.dumps(ledger.to_row(compacted(Delta.of_calls(calls))))) / shape.size
    busy, began = time.process_time(), time.perf_counter()
    while await fold(db):
        pass
    busy, took = time.process_time() - busy, time.perf_counter() - began
    total = shape.commits * shape.size
    writing = recording / total * 1e6
    print(
        f"  {shape.words:<58} writing {writing:6.0f} µs a call, of it the ledger row {delta:5.1f} µs;"
        f" folded {total / busy:7.0f} calls per processor second, {total / took:7.0f} by the clock",
        flush=True,
    )


def waiting(shape: Shape) -> None:
    """What a reader pays for a hundred rows that are not folded yet."""
    rng = Random(3)  # noqa: S311  # as above
    prompts, agents = range(1, shape.prompts + 1), range(1, shape.agents + 1)
    deltas = [compacted(Delta.of_calls(some_calls(rng, shape, prompts, agents))) for _ in range(100)]
    rows = [orjson.dumps(ledger.to_row(delta)) for delta in deltas]

    def read() -> object:
        return summed([ledger.from_row(orjson.loads(row)) for row in rows], ["prompt_id"], measures=USUAL)

    print(f"  100 rows of {shape.words.partition('of ')[2]:<50} {processor(read) / 1000:6.1f} ms", flush=True)


async def measure(url: str) -> None:
    db = Database(url, patience=60)
    await migrate.upgrade(db)
    print(f"{await db.describe()}", flush=True)
    for shape in SHAPES:
        await folded(db, shape)
    if await verify(db):
        raise RuntimeError("The rollups are not what the calls say.")
    await db.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    given = parser.parse_args()
    if given.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(f"sqlite:///{folder}/calls.db"))
    if given.only != "sqlite":
        with cluster() as server, asyncio.Runner() as runner:
            name = runner.run(server.create())
            runner.run(measure(server.url(name)))
            runner.run(server.drop(name))
    print("a reader of 50 prompts, processor time")
    for shape in SHAPES:
        waiting(shape)


if __name__ == "__main__":
    main()
