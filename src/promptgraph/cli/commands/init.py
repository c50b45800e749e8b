"""`promptgraph init`: a prompts folder to start from."""

from __future__ import annotations

from pathlib import Path

import click

from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import counted, say, show, show_json
from promptgraph.cli.starter import Started, start
from promptgraph.config import Settings

NEXT_STEPS = (
    ("check", "read every file, render its tests"),
    ("sync", "store them in the database"),
    ("serve", "ask for them over GraphQL"),
)


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@json_option
@with_settings("prompts_dir")
def init(settings: Settings, folder: Path | None, *, as_json: bool) -> None:
    """Write a small prompts folder to start from.

    DIR is the prompts folder itself (default: the setting PROMPTS_DIR). Nothing is ever overwritten.
    """
    started = start(folder or settings.prompts_dir)
    if as_json:
        show_json(started)
    else:
        _print(started, "" if started.folder == settings.prompts_dir else f" --prompts-dir {started.folder}")


def _print(started: Started, options: str) -> None:
    for path in started.written:
        show(f"wrote {started.folder / path}", "ok")
    for path in started.kept:
        show(f"kept  {started.folder / path}", "faint")
    if not started.written:
        say(f"{counted(len(started.kept), 'file')} were there already; nothing was written.")
    say("Next:")
    for command, purpose in NEXT_STEPS:
        say(f"  {f'promptgraph {command}{options}':<20} {purpose}")
