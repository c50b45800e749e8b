"""Metrics from rollups, ledger and calls are what plain Python makes of the calls."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from promptgraph.domain.bins import Bin, bins
from promptgraph.domain.call import CostSource, LlmCall
from promptgraph.domain.figures import Figures
from promptgraph.domain.metrics import LEAVES, GroupOrder, LatencyStats
from promptgraph.domain.metrics_key import Dimension, MetricsFilter, MetricsKey, OwnerKind
from promptgraph.domain.window import Window
from promptgraph.store.database import Database, Session
from promptgraph.store.direct_source import reading
from promptgraph.store.metrics import GroupsKey, SeriesKey, groups, metrics, series
from promptgraph.store.rollups import fold
from tests.store.call_stock import store_calls
from tests.store.calls import ERROR, a_call, reprice, score
from tests.store.reference import QUANTILES, World, at_rank, chosen, expected
from tests.store.stock import stock, stock_agent

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
BEGIN = dt.datetime(2026, 3, 27, 5, 20, tzinfo=dt.UTC)
"""Two days before the clocks change in Berlin."""
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
UTC = dt.UTC
SPAN_HOURS = 100
Reads = Callable[[Database], AbstractAsyncContextManager[Any]]
BOTH = pytest.mark.parametrize("read", [Database.read, reading], ids=["session", "direct"])
"""What figures are read from."""


def dice(seed: object) -> random.Random:
    """Chance that falls the same way each time."""
    return random.Random(str(seed))  # noqa: S311  # no secret


async def furnish(session: Session) -> World:
    """Prompts and agents to call."""
    world = World()
    for name, versions in (("a", (1, 2, 3)), ("b", (1,)), ("c", (1, 2))):
        family = await stock(session, name, versions)
        world.prompts |= {id_: (name, version, family.id) for version, id_ in family.prompts.items()}
    world.agents = {await stock_agent(session, name): name for name in ("bot", "dog")}
    return world


def moment(chance: random.Random) -> dt.datetime:
    """Some instant; often the very edge of an hour or a day."""
    at = BEGIN + chance.random() * SPAN_HOURS * HOUR
    edge = chance.choice([None, None, HOUR, DAY])
    if edge is None:
        return at
    edged = dt.datetime.fromtimestamp(at.timestamp() // edge.total_seconds() * edge.total_seconds(), UTC)
    return edged + chance.choice(
        [dt.timedelta(0), dt.timedelta(microseconds=1), -dt.timedelta(microseconds=1)]
    )


def price(chance: random.Random) -> dict[str, Any]:
    """Often what a call cost, as its caller said or as it was computed."""
    if chance.random() < 0.2:
        return {}
    return {"cost_nano_usd": chance.randrange(10**12), "cost_source": chance.choice(list(CostSource))}


def some_call(chance: random.Random, world: World) -> LlmCall:
    def maybe(value: Callable[[], int]) -> int | None:
        return value() if chance.random() < 0.8 else None

    return a_call(
        moment(chance),
        chance.choice([*world.prompts, None]),
        agent_id=chance.choice([*world.agents, None]),
        model=chance.choice(["gpt", "claude"]),
        provider=chance.choice(["x", "y", None]),
        environment=chance.choice(["default", "prod", "stage"]),
        **({"status": ERROR} if chance.random() < 0.2 else {}),
        input_tokens=maybe(lambda: chance.randrange(2**31)),
        output_tokens=maybe(lambda: chance.randrange(1000)),
        cache_read_input_tokens=maybe(lambda: chance.randrange(10)),
        reasoning_output_tokens=maybe(lambda: chance.randrange(10)),
        **price(chance),
        latency_us=maybe(lambda: int(chance.lognormvariate(13, 3))),
        time_to_first_token_us=maybe(lambda: int(chance.lognormvariate(5, 5))),
    )


async def populate(db: Database, chance: random.Random, folding: str) -> World:
    """160 calls in batches, with scores and corrections between; folded wholly, partly or not at all."""
    async with db.write() as session:
        world = await furnish(session)
    for number in range(8):
        calls = [some_call(chance, world) for _ in range(20)]
        async with db.write() as session:
            await store_calls(session, calls)
            world.calls += calls
            for call in chance.sample(world.calls, 6):
                name, value = chance.choice(["quality", "tone"]), chance.randrange(-80, 80) / 8
                await score(session, call, name, value)
                world.scores[call.id, name] = value
            for call in chance.sample(world.calls, 4):
                after = await reprice(session, call, chance.randrange(10**6))
                world.calls[world.calls.index(call)] = after
        if folding == "partly" and number % 4 == 1:
            await fold(db, chance.randrange(1, 20))
    while folding == "wholly" and await fold(db):
        pass
    return world


def some_window(chance: random.Random) -> Window:
    since, until = sorted([moment(chance), moment(chance)])
    if since == until:
        until += HOUR
    return Window(*chance.choice([(None, None), (since, None), (None, until), *[(since, until)] * 3]))


def some_key(chance: random.Random, world: World) -> MetricsKey:
    ids = {
        OwnerKind.ALL: [0],
        OwnerKind.PROMPT: [*world.prompts],
        OwnerKind.FAMILY: [family for _, _, family in world.prompts.values()],
        OwnerKind.AGENT: [*world.agents],
    }
    choices: dict[str, Sequence[Any]] = {
        "prompts": ["a", "b", "c", "unknown"],
        "versions": [1, 2, 9],
        "agents": ["bot", "dog", "nobody"],
        "models": ["gpt", "claude", "none"],
        "providers": ["x", "y", ""],
        "environments": ["default", "prod", "stage"],
    }
    wanted = {
        name: tuple(chance.sample(values, chance.randrange(1, len(values))))
        for name, values in choices.items()
        if chance.random() < 0.12
    }
    kind = chance.choice(list(OwnerKind))
    return MetricsKey(kind, chance.choice(ids[kind]), some_window(chance), MetricsFilter(**wanted))


def check(world: World, calls: Sequence[LlmCall], figures: Figures) -> None:
    """Numbers and scores exactly, quantiles within 1 % of the sample at their rank."""
    right = expected(world, calls)
    answered = {name: LEAVES[name].of(figures) for name in right.numbers}
    assert right.numbers == answered
    nano = {name: (count, int(total * 10**9)) for name, (count, total) in right.scores.items()}
    assert nano == figures.scores
    for name, samples in right.samples.items():
        stats = LatencyStats(figures, name.removesuffix("_ms"))
        for q in QUANTILES:
            found = stats.quantile(float(q))
            if not samples:
                assert found is None
            else:
                assert found == pytest.approx(at_rank(samples, q) / 1000, rel=0.01 + 1e-9)


@pytest.fixture(params=["wholly", "partly", "not"])
async def world(db: Database, request: pytest.FixtureRequest) -> World:
    return await populate(db, dice(request.param), request.param)


@BOTH
async def test_metrics_equal_the_calls(db: Database, world: World, read: Reads) -> None:
    """For any owner, window and filter."""
    chance = dice(1)
    keys = [some_key(chance, world) for _ in range(80)]
    async with read(db) as source:
        answers = await metrics(source, keys)
    counted = 0
    for key, answer in zip(keys, answers, strict=True):
        assert key.window == answer.window
        calls = chosen(world, key)
        counted += bool(calls)
        check(world, calls, answer.figures)
    assert counted > 25


@BOTH
async def test_series_equal_the_calls(db: Database, world: World, read: Reads) -> None:
    """For any bin and zone: every bin of the window is there, and counts its calls."""
    chance = dice(2)
    keys = [
        SeriesKey(
            key._replace(window=key.window.bounded(BEGIN + SPAN_HOURS * HOUR)),
            chance.choice(list(Bin)),
            chance.choice([UTC, BERLIN, KOLKATA]),
        )
        for key in (some_key(chance, world) for _ in range(16))
    ]
    async with read(db) as source:
        answers = await series(source, keys)
    for (key, step, zone), answer in zip(keys, answers, strict=True):
        windows = bins(key.window, step, zone)
        assert windows == [each.window for each in answer]
        for each in answer:
            check(world, chosen(world, key, each.window), each.figures)


def group_key(world: World, dimension: Dimension, call: LlmCall) -> str | None:
    name, version, _ = world.prompts.get(call.prompt_id or 0, (None, None, None))
    keys = {
        Dimension.PROMPT: f"{name}@{version}" if name else None,
        Dimension.FAMILY: name,
        Dimension.AGENT: world.agents.get(call.agent_id or 0),
        Dimension.MODEL: call.model,
        Dimension.PROVIDER: call.provider,
        Dimension.ENVIRONMENT: call.environment,
    }
    return keys[dimension]


@BOTH
async def test_groups_equal_the_calls(db: Database, world: World, read: Reads) -> None:
    """For any dimension: the first ones in order, all others together in the last."""
    chance = dice(3)
    keys = [
        GroupsKey(
            some_key(chance, world),
            chance.choice(list(Dimension)),
            chance.randrange(1, 5),
            chance.choice([GroupOrder.CALLS, GroupOrder.ERRORS, GroupOrder.COST]),
        )
        for _ in range(40)
    ]
    async with read(db) as source:
        answers = await groups(source, keys)
    cut = 0
    for (key, dimension, first, order), answer in zip(keys, answers, strict=True):
        by_key: dict[str | None, list[LlmCall]] = {}
        for call in chosen(world, key):
            by_key.setdefault(group_key(world, dimension, call), []).append(call)

        def rank(each: str | None, by_key: Any = by_key, order: Any = order) -> Any:
            return (-Fraction(expected(world, by_key[each]).numbers[order.value]), each is None, each or "")

        ranked = sorted(by_key, key=rank)
        keyed = [*ranked[:first], *(["(other)"] if ranked[first:] else [])]
        assert keyed == [each.key for each in answer]
        for each in answer[:first]:
            check(world, by_key[each.key], each.figures)
        if ranked[first:]:
            cut += 1
            check(world, [call for name in ranked[first:] for call in by_key[name]], answer[-1].figures)
    assert cut > 5
