"""The database of the settings, open for the length of a block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from promptgraph.config import Settings
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.store.database import Database, Session


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
