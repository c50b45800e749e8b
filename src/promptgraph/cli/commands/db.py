"""`promptgraph db`: the schema of the database, revision by revision."""

from __future__ import annotations

import click

from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import counted, say, show, show_json, working
from promptgraph.cli.revisions import Looked, Moved, downgraded, looked, standing, upgraded
from promptgraph.cli.surface import FINDINGS, FINE, finish, run
from promptgraph.config import Settings
from promptgraph.store.legacy import UNCOUNTED
from promptgraph.store.migrate import head


@click.group()
def db() -> None:
    """Bring the database's schema up or down, or look at it."""


@db.command()
@json_option
@with_settings("database_url")
def upgrade(settings: Settings, *, as_json: bool) -> None:
    """Bring the database to this version's schema; a new one is made."""
    with working("Migrating"):
        moved = run(upgraded(settings))
    _print(moved, as_json=as_json)
    if moved.rebuild_due:
        say(UNCOUNTED, "warning")


@db.command()
@click.argument("revision")
@json_option
@with_settings("database_url")
def downgrade(settings: Settings, revision: str, *, as_json: bool) -> None:
    """Take the database back to REVISION (`base` for none); what later revisions added is lost."""
    with working("Migrating"):
        moved = run(downgraded(settings, revision))
    _print(moved, as_json=as_json)


@db.command()
@json_option
@with_settings("database_url")
def current(settings: Settings, *, as_json: bool) -> None:
    """Print the database's revision and this version's."""
    found = run(standing(settings))
    if as_json:
        show_json(found)
    else:
        show(f"At {found.revision or 'nothing'}; this release's revision is {found.head}.")


@db.command("check")
@json_option
@with_settings("database_url")
def check_schema(settings: Settings, *, as_json: bool) -> None:
    """Check that the database is at this version's schema, and that its tables are as they should be."""
    found = run(looked(settings))
    if as_json:
        show_json(found)
    else:
        _print_looked(found)
    finish(FINDINGS if found.findings else FINE)


def _print_looked(found: Looked) -> None:
    for finding in found.findings:
        show(finding, "fail")
    if not found.findings:
        show(f"Up to date: {head()}.", "ok")
    if found.notes:
        show(f"{counted(found.notes, 'note')} of the migration of an old database.", "faint")


def _print(moved: Moved, *, as_json: bool) -> None:
    if as_json:
        show_json(moved)
    elif moved.before == moved.revision:
        show(f"Already at {moved.revision or 'nothing'}.")
    else:
        show(f"Migrated from {moved.before or 'nothing'} to {moved.revision or 'nothing'}.", "ok")
        for note in moved.notes:
            show(f"  {note.subject} {note.legacy_id or ''}: {note.note}")
