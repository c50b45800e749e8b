"""What the registry holds, for commands that can do without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptgraph.cli.opened import reading
from promptgraph.config import Settings
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.prompt import Prompt
from promptgraph.domain.snapshot import Snapshot
from promptgraph.store.prompts import PromptRef, prompts_by_ref
from promptgraph.store.registry import snapshot


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry at one moment; without `stored` it could not be asked, and `why` says why."""

    stored: Snapshot | None = None
    why: str | None = None


async def registry(settings: Settings) -> Registry:
    """The registry, or why it cannot be asked."""
    try:
        async with reading(settings) as session:
            return Registry(await snapshot(session))
    except StoreUnavailableError as error:
        return Registry(why=str(error))


async def stored_prompts(settings: Settings, refs: Sequence[PromptRef]) -> list[Prompt | None]:
    """The stored prompts in the order of `refs`; None where there is none.

    raises  StoreUnavailableError  the registry cannot be asked
    """
    async with reading(settings) as session:
        return await prompts_by_ref(session, refs)
