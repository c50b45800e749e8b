"""An old database: its rows as the years left them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import text

from promptgraph.store.database import Database

JUNE, JULY = "2024-06-01 08:30:00.123456", "2024-07-01 00:00:00"


class Old(NamedTuple):
    """A row of the old `prompts`."""

    id: int
    name: str | None
    content: str | None
    version: int | None
    created_at: str | None = JUNE
    updated_at: str | None = JULY


PROMPTS = (
    Old(3, "support/triage", "Pick a queue for {{ ticket }}.", 1),
    Old(4, "support/triage", "Pick one queue for {{ ticket }}. Tone: {{ tone }}.\n", 2),
    Old(7, "support/triage", "A second version 2.", 2),
    Old(8, "support/triage", "No version at all.", None),
    Old(9, "support/triage", "Version nought.", 0),
    Old(10, "Greet the User!", "Hello {{ user.name|upper }}", 1),
    Old(11, "greet-the-user", "Its slug was taken by a right name.", 1),
    Old(12, "Greet the user?", "A second slug of the same look.", 5),
    Old(13, "Ünïcödé/Ñame", "{% if a %}yes{% endif %}{% for x in xs %}{{ x }}{% endfor %}", 1),
    Old(14, "日本語", "Nothing is left of this name.", 1),
    Old(15, None, "No name.", 1),
    Old(16, None, "No name either.", 1),
    Old(17, "", "An empty name.", 1),
    Old(18, "../../etc/passwd", "A path.", 1),
    Old(19, "x" * 300, "A long name.", 1),
    Old(20, "broken", "{{ unclosed", 1),
    Old(21, "broken", "{% include 'other' %}", 2),
    Old(22, "broken", "{{ range(10**9) }}", 3),
    Old(23, "broken", 'Answer as {"a": {{"b": 1}}}', 4),
    Old(24, "empty", "", 1),
    Old(25, "missing", None, 1),
    Old(26, "times", "No times.", 1, None, None),
    Old(27, "times", "Changed only.", 2, None, JULY),
    Old(2**40, "big/id", "An id beyond 32 bits; a version at the end.", 2_147_483_647),
    Old(2**40 + 1, "big/id", "The same version again.", 2_147_483_647),
)
AGENTS = ((1, "support-bot"), (2, None), (5, "support-bot"), (6, "Bot\twith\ntabs "), (7, "ü" * 200), (8, ""))


async def insert(db: Database, table: str, rows: Sequence[dict[str, Any]]) -> None:
    names = rows[0].keys()
    columns = ", ".join(names)
    values = ", ".join(
        f"CAST(:{name} AS TIMESTAMP)" if name.endswith("_at") and db.dialect == "postgresql" else f":{name}"
        for name in names
    )
    async with db.migrating() as connection, connection.begin():
        # text for an instant is what SQLite holds, and what PostgreSQL reads
        for row in rows:
            await connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), row)  # noqa: S608  # names of this file


def instant(at: str | None, dialect: str) -> Any:
    return dt.datetime.fromisoformat(at) if at and dialect == "postgresql" else at


async def fill(db: Database) -> None:
    """Put the rows of old into a database at the legacy baseline."""
    await insert(
        db,
        "prompts",
        [
            old._asdict() | {c: instant(getattr(old, c), db.dialect) for c in ("created_at", "updated_at")}
            for old in PROMPTS
        ],
    )
    at = instant(JUNE, db.dialect)
    await insert(db, "agents", [{"id": id_, "name": name, "created_at": at} for id_, name in AGENTS])
    call = {"id": 1, "agent_id": 1, "prompt": "Pick a queue", "response": "billing", "latency_ms": 12}
    await insert(db, "llm_calls", [call | {"status": "ok", "created_at": at, "updated_at": None}])
    usage = {"id": 1, "prompt_id": 3, "llm_call_id": 1, "created_at": at}
    await insert(db, "prompt_usages", [usage | {"agent_id": 1}])
    await insert(db, "prompt_evaluations", [usage | {"score": 0.5, "comment": None}])


async def rows_of(db: Database, table: str) -> list[dict[str, Any]]:
    """All rows of a table, by id."""
    async with db.read() as session:
        found = await session.execute(text(f"SELECT * FROM {table} ORDER BY id"))  # noqa: S608  # names of the tests
        return [dict(row) for row in found.mappings()]
