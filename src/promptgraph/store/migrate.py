"""Migrations: bringing a database's tables to what this release needs, and saying where it stands."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, select, text

from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError
from promptgraph.store import call_tables as call_tables  # noqa: PLC0414  # its tables join METADATA
from promptgraph.store.database import MIGRATION_SECONDS, Database, Session
from promptgraph.store.failures import LockedError
from promptgraph.store.tables import METADATA, NOTES

log = logging.getLogger("promptgraph.store")

T = TypeVar("T")

LOCK_KEY = 0x70_72_6F_6D_70_74  # "prompt"; any number that no other program takes
LOCK_SECONDS = 2.0
"""How long a migration waits for a table, while everybody else waits behind it."""
UPGRADE = "Run: promptgraph db upgrade"


class LegacyNote(NamedTuple):
    """What the migration of an old database changed: in one row of prompts or agents, or, without a
    `legacy_id`, in rows of llm_calls, prompt_usages and prompt_evaluations; `subject` is one of these.
    """

    subject: str
    legacy_id: int | None
    note: str


def alembic_folder() -> Path:
    """A checkout's alembic/ where this is one, else the copy that the package carries."""
    here = Path(__file__).resolve()
    checkout = here.parents[3] / "alembic"
    return checkout if (checkout / "env.py").exists() else here.parents[1] / "_alembic"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(alembic_folder()).replace("%", "%%"))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def head() -> str:
    """The revision that this release needs."""
    return str(_scripts().get_current_head())


def revisions() -> list[str]:
    """Every revision that this release knows, oldest first."""
    return [script.revision for script in _scripts().walk_revisions()][::-1]


async def current(db: Database) -> str | None:
    """The revision that the database is at; None before the first."""
    if db.missing:
        return None
    async with db.read() as session:
        return await (await session.connection()).run_sync(revision_of)


def revision_of(connection: Connection) -> str | None:
    """The revision that the database of `connection` is at; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


async def require_head(db: Database) -> None:
    """Nothing, where the database is at the revision that this release needs.

    raises  StoreUnavailableError  it is behind, or ahead; the sentence says what to do
    """
    at = await current(db)
    check_known(at)
    if at != head():
        where = f"is at {at}" if at else "has no tables yet"
        raise StoreUnavailableError(f"The database {where}; this release needs {head()}. {UPGRADE}")


def check_known(revision: str | None) -> None:
    """raises  StoreUnavailableError  a newer release has migrated the database"""
    if revision is not None and revision not in revisions():
        raise StoreUnavailableError(
            f"The database is at revision {revision!r}, which this release does not know: "
            "a newer release has migrated it. Install that one, or restore a copy of the database."
        )


async def upgrade(db: Database, revision: str = "head") -> None:
    """Bring the database to `revision`; all of it or nothing. Two at once are safe: the second waits.

    raises  StoreUnavailableError  out of reach, busy, or migrated by a newer release
            InvalidInputError      no such revision, or its tables cannot be adopted; the sentence says why
    """
    await locked(db, lambda connection: _run(command.upgrade, connection, revision))


async def downgrade(db: Database, revision: str) -> None:
    """Take the database back to `revision`, or to `base`; what is lost is said in each revision.

    raises  as upgrade
    """
    await locked(db, lambda connection: _run(command.downgrade, connection, revision))


def upgrade_on(connection: Connection) -> Mapping[str, Any]:
    """What the revisions tell of their work, after an upgrade in the transaction that `connection` is in; for
    what `locked` runs.
    """
    return _run(command.upgrade, connection, "head")


def _run(act: Callable[[Config, str], None], connection: Connection, revision: str) -> Mapping[str, Any]:
    check_known(revision_of(connection))
    config = _config()
    config.attributes["connection"] = connection
    if not revision:
        raise InvalidInputError("Name a revision, or base for none.", field="revision")
    try:
        act(config, revision)
    except CommandError as error:
        raise InvalidInputError(f"{error}".rstrip(".") + ".", field="revision") from error
    return config.attributes


async def drift(db: Database) -> list[str]:
    """How the database's tables differ from what this release expects, a line each; none is right.

    raises  StoreUnavailableError  it is out of reach, or not at this release's revision
    """
    await require_head(db)
    async with db.read() as session:
        return await (await session.connection()).run_sync(_drift)


def _drift(connection: Connection) -> list[str]:
    opts = {"include_object": is_ours, "compare_type": True}
    differences = compare_metadata(MigrationContext.configure(connection, opts=opts), METADATA)
    flat = (one for item in differences for one in (item if isinstance(item, list) else [item]))
    return sorted(" ".join(_word(part) for part in one if part is not None) for one in flat)


def _word(part: Any) -> str:
    table = getattr(part, "table", None)
    name = getattr(part, "name", None) or part
    return f"{table.name}.{name}" if table is not None else f"{name}"


def is_ours(_object: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:  # noqa: FBT001  # alembic's hook
    """Whether a comparison looks at this: tables of old and of other programs are left alone."""
    return kind != "table" or not reflected or name in METADATA.tables


async def legacy_notes(session: Session) -> list[LegacyNote]:
    """What the migration of an old database changed, in the order of its rows.

    cost  one statement
    """
    stmt = select(NOTES.c.subject, NOTES.c.legacy_id, NOTES.c.note).order_by(NOTES.c.id)
    return [LegacyNote(*row) for row in await session.execute(stmt)]


async def locked(db: Database, act: Callable[[Connection], T]) -> T:
    """What `act` gives, run in one transaction while no other migration runs. On PostgreSQL it waits for a
    table that others use for a moment only, for all who come after it wait, too; then it begins anew.

    raises  StoreUnavailableError  out of reach or busy; nothing was changed
    """
    end = time.monotonic() + MIGRATION_SECONDS
    while True:
        try:
            result = await _in_one(db, act)
        except LockedError:
            if time.monotonic() >= end:
                raise
            log.info("A migration needs a table that others use; it tries again.")
            await asyncio.sleep(LOCK_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  # a pause, not a secret
        else:
            await db.close()  # its connections hold statements that were prepared for the tables of before
            return result


async def _in_one(db: Database, act: Callable[[Connection], T]) -> T:
    """raises  LockedError  somebody used a table for longer than LOCK_SECONDS; nothing was changed"""
    async with db.migrating() as connection, connection.begin():
        await connection.run_sync(_lock)
        result = await connection.run_sync(act)
        await connection.run_sync(_check_references)
    return result


def _lock(connection: Connection) -> None:
    """The one use of an advisory lock: there may be no table yet whose row could be locked. SQLite has its
    write lock by now. An engine without such locks must be migrated from one place at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_SECONDS * 1000:.0f}"))


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.execute(text("PRAGMA foreign_key_check")).first():
        raise InvalidInputError(
            f"Row {broken[1]} of {broken[0]} refers to a row of {broken[2]} that is not there; "
            "nothing was changed. Mend or delete it first."
        )
