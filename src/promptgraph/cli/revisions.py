"""The revisions of a database's tables: where it stands, up, down."""

from __future__ import annotations

from dataclasses import dataclass

from promptgraph.cli.registry import opened
from promptgraph.config import Settings
from promptgraph.domain.errors import InvalidInputError
from promptgraph.store import migrate
from promptgraph.store.database import Database
from promptgraph.store.legacy import UNCOUNTED, rebuild_is_due
from promptgraph.store.migrate import LegacyNote

BASE = "base"
AHEAD = (
    "At {}, which this release does not know: a newer release has migrated it. Install that one, or restore a"
    " copy of the database."
)


@dataclass(frozen=True, slots=True)
class Moved:
    """A database brought from one revision to another; None is nothing. `notes` tell what an old database's
    rows became. `rebuild_due`: it holds calls that the metrics do not count yet.
    """

    before: str | None
    revision: str | None
    notes: tuple[LegacyNote, ...] = ()
    rebuild_due: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database is, where this release needs it, and whether the two are one."""

    revision: str | None
    head: str
    is_head: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """What is wrong with a database, a line each; how many notes its migration left; whether it is at this
    release's revision.
    """

    findings: tuple[str, ...]
    notes: int = 0
    is_head: bool = False


async def upgraded(settings: Settings) -> Moved:
    """The database at this release's revision; a new one is made."""
    async with opened(settings) as database:
        before = await migrate.current(database)
        if before == migrate.head():
            return Moved(before, before, rebuild_due=await rebuild_is_due(database))
        await migrate.upgrade(database)
        notes = tuple(await legacy_notes(database))
        return Moved(before, await migrate.current(database), notes, await rebuild_is_due(database))


async def downgraded(settings: Settings, revision: str) -> Moved:
    """The database at an older revision.

    raises  InvalidInputError  there is no such revision
    """
    known = [BASE, *migrate.revisions()]
    if revision not in known:
        raise InvalidInputError(
            f"There is no revision {revision!r}; there are {', '.join(known)}.", field="revision"
        )
    async with opened(settings) as database:
        before = await migrate.current(database)
        await migrate.downgrade(database, revision)
        return Moved(before, await migrate.current(database))


async def standing(settings: Settings) -> Standing:
    """Where the database is."""
    async with opened(settings) as database:
        revision, head = await migrate.current(database), migrate.head()
        return Standing(revision, head, revision == head)


async def looked(settings: Settings) -> Looked:
    """What is wrong with the database's tables; see `look`."""
    async with opened(settings) as database:
        return await look(database)


async def look(database: Database) -> Looked:
    """Whether it is at this release's revision, its tables are as that says, and its calls are counted."""
    revision, head = await migrate.current(database), migrate.head()
    if revision == head:
        if differences := await migrate.drift(database):
            return Looked(tuple(differences), is_head=True)
        due = (UNCOUNTED,) if await rebuild_is_due(database) else ()
        return Looked(due, len(await legacy_notes(database)), is_head=True)
    if revision is not None and revision not in migrate.revisions():
        return Looked((AHEAD.format(revision),))
    return Looked((f"At {revision or 'nothing'}; this release needs {head}. Run: promptgraph db upgrade",))


async def legacy_notes(database: Database) -> list[LegacyNote]:
    """What the migration of an old database changed in its rows."""
    async with database.read() as session:
        return await migrate.legacy_notes(session)
