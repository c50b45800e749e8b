"""Calls recorded per second: through HTTP and in process, beside a naive server and plain inserts, on both
databases; then what a commit costs with rollups written in it, beside the ledger.

Prints the median of some rounds, the least and the most. PostgreSQL is the one of the tests: it never waits
for the disk, SQLite does at every commit.

python bench/recording.py [--rounds 3] [--seconds 0.2] [--only sqlite]
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import orjson

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from promptgraph.app import publish  # noqa: E402
from promptgraph.domain.call import LlmCall, NewCall  # noqa: E402
from promptgraph.domain.call_ids import new_call_id  # noqa: E402
from promptgraph.domain.delta import Delta  # noqa: E402
from promptgraph.domain.prompt import prompt_global_id  # noqa: E402
from promptgraph.domain.sums import rolled_up  # noqa: E402
from promptgraph.record.prices import PriceBook  # noqa: E402
from promptgraph.record.recorder import Recorder  # noqa: E402
from promptgraph.store import migrate  # noqa: E402
from promptgraph.store.bulk import insert_rows  # noqa: E402
from promptgraph.store.call_records import CALL_COLUMNS, call_values  # noqa: E402
from promptgraph.store.call_writes import add_calls  # noqa: E402
from promptgraph.store.database import Database  # noqa: E402
from promptgraph.store.rollup_rows import add_cells  # noqa: E402
from promptgraph.store.rollups import fold, lock  # noqa: E402
from tests.postgres import cluster, free_port  # noqa: E402

QUERY = "mutation R($i: [{type}!]!) {{ recordLlmCalls(input: $i) {{ results {{ status }} }} }}"
PROMPT = prompt_global_id("support/triage", 2)
SHAPES = ((1, 1), (16, 1), (128, 1), (4, 100), (4, 1000))
"""Clients at once, and calls in a request."""
NAIVE_SHAPES = (*SHAPES[:3], (1, 100))
"""With a transaction per call a batch takes as long as its calls: longer ones would only take longer."""
COMMITS = ((1, 1), (1, 16), (8, 16), (1, 100), (1, 500))
"""Writers at once, and calls in a commit."""
MODELS = ("gpt-5-mini", "gpt-5", "claude-haiku-4-5")
FOLDED = 20
Send = Callable[[int], Awaitable[None]]


@dataclass
class Given:
    rounds: int
    seconds: float


def body(size: int, kind: str) -> bytes:
    calls = [
        {
            "callId": str(uuid4()),
            "promptId": PROMPT,
            "model": MODELS[place % 3],
            "provider": "openai",
            "inputTokens": 600 + place,
            "outputTokens": 150,
            "latencyMs": 812.5,
        }
        for place in range(size)
    ]
    return orjson.dumps({"query": QUERY.format(type=kind), "variables": {"i": calls}})


async def rate(given: Given, clients: int, size: int, client: Callable[[], Awaitable[Send]]) -> list[float]:
    """Calls per second, a figure a round; the first requests of each client do not count."""
    sends = [await client() for _ in range(clients)]
    await asyncio.gather(*(send(size) for send in sends))
    made = []
    for _ in range(given.rounds):
        done, ends, began = 0, time.perf_counter() + given.seconds, time.perf_counter()

        async def work(send: Send, ends: float = ends) -> int:
            count = 0
            while time.perf_counter() < ends:
                await send(size)
                count += size
            return count

        done = sum(await asyncio.gather(*map(work, sends)))
        made.append(done / (time.perf_counter() - began))
    return made


def told(words: str, figures: Sequence[float]) -> None:
    spread = f"{min(figures):8.0f} to {max(figures):<8.0f}"
    print(f"  {words:<44} {statistics.median(figures):8.0f} calls/s   {spread}", flush=True)


async def http_client(port: int, kind: str) -> Send:
    """A connection that stays: a client library would cost more than the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send(size: int) -> None:
        payload = body(size, kind)
        head = f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        lines = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(lines.split(b"content-length:")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if answer.count(b'"RECORDED"') != size:
            raise RuntimeError(answer[:500].decode())

    return send


@asynccontextmanager
async def serving(app: str, env: dict[str, str]) -> AsyncIterator[int]:
    port = free_port()
    options = ["--factory"] if app.endswith(":create") else []
    words = [sys.executable, "-m", "uvicorn", app, *options, "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(  # noqa: ASYNC220, S603  # our own servers; nothing else runs here yet
        words, cwd=ROOT / "bench", env=os.environ | env
    )
    try:
        while process.poll() is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            break
        yield port
    finally:
        process.terminate()
        process.wait()


async def through_http(given: Given, url: str, naive_url: str) -> None:
    ours = {"PROMPTGRAPH_DATABASE_URL": url, "PROMPTGRAPH_MODE": "production"}
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    scheme, _, rest = naive_url.partition("://")
    naive = {"BENCH_DATABASE": f"{driver[scheme]}://{rest}"}
    for words, app, env, kind, shapes in (
        ("promptgraph, HTTP", "promptgraph.app:create", ours, "LlmCallInput", SHAPES),
        ("naive server, HTTP", "naive:app", naive, "CallInput", NAIVE_SHAPES),
    ):
        async with serving(app, env) as port:
            for clients, size in shapes:

                async def client(port: int = port, kind: str = kind) -> Send:
                    return await http_client(port, kind)

                found = await rate(given, clients, size, client)
                told(f"{words}, {clients} clients, batches of {size}", found)


async def in_process(given: Given, db: Database) -> None:
    recorder = Recorder(db, PriceBook(), now=lambda: dt.datetime.now(dt.UTC))
    await recorder.start()

    async def client() -> Send:
        async def send(size: int) -> None:
            calls = [
                NewCall(prompt_id=PROMPT, model=MODELS[place % 3], provider="openai", input_tokens=600)
                for place in range(size)
            ]
            await recorder.record(calls)

        return send

    for clients, size in SHAPES:
        told(f"in process, {clients} clients, batches of {size}", await rate(given, clients, size, client))
    await recorder.stop()


def rows(size: int) -> list[LlmCall]:
    at = dt.datetime.now(dt.UTC)
    return [
        LlmCall(
            id=new_call_id(),
            prompt_id=1 + place % 3,
            model=MODELS[place % 3],
            provider="openai",
            input_tokens=600,
            output_tokens=150,
            latency_us=812_500 + 1000 * place,
            started_at=at,
            recorded_at=at,
        )
        for place in range(size)
    ]


async def plain(db: Database, size: int) -> None:
    async with db.write() as session:
        await insert_rows(session, CALL_COLUMNS, [call_values(call) for call in rows(size)])


async def with_ledger(db: Database, size: int) -> None:
    async with db.write() as session:
        await add_calls(session, rows(size), (), dt.datetime.now(dt.UTC))


async def with_fold(db: Database, size: int) -> None:
    """Twenty commits, and the fold of what they left."""
    for _ in range(FOLDED):
        await with_ledger(db, size)
    while await fold(db):
        pass


async def with_rollups(db: Database, size: int) -> None:
    """Without a ledger: each commit reads and writes the cells that it adds to."""
    calls = rows(size)
    async with db.write() as session:
        await insert_rows(session, CALL_COLUMNS, [call_values(call) for call in calls])
        state = await lock(session, wait=True)
        if state is not None:
            await add_cells(session, state.generation, rolled_up([Delta.of_calls(calls)]))


COMMITTED: tuple[tuple[str, Callable[[Database, int], Awaitable[None]], int], ...] = (
    ("plain inserts", plain, 1),
    ("with a ledger row", with_ledger, 1),
    ("with a ledger row, folding counted too", with_fold, FOLDED),
    ("with rollups in the transaction", with_rollups, 1),
)
"""What a commit writes, and how many commits one turn makes."""


async def commits(given: Given, db: Database) -> None:
    """Commits of the same rows, with the figures kept in each way."""
    for clients, size in COMMITS:
        for words, act, times in COMMITTED:

            async def client(act: Callable[[Database, int], Awaitable[None]] = act) -> Send:
                return lambda count: act(db, count)

            found = await rate(given, clients, size, client)
            told(f"{clients} x {size}, {words}", [figure * times for figure in found])


async def measure(given: Given, url: str, naive_url: str) -> None:
    db = Database(url, patience=60)
    await migrate.upgrade(db)
    await publish(db, ROOT / "prompts")
    print(f"{await db.describe()}, {given.rounds} rounds of {given.seconds} s", flush=True)
    await commits(given, db)
    await in_process(given, db)
    await db.close()
    await through_http(given, url, naive_url)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    asked = parser.parse_args()
    given = Given(asked.rounds, asked.seconds)
    if asked.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(given, f"sqlite:///{folder}/ours.db", f"sqlite:///{folder}/naive.db"))
    if asked.only != "sqlite":
        with cluster() as server, asyncio.Runner() as runner:
            names = [runner.run(server.create()) for _ in range(2)]
            ours, naive = (urllib.parse.unquote(server.url(name)) for name in names)
            runner.run(measure(given, ours, naive))
            for name in names:
                runner.run(server.drop(name))


if __name__ == "__main__":
    main()
