"""`promptgraph legacy`: from the tables of old into the registry, and from there to files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import click

from promptgraph.cli.adoption import adoption_json, inspection_json, show_adoption, show_inspection
from promptgraph.cli.legacy_export import exported
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import counted, say, show, show_json, working
from promptgraph.cli.problems import problem_json, show_problems
from promptgraph.cli.surface import FINDINGS, FINE, finish, run
from promptgraph.config import Settings
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.store import legacy as store
from promptgraph.store.database import MIGRATION_SECONDS, Database
from promptgraph.store.rebuild import rebuild


@click.group()
def legacy() -> None:
    """Adopt a database that holds the tables of old, or look at it."""


@legacy.command()
@json_option
@with_settings("database_url")
def inspect(settings: Settings, *, as_json: bool) -> None:
    """Print what a database of old holds, and what would become of it; nothing is written.

    Exit code 1 when it cannot be adopted as it is; what is wrong is printed.
    """
    with working("Reading"):
        found = run(_read(settings, store.inspected))
    if as_json:
        show_json(inspection_json(found))
    else:
        show_inspection(found)
    finish(FINDINGS if found.problems else FINE)


@legacy.command()
@json_option
@with_settings("database_url")
def adopt(settings: Settings, *, as_json: bool) -> None:
    """Make a database of old the registry's: all of it, or nothing. Copy it first, stop what writes to it.

    Exit code 1 when a table is not as expected; then nothing was changed.
    """
    with working("Adopting"):
        before = run(_read(settings, store.looked_at))
        done = None if before.problems or before.adopted else run(_adopted(settings))
    if done is None:
        found = inspection_json(before)
        show_json(found) if as_json else show_inspection(before)
        finish(FINDINGS if before.problems else FINE)
        return
    adoption, figured = done
    if as_json:
        show_json(adoption_json(adoption, figured))
    else:
        show_adoption(adoption, figured)


@legacy.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
@with_settings("database_url")
def export(settings: Settings, folder: Path, *, as_json: bool) -> None:
    """Write the stored prompts as files to DIR, a new or empty folder: the next sync of it changes nothing.

    Older versions are written as NAME@VERSION; no labels. What cannot be written as a file is named and left
    out, and a sync would retire a prompt whose latest version is among it: exit code 1, unless it is only
    that it has no text at all.
    """
    with working("Writing"):
        files = run(exported(settings, folder))
    if as_json:
        problems = [problem_json(problem) for problem in files.problems]
        show_json({"folder": folder, "written": files.written, "problems": problems})
    else:
        show_problems(files.problems, folder)
        show(f"Wrote {counted(len(files.written), 'file')} to {folder}.", "ok")
        say(f"Next: promptgraph sync --dry-run --prompts-dir {folder}")
    finish(FINDINGS if any(not problem.warning for problem in files.problems) else FINE)


async def _read(
    settings: Settings, look: Callable[[Database], Awaitable[store.Inspection]]
) -> store.Inspection:
    async with _of_old(settings) as db:
        return await look(db)


async def _adopted(settings: Settings) -> tuple[store.Adoption, int]:
    async with _of_old(settings) as db:
        return await store.adopted(db), await rebuild(db)


@asynccontextmanager
async def _of_old(settings: Settings) -> AsyncIterator[Database]:
    """A database that is there, with patience: one statement may sort every call."""
    db = Database(settings.database_url, patience=MIGRATION_SECONDS)
    if db.missing:
        raise StoreUnavailableError("There is no database at this URL.")
    try:
        yield db
    finally:
        await db.close()
