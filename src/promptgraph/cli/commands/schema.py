"""`promptgraph schema`: the SDL and the files' JSON Schemas, written out or compared."""

from __future__ import annotations

from pathlib import Path

import click

from promptgraph.app import sdl
from promptgraph.cli.exports import difference, exported, write_exports
from promptgraph.cli.options import json_option
from promptgraph.cli.output import show, show_json
from promptgraph.cli.surface import FINDINGS, FINE, finish

SDL_FILE = Path("schema.graphql")

SHOWN_LINES = 20

file_argument = click.argument(
    "file", required=False, default=SDL_FILE, type=click.Path(path_type=Path, dir_okay=False)
)


@click.group()
def schema() -> None:
    """Write or check what this version's schemas say."""


@schema.command()
@file_argument
@json_option
def export(file: Path, *, as_json: bool) -> None:
    """Write the SDL to FILE (`-` prints it), and the JSON Schemas of the files to schema/ beside it."""
    if str(file) == "-":
        click.echo(sdl(), nl=False)
        return
    written = write_exports(file)
    if as_json:
        show_json({"written": written})
    else:
        for path in written:
            show(f"wrote {path}", "ok")


@schema.command("check")
@file_argument
@json_option
def check_schema(file: Path, *, as_json: bool) -> None:
    """Check that FILE and schema/ beside it are what this version would write."""
    if str(file) == "-":
        raise click.UsageError("`-` is no file to check; name one.")
    stale = {path: found for path, text in exported(file).items() if (found := difference(path, text))}
    if as_json:
        show_json({"stale": list(stale), "differences": [line for lines in stale.values() for line in lines]})
    else:
        _print(stale, file)
    finish(FINDINGS if stale else FINE)


def _print(stale: dict[Path, list[str]], file: Path) -> None:
    for lines in stale.values():
        for line in lines[:SHOWN_LINES]:
            show(line)
        if len(lines) > SHOWN_LINES:
            show(f"… {len(lines) - SHOWN_LINES} more lines", "faint")
    if stale:
        show(f"Out of date. Run: promptgraph schema export {file}", "error")
    else:
        show("Everything is up to date.", "ok")
