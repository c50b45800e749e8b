"""Erasing: what calls were about goes, batch by batch, while calls are recorded; their figures stay."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from functools import partial
from uuid import UUID

from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.erasure import Erasure
from promptgraph.record.pace import Pace
from promptgraph.store.attempts import attempted
from promptgraph.store.bulk import within
from promptgraph.store.database import Database
from promptgraph.store.erasures import (
    begin_erasure,
    count_erased,
    end_erasure,
    erasable_calls,
    erase_calls,
    next_named,
)
from promptgraph.store.ledger import clock

log = logging.getLogger("promptgraph.record")


async def erasable(db: Database, wanted: Erasure) -> int:
    """How many calls `erase` would empty.

    cost    one statement, which counts
    raises  StoreUnavailableError  out of reach
    """
    async with db.read() as session:
        return await erasable_calls(session, wanted)


async def erase(db: Database, wanted: Erasure, *, by: str) -> AsyncGenerator[int, None]:
    """Empty the calls that are named; yields how many so far. Ids, hashes and figures stay. Whoever is
    stopped has done whole batches, each counted in its erasure's row, and may begin again.

    keys    by: who erases, for that row
    raises  StoreUnavailableError  out of reach; what was yielded is done
    """
    id_, done, pace = new_call_id(), 0, Pace()
    await attempted(partial(_begin, db, id_, wanted, by))
    log.info("%s erases what calls were about, named by %s: %s", by, wanted.way, wanted.reason)
    while True:
        async with db.read() as session:
            ids = await next_named(session, wanted, pace.size)
        if not ids:
            break
        with pace.timed():
            done += await attempted(partial(_erase, db, id_, ids))
        yield done
        await pace.pause()
    await attempted(partial(_end, db, id_))
    await db.scrub()
    log.info("%d calls were erased.", done)


async def _begin(db: Database, id_: UUID, wanted: Erasure, by: str) -> None:
    async with db.write() as session:
        await begin_erasure(session, id_, wanted, by, await within(session, clock))


async def _erase(db: Database, id_: UUID, ids: list[UUID]) -> int:
    async with db.write() as session:
        erased = await erase_calls(session, sorted(ids))
        await count_erased(session, id_, erased)
        return erased


async def _end(db: Database, id_: UUID) -> None:
    async with db.write() as session:
        await end_erasure(session, id_, await within(session, clock))
