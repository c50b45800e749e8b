"""`promptgraph sync`: the files into the registry, by the database or by a server."""

from __future__ import annotations

import click

from promptgraph.cli.checking import existing
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import show_json, working
from promptgraph.cli.plans import Synced, show_synced, synced_json
from promptgraph.cli.surface import FINE, exit_code, finish, run
from promptgraph.cli.syncs import Wanted, synced, watch
from promptgraph.config import Settings
from promptgraph.domain.names import checked_source
from promptgraph.sync.apply import Options


@click.command()
@click.option("--source", default="default", show_default=True, help="Whose prompts these are.")
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@click.option("--draft", is_flag=True, help="Store new versions as drafts, which may be replaced.")
@click.option("--force", is_flag=True, help="An older commit, or an empty folder, is meant.")
@click.option("--watch", "watching", is_flag=True, help="Sync drafts at every change, until Ctrl-C.")
@json_option
@with_settings("prompts_dir", "database_url", "mode", "server", "api_key")
def sync(settings: Settings, /, source: str, *, watching: bool, as_json: bool, **flags: bool) -> None:
    """Bring the registry to what the prompts folder says: all of it, or nothing.

    Exit code 1 when it is refused; what is wrong and what mends it is printed. With --server the files
    travel to a server, and no database is needed here.
    """
    if watching and flags["dry_run"]:
        raise click.UsageError("--watch syncs at every change; leave it out, or --dry-run.")
    checked_source(source)
    options = Options(draft=flags["draft"] or watching, force=flags["force"], dry_run=flags["dry_run"])
    wanted = Wanted(existing(settings.prompts_dir), source, options)
    if watching:
        watch(settings, wanted, lambda one: give(one, as_json=as_json))
        return
    with working("Syncing"):
        one = run(synced(settings, wanted))
    give(one, as_json=as_json)
    finish(FINE if one.outcome.error is None else exit_code(one.outcome.error))


def give(one: Synced, *, as_json: bool) -> None:
    """Prints what a sync did, as JSON or in words."""
    if as_json:
        show_json(synced_json(one))
    else:
        show_synced(one)
