"""`promptgraph keys`: who may ask the server, and for what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import click

from promptgraph.cli.key_rows import COLUMNS, lifetime, plain, row
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import instant, say, show, show_json, show_table
from promptgraph.cli.registry import patient
from promptgraph.cli.surface import run
from promptgraph.config import Settings
from promptgraph.domain.keys import ApiKey, Bindings, NewApiKey, Scope
from promptgraph.store.api_keys import CreatedKey, all_keys, create_key, revoke_key

SCOPES = {scope.lower(): scope for scope in Scope}


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that a server in production mode asks for.

    They are kept in the database; a server heeds what is changed here within five seconds.
    """


@keys.command("create")
@click.option("--name", required=True, metavar="NAME", help="What people know it by.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(list(SCOPES), case_sensitive=False),
    help="What it may do; give one for each.",
)
@click.option("--agent", "agents", multiple=True, metavar="AGENT", help="Bind it to calls of this agent.")
@click.option(
    "--environment", "environments", multiple=True, metavar="NAME", help="Bind it to this environment."
)
@click.option("--name-prefix", metavar="TEXT", help="Bind it to prompts whose name begins so.")
@click.option("--expires-in", metavar="TIME", help="How long it lasts: 90d, 12h. Default: for ever.")
@json_option
@with_settings("database_url")
def create(  # noqa: PLR0913  # all that a key can be
    settings: Settings,
    *,
    name: str,
    scopes: Sequence[str],
    agents: Sequence[str],
    environments: Sequence[str],
    name_prefix: str | None,
    expires_in: str | None,
    as_json: bool,
) -> None:
    """Make a key, and show it this once: only a hash of it is kept.

    Several keys may have one name, so that a new one can take an old one's place. A key that is bound may
    read and record, no more.
    """
    now = dt.datetime.now(dt.UTC)
    bindings = Bindings(_names(agents), _names(environments), name_prefix)
    expires_at = None if expires_in is None else now + lifetime(expires_in)
    wanted = NewApiKey(name, frozenset(SCOPES[scope.lower()] for scope in scopes), bindings, expires_at)
    made = run(_created(settings, wanted, now))
    if as_json:
        show_json({"secret": made.secret, **plain(made.key)})
        return
    show(made.secret)
    say(f"This is the key {made.key.public_id}, shown this once. It is sent as Authorization: Bearer …", "ok")


@keys.command("list")
@json_option
@with_settings("database_url")
def list_keys(settings: Settings, *, as_json: bool) -> None:
    """List all keys, the newest first, revoked ones too."""
    now, found = dt.datetime.now(dt.UTC), run(_listed(settings))
    if as_json:
        show_json({"keys": [plain(key) for key in found]})
    elif found:
        show_table(COLUMNS, [row(key, now) for key in found])
    else:
        show("There are no keys. Run: promptgraph keys create --name NAME --scope read")


@keys.command("revoke")
@click.argument("public_id")
@json_option
@with_settings("database_url")
def revoke(settings: Settings, *, public_id: str, as_json: bool) -> None:
    """Take a key back, for ever: within five seconds it opens nothing, in no process."""
    key = run(_revoked(settings, public_id, dt.datetime.now(dt.UTC)))
    if as_json:
        show_json(plain(key))
    else:
        since = "" if key.revoked_at is None else f" since {instant(key.revoked_at)}"
        show(f"The key {key.public_id} ({key.name}) is revoked{since}.", "ok")


async def _created(settings: Settings, wanted: NewApiKey, at: dt.datetime) -> CreatedKey:
    async with patient(settings) as db, db.write() as session:
        return await create_key(session, wanted, at)


async def _listed(settings: Settings) -> list[ApiKey]:
    async with patient(settings) as db, db.read() as session:
        return await all_keys(session)


async def _revoked(settings: Settings, public_id: str, at: dt.datetime) -> ApiKey:
    async with patient(settings) as db, db.write() as session:
        return await revoke_key(session, public_id, at)


def _names(names: Sequence[str]) -> frozenset[str] | None:
    return frozenset(names) or None
