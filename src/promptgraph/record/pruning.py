"""Pruning: calls that are kept no longer go, batch by batch, while calls are recorded; their figures stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from functools import partial

from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.retention import kept_from, start_of
from promptgraph.record.pace import Pace
from promptgraph.store.attempts import attempted
from promptgraph.store.bulk import within
from promptgraph.store.database import Database, Session
from promptgraph.store.drift import verify_before
from promptgraph.store.ledger import clock
from promptgraph.store.ledger_rows import prune as prune_ledger
from promptgraph.store.pruning import Old, Place, delete_calls, last_recorded, next_old, old_calls
from promptgraph.store.retention import keep_from, pruned_day
from promptgraph.store.rollups import KEPT_MINUTES, fold, is_due, lock


@dataclass(frozen=True, slots=True)
class Pruned:
    """What came of it so far. Calls that started before the start of the UTC day `before` are kept no longer;
    `checked`: days whose figures were held against their calls; `calls`: those that are gone.
    """

    before: int
    checked: int = 0
    calls: int = 0


async def prunable(db: Database, days: int, *, keep_errors: bool, now: dt.datetime) -> tuple[int, Old]:
    """What `prune` would come to: the day before which calls would go, and what there is of them.

    cost    five statements, which count
    raises  StoreUnavailableError  out of reach
    """
    async with db.read() as session:
        before = await _end(session, days, now)
        return before, await old_calls(session, start_of(before), keep_errors=keep_errors)


async def prune(
    db: Database, days: int, *, now: dt.datetime, keep_errors: bool = False, check: bool = True
) -> AsyncGenerator[Pruned, None]:
    """Remove the calls that are older than so many days, with contents and scores; yields what came of it so
    far. Whoever is stopped has done whole batches, and may begin again; two at once share the work. From the
    moment that the watermark is set no such call is recorded.

    keys    check: hold the figures of each day against its calls before anything goes; with `keep_errors`
            calls that ended in an error stay
    raises  InvalidRollupError     the figures are not what the calls say; nothing was removed
            StoreUnavailableError  out of reach; what was yielded is done
    """
    async with db.read() as session:
        before = await _end(session, days, now)
    done = Pruned(before)
    yield done
    while await fold(db):
        pass
    if check:
        async for drifts in verify_before(db, before):
            if drifts:
                raise InvalidRollupError(_DRIFTS)
            done = replace(done, checked=done.checked + 1)
            yield done
    before = await attempted(partial(_announce, db, before))
    done = replace(done, before=before)
    async for calls in _delete_all(db, start_of(before), keep_errors=keep_errors):
        done = replace(done, calls=done.calls + calls)
        yield done
    await _forget_folded(db)


_DRIFTS = (
    "The figures are not what the calls say, and without the calls nobody could mend them: nothing was"
    " removed. Run: promptgraph rollup rebuild"
)
_DUE = "Adopted calls are in no figures yet: run `promptgraph rollup rebuild`, then prune."


async def _end(session: Session, days: int, now: dt.datetime) -> int:
    """The day before which calls go. Of two clocks the slower one counts; and no clock is believed that is
    further on than the last call was recorded, for nobody could record any more once it is set right.
    """
    told = [now, await within(session, clock), await last_recorded(session) or now]
    end = min(kept_from(min(told[:2]), days), kept_from(told[2], 0))
    return max(end, await pruned_day(session) or end)


async def _announce(db: Database, before: int) -> int:
    """Set the watermark.

    raises  InvalidRollupError  there are calls that no figure counts yet
    """
    async with db.write() as session:
        state = await lock(session, wait=True)
        if state is None or is_due(state.rebuild):
            raise InvalidRollupError(_DUE)
        return await keep_from(session, before)


async def _delete_all(db: Database, before: dt.datetime, *, keep_errors: bool) -> AsyncGenerator[int, None]:
    """How many calls went, batch by batch."""
    pace, last = Pace(), None
    while True:
        async with db.read() as session:
            places = await next_old(session, before, last, pace.size, keep_errors=keep_errors)
        if not places:
            return
        with pace.timed():
            gone = await attempted(partial(_delete, db, places))
        last = places[-1]
        yield gone
        await pace.pause()


async def _delete(db: Database, places: list[Place]) -> int:
    async with db.write() as session:
        return await delete_calls(session, [id_ for _, id_ in places])


async def _forget_folded(db: Database) -> None:
    """What the ledger still knows of calls that are in the rollups goes too, but for those that were recorded
    just now.
    """
    async with db.write() as session:
        state = await lock(session, wait=False)
        at = await within(session, clock)
        if state is not None and not state.rebuilding(at):  # a rebuild must find what it may need
            await prune_ledger(session, at - dt.timedelta(minutes=KEPT_MINUTES))
