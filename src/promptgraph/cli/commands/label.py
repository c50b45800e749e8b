"""`promptgraph label`: which version each label serves, by the files and by the registry."""

from __future__ import annotations

import click

from promptgraph.cli.checking import existing
from promptgraph.cli.labels import (
    DIFFERS,
    OVERRIDDEN,
    SAME,
    Labelled,
    Move,
    Row,
    history,
    label_rows,
    relabel,
)
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import instant, say, show, show_json, show_table, styled
from promptgraph.cli.registry import Registry, registry
from promptgraph.cli.surface import run
from promptgraph.config import Settings
from promptgraph.files.tree import read_tree

STYLES = {SAME: "ok", DIFFERS: "warn", OVERRIDDEN: "warn"}


@click.group()
def label() -> None:
    """Set a label in labels.yaml, or look at labels and their moves."""


@label.command("set")
@click.argument("name")
@click.argument("label_name", metavar="LABEL")
@click.argument("version", type=int)
@json_option
@with_settings("prompts_dir", "database_url")
def set_label(settings: Settings, name: str, label_name: str, version: int, *, as_json: bool) -> None:
    """Point LABEL of prompt NAME at VERSION, in labels.yaml.

    Comments and layout of the file stay. The registry follows with the next sync.
    """
    labelled = run(relabel(settings, name, label_name, version))
    if as_json:
        show_json(labelled)
    else:
        _print_labelled(labelled)


@label.command("list")
@click.argument("name", required=False)
@json_option
@with_settings("prompts_dir", "database_url")
def list_labels(settings: Settings, name: str | None, *, as_json: bool) -> None:
    """Show every label (of prompt NAME) in the files and in the registry, and where they differ."""
    asked = run(registry(settings))
    rows = label_rows(read_tree(existing(settings.prompts_dir)), asked.stored, name)
    if as_json:
        show_json({"labels": rows, "registry": asked.stored is not None})
    else:
        _print_rows(rows, asked)


@label.command("history")
@click.argument("name")
@click.option("--last", "size", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
@json_option
@with_settings("database_url")
def show_history(settings: Settings, name: str, size: int, *, as_json: bool) -> None:
    """Show how the labels of prompt NAME moved, newest first."""
    moves = run(history(settings, name, size))
    if as_json:
        show_json({"name": name, "moves": moves})
    elif moves:
        show_table(("at", "label", "from", "to", "by", "why", "commit"), [_move(move) for move in moves])
    else:
        show(f"No label of {name} has moved yet.")


def _print_rows(rows: list[Row], asked: Registry) -> None:
    if asked.why:
        say(f"The registry could not be asked: {asked.why}", "warning")
    if not rows:
        show("There are no labels yet. Set one: promptgraph label set NAME LABEL VERSION")
        return
    show_table(
        ("prompt", "label", "labels.yaml", "registry", "state", "moved"),
        [
            (
                row.name,
                row.label,
                row.file,
                row.registry,
                styled(row.state, STYLES.get(row.state)),
                instant(row.moved_at),
            )
            for row in rows
        ],
    )


def _move(move: Move) -> tuple[str | int | None, ...]:
    commit = (move.commit_sha or "")[:10]
    why = move.reason or move.path
    return instant(move.moved_at), move.label, move.from_version, move.to_version, move.moved_by, why, commit


def _print_labelled(labelled: Labelled) -> None:
    if labelled.before == labelled.version:
        show(f"{labelled.label} of {labelled.name} is at version {labelled.version} already.")
    else:
        was = f" (it was {labelled.before})" if labelled.before else ""
        show(
            f"{labelled.label} of {labelled.name} is version {labelled.version} now{was}: {labelled.path}",
            "ok",
        )
    for path in labelled.kept:
        show(f"kept  {path}", "ok")
    for note in labelled.notes:
        say(note, "warning")
