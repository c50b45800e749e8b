"""What a database holds, looked at from below: bytes of SQLite's files, rows of PostgreSQL as text."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import text

from promptgraph.store.database import Database
from promptgraph.store.tables import METADATA


async def holds(db: Database, wanted: str) -> bool:
    """Whether a text is anywhere in a database."""
    if db.dialect == "sqlite":
        path = Path(unquote(urlsplit(str(db.engines[0].url.database)).path))
        return any(wanted.encode() in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    async with db.read() as session:
        for table in METADATA.tables:
            rows = text(f'SELECT count(*) FROM "{table}" AS r WHERE position(:wanted in r::text) > 0')  # noqa: S608  # our own names
            if await session.scalar(rows, {"wanted": wanted}):
                return True
    return False
