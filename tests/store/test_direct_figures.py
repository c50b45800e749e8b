"""Totals and hours that are read directly are what the general way reads, at every commit."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Awaitable, Callable, Mapping

import pytest
from sqlalchemy import update

from promptgraph.domain.call import LlmCall
from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.measures import INT64
from promptgraph.domain.metrics_key import OwnerKind
from promptgraph.domain.window import Window
from promptgraph.store.call_tables import RECORD_BATCHES, ROLLUP_STATE, ROLLUPS
from promptgraph.store.database import Database
from promptgraph.store.direct import NotDirectError
from promptgraph.store.hours import Span, checked, hours
from promptgraph.store.rebuild import rebuild
from promptgraph.store.rollups import DUE, fold
from promptgraph.store.totals import totals
from tests.store.alike import Owners, check_hours, check_totals, owners_of
from tests.store.call_stock import store_calls
from tests.store.calls import a_call, reprice, score
from tests.store.reference import World
from tests.store.test_metrics_exact import BEGIN, SPAN_HOURS, dice, furnish, moment, some_call

HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
END = BEGIN + SPAN_HOURS * HOUR
Act = Callable[[Database, random.Random, World], Awaitable[None]]


async def record(db: Database, chance: random.Random, world: World) -> None:
    calls = [some_call(chance, world) for _ in range(chance.randrange(1, 12))]
    async with db.write() as session:
        await store_calls(session, calls)
    world.calls += calls


async def rate(db: Database, chance: random.Random, world: World) -> None:
    async with db.write() as session:
        for call in chance.sample(world.calls, min(3, len(world.calls))):
            await score(session, call, chance.choice(["quality", "tone"]), chance.randrange(-80, 80) / 8)


async def price(db: Database, chance: random.Random, world: World) -> None:
    async with db.write() as session:
        for call in chance.sample(world.calls, min(3, len(world.calls))):
            await reprice(session, call, chance.randrange(10**6))


async def fold_some(db: Database, chance: random.Random, _: World) -> None:
    await fold(db, chance.randrange(1, 6))


async def fold_all(db: Database, _: random.Random, __: World) -> None:
    while await fold(db):
        pass


async def make_anew(db: Database, _: random.Random, __: World) -> None:
    await rebuild(db)


ACTS: Mapping[Act, int] = {record: 8, rate: 2, price: 2, fold_some: 4, fold_all: 1, make_anew: 1}
"""What happens, and how often."""


def owners(world: World) -> Owners:
    return owners_of([*world.prompts], [*world.agents])


@pytest.mark.parametrize("seed", range(2))
async def test_direct_figures_are_the_general_ones(db: Database, seed: int) -> None:
    """Whatever is recorded, scored, priced, folded or made anew in between."""
    chance = dice(f"direct {seed}")
    async with db.write() as session:
        world = await furnish(session)
    counted = series = 0
    for _ in range(12):
        await chance.choices(list(ACTS), list(ACTS.values()))[0](db, chance, world)
        counted += await check_totals(db, owners(world))
        since, until = sorted([moment(chance), moment(chance)])
        if since < until:
            now = chance.choice([until, END + HOUR])
            series += await check_hours(db, owners(world), Window(since, until), now) > 0
    assert counted > 100
    assert series > 2


@pytest.mark.parametrize("minutes", [0, 10, 50], ids=["whole", "early", "late"])
@pytest.mark.parametrize("later", [0, 90], ids=["now", "past"])
async def test_ends_of_a_window_are_exact(db: Database, minutes: int, later: int) -> None:
    """Calls at the very edge of it, and those of the same hour that are no part of it."""
    async with db.write() as session:
        world = await furnish(session)
    prompt, agent = next(iter(world.prompts)), next(iter(world.agents))
    since = BEGIN.replace(minute=0) + minutes * MINUTE
    window = Window(since, since + 5 * HOUR)
    edges = [at + by for at in (since, since + 5 * HOUR) for by in (-MINUTE, -dt.timedelta(microseconds=1))]
    edges += [at + by for at in (since, since + 5 * HOUR) for by in (dt.timedelta(0), MINUTE)]
    for folding in (True, False):
        async with db.write() as session:
            calls = [a_call(at, prompt, agent_id=agent, cost_nano_usd=7) for at in edges]
            await store_calls(session, calls)
        if folding:
            await fold(db)
        now = since + 5 * HOUR + later * MINUTE
        assert await check_hours(db, owners(world), window, now) > 0


async def test_window_without_a_whole_hour_is_left_to_the_general_way(db: Database) -> None:
    """As are open windows, and figures that only a rebuild will count."""
    with pytest.raises(NotDirectError):
        Span.of(Window(BEGIN, BEGIN + 30 * MINUTE), END)
    with pytest.raises(NotDirectError):
        Span.of(Window(BEGIN, None), END)
    span = Span.of(Window(BEGIN, BEGIN + 5 * HOUR), END)
    await hours(db, OwnerKind.ALL, 0, span, ("calls",))
    async with db.write() as session:
        await session.execute(update(ROLLUP_STATE).values(rebuild=DUE))
    with pytest.raises(NotDirectError):
        await hours(db, OwnerKind.ALL, 0, span, ("calls",))


async def test_sum_at_its_bound_is_left_to_the_general_way(db: Database) -> None:
    """Which says that it is none."""
    async with db.write() as session:
        world = await furnish(session)
        prompt = next(iter(world.prompts))
        await store_calls(session, [a_call(BEGIN, prompt)])
    await fold(db)
    async with db.write() as session:
        await session.execute(update(ROLLUPS).values(cost_nano_usd=INT64))
    (total,) = await totals(db, OwnerKind.PROMPT, [prompt], ("cost_nano_usd",))
    with pytest.raises(NotDirectError):
        total.figures()
    whole = Window(BEGIN.replace(minute=0), BEGIN.replace(minute=0) + HOUR)
    (sums,) = await hours(db, OwnerKind.PROMPT, prompt, Span.of(whole, END), ("cost_nano_usd",))
    assert sums is not None
    with pytest.raises(NotDirectError):
        checked(sums)


async def test_damaged_row_of_the_ledger_is_told_again_and_again(db: Database) -> None:
    """And what was added up of it before counts for nothing afterwards."""
    async with db.write() as session:
        world = await furnish(session)
        await store_calls(session, [some_call(dice(1), world)])
    await check_totals(db, owners(world))
    async with db.write() as session:
        await store_calls(session, [some_call(dice(2), world)])
        latest = max(await session.scalars(RECORD_BATCHES.select().with_only_columns(RECORD_BATCHES.c.id)))
        row = update(RECORD_BATCHES).where(RECORD_BATCHES.c.id == latest)
        await session.execute(row.values(delta={"v": 1, "n": 1}))
    for _ in range(2):
        with pytest.raises(InvalidRollupError):
            await totals(db, OwnerKind.ALL, [0], ("calls",))
    async with db.write() as session:
        await session.execute(row.values(folded=True))
    assert await check_totals(db, owners(world)) > 0


async def test_equal_marks_are_equal_figures(db: Database) -> None:
    """Owners that one commit names, and one owner before and after a commit, differ in theirs."""
    async with db.write() as session:
        world = await furnish(session)
        a, b, c, *_ = world.prompts
        await store_calls(session, [a_call(BEGIN, a), a_call(BEGIN, b), a_call(BEGIN, b)])
    first = await totals(db, OwnerKind.PROMPT, [a, b, c], ("calls",))
    assert 3 == len({each.mark for each in first})
    async with db.write() as session:
        await store_calls(session, [a_call(BEGIN, a)])
    marks = [each.mark for each in first]
    second = await totals(db, OwnerKind.PROMPT, [a, b, c], ("calls",))
    assert [True, False, False] == [each.mark != mark for each, mark in zip(second, marks, strict=True)]


async def test_reader_beside_writers_sees_whole_commits(db: Database) -> None:
    """Each commit calls two prompts once: at any moment both have as many calls, and never fewer than before;
    in the end, all of them.
    """
    async with db.write() as session:
        world = await furnish(session)
        a, b, *_ = world.prompts
    commits = 40
    writing = asyncio.ensure_future(_write(db, a, b, commits))
    working = asyncio.gather(writing, _fold_on(db, writing))
    before = reads = 0
    while not working.done():
        one, other = await totals(db, OwnerKind.PROMPT, [a, b], ("calls", "cost_nano_usd"))
        figures, others = one.figures(), other.figures()
        assert figures == others
        assert figures["cost_nano_usd"] == 7 * figures["calls"] >= 7 * before
        before, reads = figures["calls"], reads + 1
        span = Span.of(Window(BEGIN - HOUR, BEGIN + 3 * HOUR), END)
        sums = [
            each for each in await hours(db, OwnerKind.PROMPT, a, span, ("calls", "cost_nano_usd")) if each
        ]
        assert all(cost == 7 * calls for calls, cost in sums)
        assert sum(calls for calls, _ in sums) >= before
        await asyncio.sleep(0)
    await working
    (total,) = await totals(db, OwnerKind.PROMPT, [a], ("calls",))
    assert commits == total.figures()["calls"]
    assert reads > 5


async def _write(db: Database, a: int, b: int, commits: int) -> None:
    for number in range(commits):
        at = BEGIN + number % 3 * HOUR
        calls: list[LlmCall] = [a_call(at, prompt, cost_nano_usd=7) for prompt in (a, b)]
        async with db.write() as session:
            await store_calls(session, calls)


async def _fold_on(db: Database, writing: asyncio.Future[None]) -> None:
    """Until there is nothing left; with a rebuild in between."""
    folds = 0
    while await fold(db, 4) or not writing.done():
        folds += 1
        if folds == 4:
            await rebuild(db)
        await asyncio.sleep(0.005)
