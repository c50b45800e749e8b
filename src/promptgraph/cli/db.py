"""`promptgraph db`: the schema of the database, revision by revision."""

from __future__ import annotations

import click

from promptgraph.cli.opened import opened
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import say, show, show_json, working
from promptgraph.cli.surface import FINDINGS, FINE, finish, run
from promptgraph.config import Settings
from promptgraph.domain.canonical import JsonObject
from promptgraph.store import legacy, migrate


@click.group()
def db() -> None:
    """Bring the database's schema up or down, or look at it."""


@db.command()
@json_option
@with_settings("database_url")
def upgrade(settings: Settings, *, as_json: bool) -> None:
    """Bring the database to this version's schema; a new one is made."""
    with working("Migrating"):
        moved, rebuild_is_due = run(_upgraded(settings))
    _print(moved, as_json=as_json)
    if rebuild_is_due:
        say("Adopted calls are not in the metrics yet. Run: promptgraph rollup rebuild", "warning")


@db.command()
@click.argument("revision")
@json_option
@with_settings("database_url")
def downgrade(settings: Settings, revision: str, *, as_json: bool) -> None:
    """Take the database back to REVISION (`base` for none); what later revisions added is lost."""
    with working("Migrating"):
        moved = run(_downgraded(settings, revision))
    _print(moved, as_json=as_json)


@db.command()
@json_option
@with_settings("database_url")
def current(settings: Settings, *, as_json: bool) -> None:
    """Print the database's revision and this version's."""
    state = run(_state(settings))
    if as_json:
        show_json(state)
    else:
        show(f"at {state['revision'] or 'nothing'}; this version's schema is {state['head']}")


@db.command("check")
@json_option
@with_settings("database_url")
def check_schema(settings: Settings, *, as_json: bool) -> None:
    """Check that the database is at this version's schema, and that its tables are as they should be."""
    found = run(_findings(settings))
    if as_json:
        show_json({"findings": found})
    else:
        for line in found or ["The database is as it should be."]:
            show(line, "fail" if found else "ok")
    finish(FINDINGS if found else FINE)


async def _upgraded(settings: Settings) -> tuple[JsonObject, bool]:
    async with opened(settings) as database:
        before = await migrate.current(database)
        await migrate.upgrade(database)
        moved: JsonObject = {"before": before, "revision": await migrate.current(database)}
        return moved, await legacy.rebuild_is_due(database)


async def _downgraded(settings: Settings, revision: str) -> JsonObject:
    async with opened(settings) as database:
        before = await migrate.current(database)
        await migrate.downgrade(database, revision)
        return {"before": before, "revision": await migrate.current(database)}


async def _state(settings: Settings) -> JsonObject:
    async with opened(settings) as database:
        revision = await migrate.current(database)
        return {"revision": revision, "head": migrate.head(), "isHead": revision == migrate.head()}


async def _findings(settings: Settings) -> list[str]:
    async with opened(settings) as database:
        revision, head = await migrate.current(database), migrate.head()
        if revision != head:
            return [f"The database is at {revision or 'nothing'}, not at {head}. Run: promptgraph db upgrade"]
        return await migrate.drift(database)


def _print(moved: JsonObject, *, as_json: bool) -> None:
    if as_json:
        show_json(moved)
    elif moved["before"] == moved["revision"]:
        show(f"Already at {moved['revision'] or 'nothing'}.")
    else:
        show(f"From {moved['before'] or 'nothing'} to {moved['revision'] or 'nothing'}.", "ok")
