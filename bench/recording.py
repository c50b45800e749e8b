"""Calls recorded per second, on both databases: what a commit costs with rollups written in it, beside the
ledger and beside plain inserts; the recorder in process; and through HTTP beside a naive server, in turns.

Prints the median of some rounds, the least and the most, and what a call takes of the server's processor,
which other work on the machine changes less. PostgreSQL is the one of the tests: it never waits for the disk,
SQLite does at every commit.

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
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import orjson
import psutil  # type: ignore[import-untyped]  # it has no stubs

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
from promptgraph.store.bulk import insert_rows, within  # noqa: E402
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
COMMITS = ((1, 1), (1, 16), (8, 16), (1, 100), (1, 500))
"""Writers at once, and calls in a commit."""
MODELS = ("gpt-5-mini", "gpt-5", "claude-haiku-4-5")
FOLDED = 20
PLAIN, SERVED = (1, 100), (4, 100)
"""What the last line compares: commits of plain inserts, and batches of the same size through HTTP."""
Send = Callable[[int], Awaitable[None]]
Clock = Callable[[], float]


@dataclass
class Given:
    rounds: int
    seconds: float


def body(size: int, kind: str, call_id: Callable[[], object] = uuid4) -> bytes:
    """A request that records so many calls."""
    calls = [
        {
            "callId": str(call_id()),
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


class Client(NamedTuple):
    """One of several that send at once. `clock`: the processor time of whoever serves it."""

    make: Callable[[], Awaitable[Send]]
    clock: Clock = time.process_time


@dataclass
class Found:
    """Calls per second, a figure a round; and processor time per call."""

    rates: list[float] = field(default_factory=list)
    calls: int = 0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def cpu_us(self) -> float:
        return 1e6 * self.cpu / self.calls

    def tell(self, words: str, times: int = 1) -> None:
        rates = [rate * times for rate in self.rates]
        spread = f"{min(rates):7.0f} to {max(rates):<7.0f}"
        cpu = f"{self.cpu_us / times:6.0f} µs"
        print(f"  {words:<44} {statistics.median(rates):7.0f} calls/s  {spread} {cpu}", flush=True)


async def measured(given: Given, clients: int, size: int, served: Sequence[Client]) -> list[Found]:
    """What each of `served` reaches, in turns; the first requests of each client do not count."""
    sends = [[await client.make() for _ in range(clients)] for client in served]
    for each in sends:
        await asyncio.gather(*(send(size) for send in each))
    found = [Found() for _ in served]
    for _ in range(given.rounds):
        for client, mine, result in zip(served, sends, found, strict=True):
            before, began = client.clock(), time.perf_counter()
            ends = began + given.seconds

            async def work(send: Send, ends: float = ends) -> int:
                count = 0
                while time.perf_counter() < ends:
                    await send(size)
                    count += size
                return count

            done = sum(await asyncio.gather(*map(work, mine)))
            result.rates.append(done / (time.perf_counter() - began))
            result.calls += done
            result.cpu += client.clock() - before
    return found


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
async def serving(app: str, env: dict[str, str], kind: str) -> AsyncIterator[Client]:
    port = free_port()
    options = ["--factory"] if app.endswith(":create") else []
    options += ["--port", str(port), "--log-level", "error", "--timeout-keep-alive", "600"]
    words = [sys.executable, "-m", "uvicorn", app, *options]
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
        process_ = psutil.Process(process.pid)
        yield Client(partial(http_client, port, kind), lambda: sum(process_.cpu_times()[:2]))
    finally:
        process.terminate()
        process.wait()


async def through_http(given: Given, url: str, naive_url: str) -> Found:
    """What we reach with batches of SERVED."""
    ours = {"PROMPTGRAPH_DATABASE_URL": url, "PROMPTGRAPH_MODE": "production"}
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    scheme, _, rest = naive_url.partition("://")
    naive = {"BENCH_DATABASE": f"{driver[scheme]}://{rest}"}
    both: dict[tuple[int, int], list[Found]] = {}
    async with (
        serving("promptgraph.app:create", ours, "LlmCallInput") as mine,
        serving("naive:app", naive, "CallInput") as other,
    ):
        for clients, size in SHAPES:
            found = await measured(given, clients, size, (mine, other))
            for words, each in zip(("promptgraph", "naive server"), found, strict=True):
                each.tell(f"{words}, HTTP, {clients} clients, batches of {size}")
            both[clients, size] = found
    print("  promptgraph / naive server, calls per second, and per second of processor")
    for (clients, size), (we, they) in both.items():
        cpu = they.cpu_us / we.cpu_us
        print(f"  {f'{clients} clients, batches of {size}':<44} {we.rate / they.rate:7.2f} {cpu:7.2f}")
    return both[SERVED][0]


async def in_process(given: Given, db: Database) -> None:
    recorder = Recorder(db, PriceBook(), now=lambda: dt.datetime.now(dt.UTC))
    await recorder.start()

    async def send(size: int) -> None:
        calls = [
            NewCall(prompt_id=PROMPT, model=MODELS[place % 3], provider="openai", input_tokens=600)
            for place in range(size)
        ]
        await recorder.record(calls)

    for clients, size in SHAPES:
        (found,) = await measured(given, clients, size, [Client(partial(_given, send))])
        found.tell(f"in process, {clients} clients, batches of {size}")
    await recorder.stop()


async def _given(send: Send) -> Send:
    return send


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
        await within(
            session,
            partial(insert_rows, columns=CALL_COLUMNS, rows=[*map(call_values, rows(size))]),
        )


async def with_ledger(db: Database, size: int) -> None:
    async with db.write() as session:
        await within(session, partial(add_calls, calls=rows(size), contents=(), at=dt.datetime.now(dt.UTC)))


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
        await within(session, partial(insert_rows, columns=CALL_COLUMNS, rows=[*map(call_values, calls)]))
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


async def commits(given: Given, db: Database) -> Found:
    """Commits of the same rows, with the figures kept in each way; what PLAIN inserts reach."""
    plainly = Found()
    for clients, size in COMMITS:
        served = [Client(partial(_given, partial(act, db))) for _, act, _ in COMMITTED]
        found = await measured(given, clients, size, served)
        for (words, act, times), each in zip(COMMITTED, found, strict=True):
            each.tell(f"{clients} x {size}, {words}", times)
            plainly = each if (act, (clients, size)) == (plain, PLAIN) else plainly
    return plainly


async def measure(given: Given, url: str, naive_url: str) -> None:
    db = Database(url, patience=60)
    await migrate.upgrade(db)
    await publish(db, ROOT / "prompts")
    print(f"{await db.describe()}, {given.rounds} rounds of {given.seconds} s", flush=True)
    plainly = await commits(given, db)
    await in_process(given, db)
    await db.close()
    served = await through_http(given, url, naive_url)
    print(f"  {'batches of 100 through HTTP / plain inserts':<44} {served.rate / plainly.rate:7.2f}")


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
