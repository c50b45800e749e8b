"""Metrics for many owners at once, their bounds, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from promptgraph.domain.bins import Bin
from promptgraph.domain.errors import InvalidInputError, TooManyRowsError
from promptgraph.domain.measures import ALL
from promptgraph.domain.metrics import GroupOrder, measures_for
from promptgraph.domain.metrics_key import Dimension, MetricsFilter, MetricsKey, OwnerKind
from promptgraph.domain.window import Window
from promptgraph.store.database import Database
from promptgraph.store.metrics import GroupsKey, SeriesKey, groups, metrics, series
from promptgraph.store.rollups import fold
from tests.conftest import Statements
from tests.store.call_stock import store_calls
from tests.store.calls import a_call
from tests.store.stock import NOW, stock, stock_agent

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
UTC = dt.UTC


async def test_fifty_owners_cost_what_one_does(db: Database, statements: Statements) -> None:
    """The number of statements does not depend on the number of parents."""
    async with db.write() as session:
        ids = [(await stock(session, f"p{n}")).prompts[1] for n in range(50)]
        await store_calls(session, [a_call(NOW + n * HOUR, id_) for n in range(3) for id_ in ids])
    await fold(db)
    window = Window(NOW - 3 * DAY - HOUR / 2, NOW + DAY + HOUR / 3)
    wanted = MetricsFilter(models=("m",))
    for some in (ids[:1], ids):
        keys = [MetricsKey(OwnerKind.PROMPT, id_, window) for id_ in some]
        async with db.read() as session:
            with statements.counted(5):
                assert [3] * len(some) == [each.figures["calls"] for each in await metrics(session, keys)]
            with statements.counted(4):
                await metrics(session, keys, measures_for(["calls", "latency_ms.p95"]))
            with statements.counted(4):
                await metrics(session, [key._replace(wanted=wanted) for key in keys], ["calls"])
            with statements.counted(5):
                await metrics(session, [key._replace(kind=OwnerKind.FAMILY) for key in keys], ["calls"])
            with statements.counted(2):
                await metrics(session, [key._replace(window=Window()) for key in keys])
            with statements.counted(4):
                await series(session, [SeriesKey(key, Bin.DAY, UTC) for key in keys], ["calls"])
            with statements.counted(5):
                await groups(session, [GroupsKey(key, Dimension.AGENT) for key in keys], ["calls"])


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL reads a table as small as these as a whole
@pytest.mark.parametrize("wanted", [{}, {"models": ("m",)}], ids=["alone", "by model"])
@pytest.mark.parametrize("window", [Window(), Window(NOW), Window(None, NOW)], ids=["ever", "since", "until"])
@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (OwnerKind.PROMPT, "PRIMARY KEY (generation=? AND scope=? AND level=? AND prompt_id=?"),
        (OwnerKind.AGENT, "ix_rollups_agent_id (generation=? AND scope=? AND level=? AND agent_id=?"),
    ],
)
async def test_cells_are_found_by_their_owner(
    db: Database, statements: Statements, kind: OwnerKind, place: str, window: Window, wanted: Any
) -> None:
    """No other owner's cells are read, though nobody has ever counted the rows for the planner."""
    async with db.read() as session:
        await metrics(session, [MetricsKey(kind, 1, window, MetricsFilter(**wanted))])
        asked = next(sent for sent in statements if "FROM rollups" in sent)
        sent = await (await session.connection()).exec_driver_sql(
            f"EXPLAIN QUERY PLAN {asked}", (1,) * asked.count("?")
        )
        steps = [str(row[-1]) for row in sent]
    reads = [step for step in steps if "rollups " in step]
    assert reads == [step for step in reads if place in step]
    assert reads


async def test_reads_the_measures_that_are_wanted(db: Database, statements: Statements) -> None:
    """Histograms and scores stay where they are when nobody asks for them."""
    async with db.read() as session:
        await metrics(session, [MetricsKey()], measures_for(["calls", "cost_usd"]))
    assert [] == [sent for sent in statements if "histogram" in sent or "scores" in sent]


async def test_filter_knows_former_names(db: Database) -> None:
    """A prompt that was renamed is found by the name that it had."""
    async with db.write() as session:
        family = await stock(session, "new", former_names=["old"])
        await store_calls(session, [a_call(NOW, family.prompts[1]), a_call(NOW)])
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey(wanted=MetricsFilter(prompts=("old",)))], ["calls"])
    assert 1 == answer.figures["calls"]


@pytest.mark.parametrize("name", ["prompts", "versions", "agents", "models", "providers", "environments"])
async def test_empty_filter_lets_nothing_through(db: Database, name: str) -> None:
    """An empty list is not the same as none."""
    async with db.write() as session:
        await store_calls(session, [a_call()])
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey(wanted=MetricsFilter(**{name: ()}))])
    assert 0 == answer.figures["calls"]
    assert ALL == answer.figures.measures


async def test_long_filters_work(db: Database) -> None:
    """Whatever is within the bound is answered, also where it is no longer a parameter each."""
    async with db.write() as session:
        family = await stock(session, "a")
        await store_calls(session, [a_call(NOW, family.prompts[1], model="7"), a_call(NOW, model="2000")])
    names = tuple(map(str, range(1000)))
    wanted = MetricsFilter(models=names, prompts=("a", *names[1:]), versions=tuple(range(1000)))
    windows = (Window(), Window(NOW - HOUR, NOW + HOUR))
    async with db.read() as session:
        before = await metrics(
            session, [MetricsKey(window=each, wanted=wanted) for each in windows], ["calls"]
        )
    await fold(db)
    async with db.read() as session:
        after = await metrics(
            session, [MetricsKey(window=each, wanted=wanted) for each in windows], ["calls"]
        )
    assert [1, 1, 1, 1] == [each.figures["calls"] for each in (*before, *after)]


OF_CROSS = {"models": ("m",), "agents": ("bot",)}
"""A filter that no rollup tells apart by the hour."""


@pytest.mark.parametrize(
    ("step", "zone", "wanted", "span", "error"),
    [
        (Bin.HOUR, UTC, OF_CROSS, 8 * DAY, TooManyRowsError),
        (Bin.DAY, BERLIN, OF_CROSS, 8 * DAY, TooManyRowsError),
        (Bin.HOUR, KOLKATA, {}, 32 * DAY, TooManyRowsError),
        (Bin.HOUR, UTC, {}, 10_001 * HOUR, TooManyRowsError),
        (Bin.HOUR, UTC, {}, 3_653 * DAY, TooManyRowsError),
        (Bin.HOUR, UTC, OF_CROSS, 7 * DAY, None),
        (Bin.DAY, UTC, OF_CROSS, 3_653 * DAY, None),
        (Bin.HOUR, UTC, {"models": ("m",)}, 9_999 * HOUR, None),
        (Bin.DAY, BERLIN, {"models": ("m",)}, 3_653 * DAY, None),
        (Bin.DAY, KOLKATA, {}, 700 * DAY, None),
        (Bin.HOUR, UTC, {}, 9_999 * HOUR, None),
        (Bin.MONTH, BERLIN, {}, 3_653 * DAY, None),
    ],
    ids=str,
)
async def test_series_have_a_bound(
    db: Database, step: Bin, zone: dt.tzinfo, wanted: Any, span: dt.timedelta, error: Any
) -> None:
    """Too many bins are refused, and too many days of single calls; the rest is answered, however long."""
    until = dt.datetime(2026, 3, 1, tzinfo=UTC)
    async with db.write() as session:
        agent = await stock_agent(session, "bot")
        await store_calls(session, [a_call(until - n * HOUR, agent_id=agent) for n in range(1, 50)])
    key = SeriesKey(
        MetricsKey(window=Window(until - span, until), wanted=MetricsFilter(**wanted)), step, zone
    )
    for _ in range(2):
        async with db.read() as session:
            if error:
                with pytest.raises(error):
                    await series(session, [key])
            else:
                [answer] = await series(session, [key])
                assert 49 == sum(each.figures["calls"] for each in answer)
        await fold(db)


@pytest.mark.parametrize("window", [Window(), Window(NOW), Window(None, NOW)], ids=["ever", "since", "until"])
async def test_series_has_both_ends(db: Database, window: Window) -> None:
    """What has none is refused: nobody guesses where it begins."""
    async with db.read() as session:
        with pytest.raises(InvalidInputError, match="both ends"):
            await series(session, [SeriesKey(MetricsKey(window=window), Bin.DAY, UTC)])


async def test_sums_beyond_64_bits_do_not_fail(db: Database) -> None:
    """Absurd values of a caller break nobody's metrics: sums of cells are exact."""
    most = 10**18
    async with db.write() as session:
        await store_calls(
            session, [a_call(NOW + n * DAY, cost_nano_usd=most, input_tokens=2**62) for n in range(20)]
        )
    await fold(db)
    window = Window(NOW - 40 * HOUR, NOW + 40 * DAY)
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey(window=window)])
    assert (20 * most, 20 * 2**62) == (answer.figures["cost_nano_usd"], answer.figures["input_tokens"])


async def test_groups_by_p95(db: Database) -> None:
    """The slowest first; those without a latency last."""
    async with db.write() as session:
        await store_calls(
            session,
            [
                a_call(model="quick", latency_us=10),
                a_call(model="slow", latency_us=10**6),
                a_call(model="silent", latency_us=None),
            ],
        )
    key = GroupsKey(MetricsKey(), Dimension.MODEL, 2, GroupOrder.P95)
    async with db.read() as session:
        [answer] = await groups(session, [key], ["calls"])
    assert ["slow", "quick", "(other)"] == [each.key for each in answer]


async def test_group_of_many_values_joins_the_rest(db: Database) -> None:
    """What rollups no longer tell apart is in the last group, so that shares sum to one."""
    async with db.write() as session:
        await store_calls(session, [a_call(model=f"{n:03}") for n in range(130)])
    await fold(db)
    async with db.read() as session:
        [answer] = await groups(session, [GroupsKey(MetricsKey(), Dimension.MODEL, 90)], ["calls"])
    assert 91 == len(answer)
    assert ("(other)", 40) == (answer[-1].key, answer[-1].figures["calls"])


@pytest.mark.parametrize("first", [0, -1, 1001])
async def test_refuses_no_groups(db: Database, first: int) -> None:
    """At least one, at most a thousand."""
    async with db.read() as session:
        with pytest.raises(InvalidInputError, match="from 1 to 1000"):
            await groups(session, [GroupsKey(MetricsKey(), Dimension.MODEL, first)])


async def test_owner_that_is_not_there_has_no_calls(db: Database) -> None:
    """No id is an error: 0, unknown ones, and those that no row can have."""
    keys = [MetricsKey(kind, id_) for kind in OwnerKind for id_ in (0, 99, -1, 2**70)]
    async with db.read() as session:
        answers = await metrics(session, keys)
    assert {0} == {each.figures["calls"] for each in answers}
