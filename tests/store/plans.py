"""How a database says that it runs a statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from promptgraph.store.database import Database, Session

EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}


async def plan_of(session: Session, statement: str, parameters: Any) -> list[str]:
    """Its steps, in the database's own words."""
    connection = await session.connection()
    explain = EXPLAIN[connection.dialect.name]
    found = await connection.exec_driver_sql(f"{explain} {statement}", tuple(parameters))
    return [str(row[-1]) for row in found]


async def count_rows(db: Database) -> None:
    """Let PostgreSQL count its rows, as it does by itself after a while; SQLite is never told to."""
    if db.dialect == "postgresql":
        async with db.migrating() as connection, connection.begin():
            await connection.execute(text("ANALYZE"))
