"""Everything that a folder of prompts would say, read at once."""

from __future__ import annotations

from sqlalchemy import select

from promptgraph.domain.prompt import Prompt
from promptgraph.store.database import Session
from promptgraph.store.records import PROMPT_COLUMNS, prompt_of
from promptgraph.store.tables import FAMILIES, PROMPTS


async def stored_versions(session: Session) -> list[Prompt]:
    """Every version that is no draft of every family in force, by name and version.

    cost  one statement
    """
    stmt = (
        select(*PROMPT_COLUMNS)
        .join_from(PROMPTS, FAMILIES, PROMPTS.c.family_id == FAMILIES.c.id)
        .where(FAMILIES.c.retired_at.is_(None), ~PROMPTS.c.draft)
        .order_by(FAMILIES.c.name, PROMPTS.c.version)
    )
    return [prompt_of(row) for row in await session.execute(stmt)]
