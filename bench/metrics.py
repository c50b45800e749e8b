"""What reading metrics costs at 10⁵, 10⁶ and 10⁷ calls, on both databases: milliseconds, p50 and p95.

Rows that say "directly" are what the fast executor asks (store/totals.py, hours.py, call_pages.py) beside the
general way's row of the same figures, without what is remembered of answers.

The cells are made by the code that folds, the last calls by the code that records, and those stay in the
ledger. Up to a million calls every one is stored too: then `verify` holds the cells against them, and a
rebuild makes them anew; both are timed. Of more calls only those of the last 8 days are stored, as after a
retention; their cells are all there.

python bench/metrics.py [CALLS …] [--only sqlite] [--rounds 21]     100000 by default
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from random import Random
from uuid import UUID

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sqlalchemy import func, select, text  # noqa: E402

from promptgraph.domain.asking import PageArgs  # noqa: E402
from promptgraph.domain.bins import Bin  # noqa: E402
from promptgraph.domain.call import CallStatus, CostSource, LlmCall  # noqa: E402
from promptgraph.domain.call_asking import LlmCallFilter  # noqa: E402
from promptgraph.domain.cells import Scope  # noqa: E402
from promptgraph.domain.delta import Delta  # noqa: E402
from promptgraph.domain.measures import CallFacts  # noqa: E402
from promptgraph.domain.metrics import measures_for  # noqa: E402
from promptgraph.domain.metrics_key import Dimension, MetricsFilter, MetricsKey, OwnerKind  # noqa: E402
from promptgraph.domain.sums import rolled_up  # noqa: E402
from promptgraph.domain.window import Window  # noqa: E402
from promptgraph.store import migrate  # noqa: E402
from promptgraph.store.bulk import insert_rows, within  # noqa: E402
from promptgraph.store.call_owners import OF_PROMPT  # noqa: E402
from promptgraph.store.call_pages import call_rows  # noqa: E402
from promptgraph.store.call_records import CALL_COLUMNS, call_values  # noqa: E402
from promptgraph.store.call_tables import U  # noqa: E402
from promptgraph.store.call_writes import add_calls  # noqa: E402
from promptgraph.store.calls import CallsKey, calls_by_prompt  # noqa: E402
from promptgraph.store.database import Database, Session  # noqa: E402
from promptgraph.store.drift import verify  # noqa: E402
from promptgraph.store.hours import Span, hours  # noqa: E402
from promptgraph.store.metrics import GroupsKey, SeriesKey, groups, metrics, series  # noqa: E402
from promptgraph.store.rebuild import rebuild  # noqa: E402
from promptgraph.store.rollup_rows import add_cells  # noqa: E402
from promptgraph.store.totals import totals  # noqa: E402
from tests.postgres import cluster  # noqa: E402
from tests.store.stock import stock, stock_agent  # noqa: E402

PROMPTS, AGENTS, DAYS = 50, 4, 90
MODELS = ("gpt-5-mini", "gpt-5", "claude-haiku-4-5")
CHUNK, INSERTED = 50_000, 5_000
ALL_STORED = 1_000_000
STORED_DAYS = 8
LEDGER_ROWS, LEDGER_CALLS = 20, 100
WAITING = LEDGER_ROWS * LEDGER_CALLS
"""What waits to be folded while the metrics are read: so many commits of so many calls."""
END = dt.datetime(2026, 11, 22, 10, 17, 3, tzinfo=dt.UTC)
HOUR = END.replace(minute=0, second=0)
_DICE = Random(7)  # noqa: S311  # figures
LATENCIES = tuple(round(_DICE.lognormvariate(13.6, 0.6)) for _ in range(10_000))
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Owners:
    prompts: Sequence[int]
    agents: Sequence[int]


def some_facts(
    rng: Random, owners: Owners, since: dt.datetime, span: dt.timedelta, size: int
) -> list[CallFacts]:
    """Calls spread over a span; a fifth or so go to the first prompt."""
    bounds = list(accumulate(1 / place for place in range(1, len(owners.prompts) + 1)))
    columns = zip(
        (since + span * rng.random() for _ in range(size)),
        rng.choices(owners.prompts, cum_weights=bounds, k=size),
        rng.choices(owners.agents, k=size),
        rng.choices(MODELS, k=size),
        rng.choices(("production", "production", "staging"), k=size),
        rng.choices((CallStatus.OK,) * 49 + (CallStatus.ERROR,), k=size),
        rng.choices(range(2000), k=size),
        rng.choices(range(700), k=size),
        rng.choices(range(900_000), k=size),
        rng.choices(LATENCIES, k=size),
        strict=True,
    )
    return [
        CallFacts(
            at,
            prompt,
            agent,
            model,
            "openai",
            environment,
            status,
            sent,
            received,
            None,
            None,
            None,
            cost,
            us,
        )
        for at, prompt, agent, model, environment, status, sent, received, cost, us in columns
    ]


def call_of(rng: Random, facts: CallFacts) -> LlmCall:
    """The call, with an id that is in order of time as far as its microseconds go."""
    return LlmCall(
        id=UUID(int=int(facts.started_at.timestamp() * 1000) << 80 | rng.getrandbits(80)),
        recorded_at=facts.started_at,
        cost_source=CostSource.COMPUTED,
        **facts._asdict(),
    )


def chunks(rng: Random, owners: Owners, count: int) -> Iterator[list[CallFacts]]:
    """All but the calls of the ledger, the oldest first."""
    left = count - WAITING
    share, at = DAYS * DAY / left, END - DAYS * DAY
    chunk = max(CHUNK, count // 50)
    for start in range(0, left, chunk):
        size = min(chunk, left - start)
        yield some_facts(rng, owners, at, share * size, size)
        at += share * size


async def filled(db: Database, count: int) -> Owners:
    """The database with its calls and cells; printed is what that took."""
    await migrate.upgrade(db)
    async with db.write() as session:
        prompts = [(await stock(session, f"p{number:02}")).prompts[1] for number in range(PROMPTS)]
        agents = [await stock_agent(session, f"agent-{number}") for number in range(AGENTS)]
    owners, rng = Owners(prompts, agents), Random(1)  # noqa: S311  # as above
    counting = inserting = 0.0
    stored = 0
    for facts in chunks(rng, owners, count):
        began = time.perf_counter()
        async with db.write() as session:
            await add_cells(session, 1, rolled_up([Delta.of_calls(facts)]))
        counted = time.perf_counter()
        recent = END - STORED_DAYS * DAY
        kept = facts if count <= ALL_STORED else [one for one in facts if one.started_at > recent]
        await store(db, [call_of(rng, each) for each in kept])
        stored += len(kept)
        counting += counted - began
        inserting += time.perf_counter() - counted
    await leave_in_ledger(db, rng, owners)
    if db.dialect == "postgresql":
        async with db.migrating() as connection, connection.begin():  # what autovacuum does on a server
            await connection.execute(text("ANALYZE"))
    async with db.read() as session:
        by_scope = select(U.scope, func.count()).group_by(U.scope).order_by(U.scope)
        cells = {Scope(scope).name: number for scope, number in await session.execute(by_scope)}
    print(
        f"  {count - WAITING} calls counted in {counting:.0f} s into {sum(cells.values())} cells", flush=True
    )
    print(f"  by scope {cells}; {stored} calls stored in {inserting:.0f} s", flush=True)
    return owners


async def store(db: Database, calls: Sequence[LlmCall]) -> None:
    """Insert calls, and leave the figures alone."""
    for start in range(0, len(calls), INSERTED):
        rows = [call_values(call) for call in calls[start : start + INSERTED]]
        async with db.write() as session:
            await within(session, partial(insert_rows, columns=CALL_COLUMNS, rows=rows))


async def leave_in_ledger(db: Database, rng: Random, owners: Owners) -> None:
    """The last calls, which are recorded and not folded."""
    minute = dt.timedelta(minutes=1)
    for _ in range(LEDGER_ROWS):
        last = some_facts(rng, owners, END - minute, minute, LEDGER_CALLS)
        async with db.write() as session:
            calls = [call_of(rng, each) for each in last]
            await within(session, partial(add_calls, calls=calls, contents=(), at=END))


async def checked(db: Database) -> None:
    """The cells, held against the calls, and made anew."""
    began = time.perf_counter()
    drifts = await verify(db)
    verified = time.perf_counter()
    if drifts:
        raise RuntimeError(f"The cells are not what the calls say: {drifts[:3]}")
    counted = await rebuild(db)
    rebuilt = time.perf_counter()
    words = f"  verify {verified - began:.1f} s: nothing drifts; rebuild of {counted} calls"
    print(f"{words} {rebuilt - verified:.1f} s", flush=True)


Question = Callable[[Session], Awaitable[object]]
FIGURES = ("calls", "error_share", "input_tokens", "output_tokens", "cost_usd")
LATENCY = ("latency_ms.p50", "latency_ms.p95", "latency_ms.p99")


def questions(owners: Owners) -> dict[str, Question]:
    usual = measures_for((*FIGURES, *LATENCY))
    plain = measures_for(("calls", "errors", "cost_usd", "latency_ms.mean"))
    week, month = Window(HOUR - 7 * DAY, HOUR), Window(HOUR - 30 * DAY, HOUR)
    ragged = Window(END - 7 * DAY, END)
    hot = MetricsKey(OwnerKind.PROMPT, owners.prompts[0], week)
    everybody = MetricsKey(window=week)

    def fifty(window: Window) -> list[MetricsKey]:
        return [MetricsKey(OwnerKind.PROMPT, id_, window) for id_ in owners.prompts]

    def by(key: MetricsKey, dimension: Dimension) -> Question:
        return lambda s: groups(s, [GroupsKey(key, dimension)], usual)

    return {
        "one version, all time": lambda s: metrics(s, [hot._replace(window=Window())], usual),
        "one version, 7 days": lambda s: metrics(s, [hot], usual),
        "one version, 7 days to the second": lambda s: metrics(s, [hot._replace(window=ragged)], usual),
        "one version, 7 days by hour": lambda s: series(s, [SeriesKey(hot, Bin.HOUR, dt.UTC)], plain),
        "one version, 30 days by hour": lambda s: series(
            s, [SeriesKey(hot._replace(window=month), Bin.HOUR, dt.UTC)], plain
        ),
        "one version, 7 days by MODEL": by(hot, Dimension.MODEL),
        "one version, 7 days, of one model": lambda s: metrics(
            s, [hot._replace(wanted=MetricsFilter(models=MODELS[:1]))], usual
        ),
        "50 prompts, 20 calls of each": lambda s: calls_by_prompt(
            s, [CallsKey(id_, PageArgs(20)) for id_ in owners.prompts]
        ),
        "50 prompts, all time": lambda s: metrics(s, fifty(Window()), usual),
        "50 prompts, 7 days": lambda s: metrics(s, fifty(week), usual),
        "50 prompts, 7 days to the second": lambda s: metrics(s, fifty(ragged), usual),
        "all calls, 7 days": lambda s: metrics(s, [everybody], usual),
        "all calls, 7 days by ENVIRONMENT": by(everybody, Dimension.ENVIRONMENT),
        "all calls, 7 days by MODEL": by(everybody, Dimension.MODEL),
        "all calls, 30 days by MODEL": by(everybody._replace(window=month), Dimension.MODEL),
        "all calls, all time by MODEL": by(everybody._replace(window=Window()), Dimension.MODEL),
        "all calls, 7 days by PROVIDER": by(everybody, Dimension.PROVIDER),
        "all calls, 7 days by PROMPT": by(everybody, Dimension.PROMPT),
    }


Directly = Callable[[Database], Awaitable[object]]
CALL_COLUMNS_READ = (
    *("provider", "model", "status", "input_tokens", "output_tokens", "cost_nano_usd", "latency_us"),
    "conversation_id",
)


def directly(owners: Owners) -> dict[str, Directly]:
    """The benchmark queries of the fast executor, as the store answers them."""
    usual = measures_for((*FIGURES, *LATENCY))
    plain = measures_for(("calls", "errors", "cost_usd", "latency_ms.mean"))
    span = Span.of(Window(END - 30 * DAY, END), END)
    prompts, page, every = list(owners.prompts), PageArgs(20), LlmCallFilter()

    async def some(db: Database, ids: Sequence[int]) -> None:
        for total in await totals(db, OwnerKind.PROMPT, ids, usual):
            total.figures()

    return {
        "one version, all time, directly": lambda db: some(db, prompts[:1]),
        "50 prompts, all time, directly": lambda db: some(db, prompts),
        "one version, 30 days by hour, directly": lambda db: hours(
            db, OwnerKind.PROMPT, prompts[0], span, plain
        ),
        "50 prompts, 20 calls of each, directly": lambda db: call_rows(
            db, OF_PROMPT, prompts, page, every, CALL_COLUMNS_READ
        ),
    }


def in_session(question: Question) -> Directly:
    async def ask(db: Database) -> object:
        async with db.read() as session:
            return await question(session)

    return ask


async def timed(db: Database, words: str, rounds: int, question: Directly) -> None:
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        await question(db)
        took.append((time.perf_counter() - began) * 1000)
    took = sorted(took[1:])
    p95 = took[min(len(took) - 1, round(0.95 * len(took)))]
    print(f"  {words:<40} p50 {statistics.median(took):8.2f} ms   p95 {p95:8.2f} ms", flush=True)


async def measure(url: str, count: int, rounds: int) -> None:
    db = Database(url, patience=600)
    print(f"{db.dialect}, {count} calls", flush=True)
    owners = await filled(db, count)
    if count <= ALL_STORED:
        await checked(db)
    general = {words: in_session(question) for words, question in questions(owners).items()}
    for words, question in (general | directly(owners)).items():
        await timed(db, words, rounds, question)
    await db.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("calls", type=int, nargs="*", default=[100_000])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    given = parser.parse_args()
    if given.only != "postgresql":
        for count in given.calls:
            with tempfile.TemporaryDirectory() as folder:
                asyncio.run(measure(f"sqlite:///{folder}/calls.db", count, given.rounds))
    if given.only != "sqlite":
        with cluster() as server, asyncio.Runner() as runner:
            for count in given.calls:
                name = runner.run(server.create())
                runner.run(measure(server.url(name), count, given.rounds))
                runner.run(server.drop(name))


if __name__ == "__main__":
    main()
