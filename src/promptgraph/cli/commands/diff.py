"""`promptgraph diff`: what changed between two versions of a prompt, in words."""

from __future__ import annotations

import click
from rich.text import Text

from promptgraph.cli.diffs import Difference, difference
from promptgraph.cli.found import Found
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import has_colours, plain, show, show_json, show_rich
from promptgraph.cli.reviews import STYLES
from promptgraph.cli.surface import FINDINGS, FINE, finish
from promptgraph.config import Settings
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.change import Change
from promptgraph.domain.text_diff import Part, words

COLOURS = {Part.SAME: "", Part.ADDED: "green", Part.REMOVED: "red strike"}
MARKS = {Part.SAME: ("", ""), Part.ADDED: ("{+", "+}"), Part.REMOVED: ("[-", "-]")}
"""As `git diff --word-diff` writes them, for whoever sees no colours."""


@click.command()
@click.argument("name")
@click.argument("before", metavar="[A]", required=False)
@click.argument("after", metavar="[B]", required=False)
@click.option("--exit-code", is_flag=True, help="Exit with 1 when the two differ.")
@json_option
@with_settings("prompts_dir", "database_url")
def diff(
    settings: Settings, name: str, before: str | None, after: str | None, *, exit_code: bool, as_json: bool
) -> None:
    """Show what changed in prompt NAME between A and B, and what that asks of callers.

    A and B are versions or labels. Without B it is the file; without both, the file beside what git's HEAD
    has, or else the registry.
    """
    found = difference(settings, name, before, after)
    if as_json:
        show_json(difference_json(found))
    else:
        _print(found)
    finish(FINDINGS if exit_code and found.changes else FINE)


def difference_json(found: Difference) -> JsonObject:
    """The stable shape of `diff --json`."""
    changes = [
        {
            "path": change.path,
            "kind": change.kind.value,
            "impact": change.impact.value,
            "sentence": change.sentence,
            "before": change.before,
            "after": change.after,
        }
        for change in found.changes
    ]
    return {
        "name": found.after.name,
        "from": _side(found.before),
        "to": _side(found.after),
        "impact": found.impact.value,
        "changes": [*changes],
    }


def _side(found: Found) -> JsonObject:
    return {"version": found.version, "contentHash": found.digest, "from": found.origin}


def _print(found: Difference) -> None:
    sides = " → ".join(f"{one.version} ({one.origin})" for one in (found.before, found.after))
    show(f"{found.after.name} {sides}: {found.impact.value if found.changes else 'the same'}", "head")
    for change in found.changes:
        show(f"  {change.impact.value:5}  {change.path}  {change.sentence}", STYLES[change.impact])
        if isinstance(change.before, str) and isinstance(change.after, str):
            show_rich(_compared(change))


def _compared(change: Change) -> Text:
    """Both texts in one: words that went, words that came."""
    text, coloured = Text(), has_colours()
    for part, piece in words(str(change.before), str(change.after)):
        opening, closing = ("", "") if coloured else MARKS[part]
        text.append(f"{opening}{plain(piece)}{closing}", COLOURS[part])
    return text
