"""The data that everybody reads."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from sqlalchemy import func, select

from bench.filling import AGENTS, DAYS, HOT, MIDDLE, NAMES, VERSIONS
from promptgraph.store.call_tables import LLM_CALLS, C
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from promptgraph.store.tables import AGENTS as AGENT_TABLE
from promptgraph.store.tables import PROMPTS
from tests.bench.conftest import CALLS, END

P = PROMPTS.c


async def test_the_data_set_is_what_it_says(database: Path) -> None:
    """Prompts, agents and calls of the last month, most of them of one version; figures equal calls."""
    db = Database(f"sqlite:///{database}")
    assert [] == await verify(db)
    named = select(P.name, P.version, func.count()).join_from(LLM_CALLS, PROMPTS, P.id == C.prompt_id)
    failed = select(func.count(), func.count(C.latency_us)).where(C.status == "ERROR")
    async with db.read() as session:
        count = select(func.count(), func.min(C.started_at), func.max(C.started_at)).select_from(LLM_CALLS)
        calls, first, last = (await session.execute(count)).one()
        agents = await session.scalar(select(func.count()).select_from(AGENT_TABLE))
        prompts = await session.scalar(select(func.count()).select_from(PROMPTS))
        grouped = await session.execute(named.group_by(P.name, P.version))
        ranks = {(name, version): number for name, version, number in grouped}
        errors, with_latency = (await session.execute(failed)).one()
    await db.close()
    assert (CALLS, NAMES * VERSIONS, AGENTS) == (calls, prompts, agents)
    assert END - dt.timedelta(days=DAYS) <= first < last <= END
    assert (HOT, VERSIONS) == max(ranks, key=lambda key: ranks[key])
    assert 0 < ranks[MIDDLE, VERSIONS] < ranks[HOT, VERSIONS] / 4
    assert errors > 0 == with_latency
