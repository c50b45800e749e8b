"""`promptgraph schema`: what this version's schemas say, written out or compared."""

from __future__ import annotations

from pathlib import Path

import click

from promptgraph.app import sdl
from promptgraph.cli.exports import changes_against, difference, exported, write_exports
from promptgraph.cli.options import json_option
from promptgraph.cli.output import show, show_json
from promptgraph.cli.surface import FINDINGS, FINE, finish

SDL_FILE = Path("schema.graphql")

SHOWN_LINES = 20
GRAVITY = (("breaks", "error"), ("warning", "warning"), ("new", None))
"""How changes of a schema are shown: those that break clients, those that may, and those that add."""

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
    """Write the SDL to FILE (`-` prints it).

    To schema/ beside it go the JSON Schemas of the prompts folder's files, and what Apollo Client's cache
    should know: possibleTypes.json and typePolicies.ts.
    """
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
@click.option(
    "--against",
    metavar="REV|FILE",
    help="Instead, tell what is different in this version from what FILE said at a git revision, or from"
    " another file. Breaking changes are findings.",
)
@json_option
def check_schema(file: Path, *, against: str | None, as_json: bool) -> None:
    """Check that FILE and schema/ beside it are what this version would write."""
    if str(file) == "-":
        raise click.UsageError("`-` is no file to check; name one.")
    if against is not None:
        _compare(file, against, as_json=as_json)
        return
    stale = {path: found for path, text in exported(file).items() if (found := difference(path, text))}
    if as_json:
        show_json({"stale": list(stale), "differences": [line for lines in stale.values() for line in lines]})
    else:
        _print(stale, file)
    finish(FINDINGS if stale else FINE)


def _compare(file: Path, against: str, *, as_json: bool) -> None:
    changes = changes_against(file, against)
    if as_json:
        show_json(changes)
    else:
        for (words, style), found in zip(GRAVITY, changes, strict=True):
            for change in found:
                show(f"{words}  {change.sentence}", style)
        breaking, dangerous, additive = map(len, changes)
        show(f"Since {against}: {breaking} breaking, {dangerous} dangerous, {additive} additive.")
    finish(FINDINGS if changes.breaking else FINE)


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
