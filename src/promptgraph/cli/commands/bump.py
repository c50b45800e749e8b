"""`promptgraph bump`: a new version number for prompts that changed."""

from __future__ import annotations

import click

from promptgraph.cli.bumps import Bump, Bumped, bump_changed, bump_prompts
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import say, show, show_json
from promptgraph.cli.surface import run
from promptgraph.config import Settings
from promptgraph.domain.errors import InvalidInputError


@click.command()
@click.argument("names", metavar="[NAME…]", nargs=-1)
@click.option("--changed", is_flag=True, help="Every prompt that needs it, instead of named ones.")
@click.option("--base", metavar="REV", help="With --changed: since the branch parted from this revision.")
@json_option
@with_settings("prompts_dir", "database_url")
def bump(
    settings: Settings, names: tuple[str, ...], base: str | None, *, changed: bool, as_json: bool
) -> None:
    """Give prompts the next version: one above all that git's HEAD and the registry know.

    NAME is a prompt, its file, or a partial: that bumps every prompt that includes it. An older version
    that a label or an agent names is kept as NAME@VERSION.prompt.yaml. With --changed it is the prompts
    whose content has changed since HEAD, or since a branch parted from --base.
    """
    if bool(names) is changed or (base is not None and not changed):
        raise InvalidInputError("Name prompts, or give --changed, alone or with --base.", field="changed")
    bumped = run(bump_changed(settings, base or "HEAD") if changed else bump_prompts(settings, names))
    if as_json:
        show_json(bumped)
    else:
        _print(bumped)


def _print(bumped: Bumped) -> None:
    for one in bumped.bumps:
        show(_sentence(one), "faint" if one.from_version == one.to_version else "ok")
    if not bumped.bumps:
        show("Nothing has changed without a new version.", "ok")
    for path in bumped.kept:
        show(f"kept {path}: a label or an agent names it", "ok")
    for note in bumped.notes:
        say(note, "warning")


def _sentence(one: Bump) -> str:
    if one.from_version == one.to_version:
        return f"{one.name} is at version {one.to_version}, which nobody has yet; nothing to do"
    return f"{one.name}: version {one.from_version} → {one.to_version}"
