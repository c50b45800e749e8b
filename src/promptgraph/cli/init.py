"""`promptgraph init`: a prompts folder to start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import counted, say, show, show_json
from promptgraph.cli.starter import STARTER
from promptgraph.cli.writing import write_new
from promptgraph.config import Settings
from promptgraph.domain.errors import InvalidInputError

NEXT_STEPS = (
    ("check", "read every file, render its tests"),
    ("sync", "store them in the database"),
    ("serve", "ask for them over GraphQL"),
)


@dataclass(frozen=True, slots=True)
class Started:
    """What `init` did: the files written and those that were there, as paths in the folder."""

    folder: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]


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


def start(folder: Path) -> Started:
    """Writes those starter files that the folder lacks.

    raises  InvalidInputError  the folder holds other files: adding to them could break them
    """
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if folder.exists() and not folder.is_dir():
        raise InvalidInputError(f"{folder} is a file; name a folder.", field="folder")
    if foreign := sorted(present - STARTER.keys()):
        raise InvalidInputError(
            f"{folder} holds other files already ({foreign[0]}), so nothing was written. Name a new folder:"
            " promptgraph init DIR.",
            field="folder",
        )
    missing = [path for path in STARTER if path not in present]
    for path in missing:
        write_new(folder / path, STARTER[path])
    return Started(folder, tuple(missing), tuple(path for path in STARTER if path in present))


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
