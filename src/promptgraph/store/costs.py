"""What calls cost, corrected: the rows and what the figures say of them, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select, update

from promptgraph.domain.call import CostSource, LlmCall
from promptgraph.domain.cells import FineCell, fine_cell
from promptgraph.domain.delta import Delta
from promptgraph.domain.figures import Figures
from promptgraph.store.bulk import within
from promptgraph.store.call_records import CALL_COLUMNS, call_of
from promptgraph.store.call_tables import LLM_CALLS, C
from promptgraph.store.database import Session
from promptgraph.store.ledger import add_batch

_OURS = or_(C.cost_source.is_(None), C.cost_source == CostSource.COMPUTED.value)
"""What a caller reported is a fact; the rest is what we made of it."""
_UPDATE = (
    update(LLM_CALLS)
    .where(C.id == bindparam("call_id"))
    .values(cost_nano_usd=bindparam("nano_usd"), cost_source=CostSource.COMPUTED.value)
)


async def computed_calls(
    session: Session, since: dt.datetime | None, after: LlmCall | None, limit: int
) -> list[LlmCall]:
    """The next calls whose cost nobody reported, by when they started.

    cost  one statement
    """
    stmt = select(*CALL_COLUMNS).where(_OURS)
    if since is not None:
        stmt = stmt.where(C.started_at >= since)
    if after is not None:
        later = or_(C.started_at > after.started_at, C.id > after.id)
        stmt = stmt.where(and_(C.started_at >= after.started_at, later))
    rows = await session.execute(stmt.order_by(C.started_at, C.id).limit(limit))
    return [call_of(row) for row in rows]


async def put_costs(session: Session, costs: Mapping[UUID, int], at: dt.datetime) -> list[LlmCall]:
    """Give calls computed costs, and correct the figures by what that changes; the calls that changed, as
    they were. Left alone are those whose cost is so already, was reported, or that are gone.

    units  nano-USD
    cost   three statements
    """
    stmt = select(*CALL_COLUMNS).where(C.id.in_(costs), _OURS).order_by(C.id)
    rows = await session.execute(stmt.with_for_update(key_share=True))
    changed = [call for call in map(call_of, rows) if call.cost_nano_usd != costs[call.id]]
    if not changed:
        return []
    sums: defaultdict[FineCell, Figures] = defaultdict(Figures)
    for call in changed:
        after = call._replace(cost_nano_usd=costs[call.id], cost_source=CostSource.COMPUTED)
        sums[fine_cell(call)].add(Figures.of_change(call, after))
    await session.execute(_UPDATE, [{"call_id": call.id, "nano_usd": costs[call.id]} for call in changed])
    await within(session, lambda driver: add_batch(driver, Delta.of_cells(sums), [], at))
    return changed
