"""The registry of the settings, opened and asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from promptgraph.config import Settings
from promptgraph.domain.errors import NotFoundError, StoreUnavailableError
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.nearest import meant
from promptgraph.domain.prompt import Prompt, PromptFamily
from promptgraph.store.database import MIGRATION_SECONDS, Database, Session
from promptgraph.store.migrate import require_head
from promptgraph.store.prompts import PromptRef, prompts_by_ref
from promptgraph.store.registry import inventory


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database, every connection closed on leaving.

    raises  InvalidInputError  its URL is none
    """
    db = Database(settings.database_url)
    try:
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Session]:
    """A session that reads the registry.

    raises  StoreUnavailableError  out of reach, or there is none yet; to ask is not to make
    """
    async with opened(settings) as db:
        if db.missing:
            raise StoreUnavailableError("There is no database yet. Run: promptgraph db upgrade")
        async with db.read() as session:
            yield session


@asynccontextmanager
async def patient(settings: Settings) -> AsyncIterator[Database]:
    """For work that takes long: the database at this release's revision, every connection closed on leaving.

    raises  StoreUnavailableError  out of reach, none yet, or of another revision; it says what to do
    """
    db = Database(settings.database_url, patience=MIGRATION_SECONDS)
    try:
        if db.missing:
            raise StoreUnavailableError("There is no database yet. Run: promptgraph db upgrade")
        await require_head(db)
        yield db
    finally:
        await db.close()


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry at one moment; without `stored` it could not be asked, and `why` says why."""

    stored: Inventory | None = None
    why: str | None = None


async def registry(settings: Settings) -> Registry:
    """The registry, or why it cannot be asked."""
    try:
        async with reading(settings) as session:
            return Registry(await inventory(session))
    except StoreUnavailableError as error:
        return Registry(why=str(error))


def stored_family(stored: Inventory, name: str) -> PromptFamily:
    """The family of this name, or that had it before.

    raises  NotFoundError  the registry has none; the name that was perhaps meant is told
    """
    family = stored.family(name)
    if family is None:
        hint = meant(name, stored.families)
        raise NotFoundError(" ".join(filter(None, (f"The registry has no prompt {name}.", hint))))
    return family


async def stored_prompts(settings: Settings, refs: Sequence[PromptRef]) -> list[Prompt | None]:
    """The stored prompts in the order of `refs`; None where there is none.

    raises  StoreUnavailableError  the registry cannot be asked
    """
    async with reading(settings) as session:
        return await prompts_by_ref(session, refs)
