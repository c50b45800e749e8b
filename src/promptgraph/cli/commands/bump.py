"""`promptgraph bump`: a new version number for prompts that changed."""

from __future__ import annotations

import click

from promptgraph.cli.bumps import Bump, Bumped, bump_prompts
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import say, show, show_json
from promptgraph.cli.surface import run
from promptgraph.config import Settings


@click.command()
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@json_option
@with_settings("prompts_dir", "database_url")
def bump(settings: Settings, names: tuple[str, ...], *, as_json: bool) -> None:
    """Give prompts the next version: one above all that git's HEAD and the registry know.

    NAME is a prompt, its file, or a partial: that bumps every prompt that includes it. An older version
    that a label or an agent names is kept as NAME@VERSION.prompt.yaml.
    """
    bumped = run(bump_prompts(settings, names))
    if as_json:
        show_json(bumped)
    else:
        _print(bumped)


def _print(bumped: Bumped) -> None:
    for one in bumped.bumps:
        show(_sentence(one), "faint" if one.from_version == one.to_version else "ok")
    for path in bumped.kept:
        show(f"kept {path}: a label or an agent names it", "ok")
    for note in bumped.notes:
        say(note, "warning")


def _sentence(one: Bump) -> str:
    if one.from_version == one.to_version:
        return f"{one.name} is at version {one.to_version}, which nobody has yet; nothing to do"
    return f"{one.name}: version {one.from_version} → {one.to_version}"
