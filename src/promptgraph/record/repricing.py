"""Repricing: calls whose cost was computed, or is unknown, get what today's prices say."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from promptgraph.domain.call import LlmCall
from promptgraph.record.prices import PriceBook
from promptgraph.store.attempts import attempted
from promptgraph.store.bulk import within
from promptgraph.store.costs import computed_calls, put_costs
from promptgraph.store.database import Database
from promptgraph.store.ledger import clock

BATCH = 1_000
"""So many calls change in one transaction: recording waits no longer than for one of its own."""


@dataclass(frozen=True, slots=True)
class Repriced:
    """What came of it so far. `looked`: calls whose cost nobody reported; `changed`: those that cost
    something else now, `found` of them cost nobody knew what; `unknown`: nobody knows the price of still.

    units  nano-USD
    """

    looked: int = 0
    changed: int = 0
    found: int = 0
    unknown: int = 0
    before_nano_usd: int = 0
    after_nano_usd: int = 0

    def __add__(self, other: Repriced) -> Repriced:
        return Repriced(*(mine + theirs for mine, theirs in zip(_values(self), _values(other), strict=True)))


def _values(one: Repriced) -> tuple[int, ...]:
    return (
        one.looked,
        one.changed,
        one.found,
        one.unknown,
        one.before_nano_usd,
        one.after_nano_usd,
    )


async def reprice(
    db: Database,
    prices: PriceBook,
    since: dt.datetime | None = None,
    *,
    dry_run: bool = False,
    batch: int = BATCH,
) -> AsyncGenerator[Repriced, None]:
    """Price the calls that started at `since` or later anew, batch by batch; yields what came of all so far.
    Each batch is one transaction: whoever is stopped has done whole ones, and may begin again. A cost stays
    where the prices no longer know the model.

    raises  StoreUnavailableError  out of reach; what was yielded is done
    """
    done, last = Repriced(), None
    while True:
        async with db.read() as session:
            calls = await computed_calls(session, since, last, batch)
        if not calls:
            return
        last = calls[-1]
        done += await _repriced(db, prices, calls, dry_run=dry_run)
        yield done


async def _repriced(db: Database, prices: PriceBook, calls: list[LlmCall], *, dry_run: bool) -> Repriced:
    costs = {call.id: price.nano_usd for call in calls if (price := prices.price(call, call.started_at))}
    changed = [call for call in calls if call.id in costs and call.cost_nano_usd != costs[call.id]]
    if changed and not dry_run:
        wanted = {call.id: costs[call.id] for call in changed}
        changed = await attempted(lambda: _put(db, wanted))
    unknown = sum(call.id not in costs and call.cost_nano_usd is None for call in calls)
    return _counted(changed, costs) + Repriced(looked=len(calls), unknown=unknown)


async def _put(db: Database, costs: Mapping[UUID, int]) -> list[LlmCall]:
    async with db.write() as session:
        return await put_costs(session, costs, await within(session, clock))


def _counted(changed: Iterable[LlmCall], costs: dict[UUID, int]) -> Repriced:
    return sum(
        (
            Repriced(
                changed=1,
                found=int(call.cost_nano_usd is None),
                before_nano_usd=call.cost_nano_usd or 0,
                after_nano_usd=costs[call.id],
            )
            for call in changed
        ),
        Repriced(),
    )
