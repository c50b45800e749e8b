"""Which calls a bound key may speak of."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from promptgraph.domain.keys import UNBOUND, Bindings
from promptgraph.store.call_tables import LLM_CALLS, C
from promptgraph.store.database import Session
from promptgraph.store.tables import AGENTS, PROMPTS


async def calls_within(session: Session, ids: Collection[UUID], bindings: Bindings) -> set[UUID]:
    """Those of `ids` whose calls the bindings are about.

    cost  one statement; none where nothing is bound
    """
    if bindings == UNBOUND:
        return set(ids)
    stmt = (
        select(C.id, C.environment, AGENTS.c.name, PROMPTS.c.name)
        .select_from(LLM_CALLS)
        .outerjoin(AGENTS, AGENTS.c.id == C.agent_id)
        .outerjoin(PROMPTS, PROMPTS.c.id == C.prompt_id)
        .where(C.id.in_(ids))
    )
    return {id_ for id_, *facts in await session.execute(stmt) if _is_within(bindings, *facts)}


def _is_within(bindings: Bindings, environment: str, agent: str | None, prompt: str | None) -> bool:
    environments, agents, prefix = bindings.environments, bindings.agents, bindings.name_prefix
    return (
        (environments is None or environment in environments)
        and (agents is None or agent in agents)
        and (prefix is None or (prompt or "").startswith(prefix))
    )
