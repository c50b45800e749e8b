"""Repricing."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import aclosing
from decimal import Decimal

import pytest

from promptgraph.domain.call import CallStatus, CostSource, LlmCall, NewCall
from promptgraph.domain.figures import Figures
from promptgraph.domain.metrics_key import MetricsKey, OwnerKind
from promptgraph.domain.prompt import Prompt
from promptgraph.record.prices import PriceBook, Rate, Rates
from promptgraph.record.recorder import Recorder
from promptgraph.record.repricing import Repriced, reprice
from promptgraph.store.calls import calls_by_id
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from promptgraph.store.metrics import metrics
from promptgraph.store.rollups import fold
from tests.record.conftest import now
from tests.store.call_stock import NOON, call, store_calls

REPORTED, COMPUTED = CostSource.REPORTED, CostSource.COMPUTED
TOKENS = {"provider": "openai", "input_tokens": 1_000_000, "output_tokens": 0}


def book(usd: str) -> PriceBook:
    """A million input tokens of the model `ours` cost so much; no other price is ours."""
    rate = Rate(Decimal(usd))
    return PriceBook({("*", "ours"): Rates(input=rate, output=rate, origin="test")})


OURS = {"model": "ours", **TOKENS}
CALLS = [
    call(1, **OURS),
    call(2, **OURS, cost_nano_usd=5, cost_source=COMPUTED),
    call(3, **OURS, cost_nano_usd=7, cost_source=REPORTED),
    call(4, **OURS | {"model": "nobody-knows-it"}),
    call(5, **OURS | {"model": "no-longer-known"}, cost_nano_usd=9, cost_source=COMPUTED),
    call(6, **OURS, status=CallStatus.ERROR, latency_us=10),
    call(7, model="ours"),
]
DOLLAR = 10**9
AFTER = [DOLLAR, DOLLAR, 7, None, 9, DOLLAR, None]


async def costs(db: Database) -> list[int | None]:
    async with db.read() as session:
        found = await calls_by_id(session, [each.id for each in CALLS])
    return [each.cost_nano_usd for each in found if each is not None]


async def figures(db: Database) -> Figures:
    async with db.read() as session:
        (found,) = await metrics(session, [MetricsKey(OwnerKind.ALL)])
    return found.figures


async def stored(db: Database, calls: list[LlmCall] = CALLS) -> None:
    async with db.write() as session:
        await store_calls(session, calls)


async def repriced(
    db: Database, prices: PriceBook, since: dt.datetime | None = None, *, batch: int = 2
) -> Repriced:
    done = Repriced()
    async for so_far in reprice(db, prices, since, batch=batch):
        done = so_far
    return done


@pytest.mark.parametrize("folded", [False, True], ids=["in the ledger", "folded"])
async def test_corrects_calls_and_metrics_together(db: Database, folded: bool) -> None:  # noqa: FBT001  # a case
    """What nobody reported costs what today's prices say, and the metrics are those of a plain recount."""
    await stored(db)
    if folded:
        await fold(db)
    done = await repriced(db, book("1"))
    assert AFTER == await costs(db)
    assert Repriced(6, 3, 2, 2, 5, 3 * DOLLAR) == done
    found = await figures(db)
    assert (sum(cost or 0 for cost in AFTER), AFTER.count(None)) == (
        found["cost_nano_usd"],
        found["unpriced_calls"],
    )
    assert [] == await verify(db)
    await fold(db)
    assert [] == await verify(db)


async def test_takes_back_what_was_too_much(db: Database) -> None:
    """A price that fell makes the sums smaller, exactly."""
    await stored(db)
    await repriced(db, book("3"))
    await fold(db)
    await repriced(db, book("0.5"))
    assert (
        sum(cost or 0 for cost in AFTER if cost != DOLLAR) + 3 * DOLLAR // 2
        == (await figures(db))["cost_nano_usd"]
    )
    assert [] == await verify(db)


async def test_changes_nothing_twice(db: Database) -> None:
    """The second time there is nothing to do."""
    await stored(db)
    await repriced(db, book("1"))
    assert Repriced(6, 0, 0, 2, 0, 0) == await repriced(db, book("1"))


async def test_only_says_what_a_dry_run_would_change(db: Database) -> None:
    """The counts are those of the real run; no row and no figure changes."""
    await stored(db)
    before = await costs(db)
    said = [each async for each in reprice(db, book("1"), dry_run=True)]
    assert before == await costs(db)
    assert said[-1] == await repriced(db, book("1"))


async def test_leaves_earlier_calls_alone(db: Database) -> None:
    """Since an instant: the call that started then is the first."""
    await stored(db)
    await repriced(db, book("1"), NOON + dt.timedelta(minutes=2))
    assert [None, *AFTER[1:]] == await costs(db)


async def test_leaves_whole_batches_where_it_is_stopped(db: Database) -> None:
    """Stopped between two batches, what was done is done with its figures; run again, the rest follows."""
    await stored(db)
    async with aclosing(reprice(db, book("1"), batch=1)) as running:
        assert 1 == (await anext(running)).changed
    assert DOLLAR == (await costs(db))[0]
    assert [] == await verify(db)
    await repriced(db, book("1"))
    assert AFTER == await costs(db)


async def test_goes_on_beside_another_and_beside_recording(
    db: Database, recorder: Recorder, prompt: Prompt
) -> None:
    """Two at once and a recorder: every call is corrected once, the figures stay those of the calls."""
    await stored(db, [call(number, **OURS) for number in range(1, 60)])
    new = [NewCall(prompt_id=prompt.global_id, model="ours") for _ in range(40)]
    await asyncio.gather(
        repriced(db, book("1"), batch=7),
        repriced(db, book("1"), batch=11),
        *(recorder.record([each]) for each in new),
    )
    found = await figures(db)
    assert (99, 59 * DOLLAR, 40) == (found["calls"], found["cost_nano_usd"], found["unpriced_calls"])
    assert [] == await verify(db)
    assert now() > NOON
