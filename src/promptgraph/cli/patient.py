"""The database of the settings for work that takes long: it waits, and it wants tables that are there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from promptgraph.config import Settings
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.store.database import MIGRATION_SECONDS, Database
from promptgraph.store.migrate import require_head


@asynccontextmanager
async def patient(settings: Settings) -> AsyncIterator[Database]:
    """The database at this release's revision, every connection closed on leaving.

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
