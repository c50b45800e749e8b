"""API keys in tests: made in a database, and sent."""

from __future__ import annotations

import datetime as dt

from promptgraph.domain.keys import UNBOUND, Bindings, NewApiKey, Scope
from promptgraph.store.api_keys import CreatedKey, create_key
from promptgraph.store.database import Database


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


async def made(
    db: Database,
    *scopes: Scope,
    bindings: Bindings = UNBOUND,
    lasts: dt.timedelta | None = None,
    at: dt.datetime | None = None,
) -> CreatedKey:
    """A key with these scopes, or with all; `at`: when it was made."""
    at = at or now()
    wanted = NewApiKey("test", frozenset(scopes or Scope), bindings, None if lasts is None else at + lasts)
    async with db.write() as session:
        return await create_key(session, wanted, at)


def bearing(secret: str) -> dict[str, str]:
    """The headers of a request with this key."""
    return {"authorization": f"Bearer {secret}"}
