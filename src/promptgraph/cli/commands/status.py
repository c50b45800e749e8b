"""`promptgraph status`: the files beside the registry."""

from __future__ import annotations

import datetime as dt

import click

from promptgraph.app import clock
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import as_json as to_json
from promptgraph.cli.output import instant, show, show_json, show_table, styled
from promptgraph.cli.plans import WORDS, run_json
from promptgraph.cli.problems import problem_json, show_problems
from promptgraph.cli.standings import Standing, standing
from promptgraph.cli.surface import FINDINGS, FINE, finish, run
from promptgraph.config import Settings
from promptgraph.domain.canonical import JsonObject


@click.command()
@click.option("--source", default="default", show_default=True, help="The sync source that the files are.")
@click.option(
    "--stale-days",
    type=click.IntRange(0, 3650),
    default=30,
    show_default=True,
    help="After so many days a label behind the latest version is stale.",
)
@json_option
@with_settings("prompts_dir", "database_url")
def status(settings: Settings, source: str, stale_days: int, *, as_json: bool) -> None:
    """Show how the registry differs from the files: what a sync would change, labels that were moved by hand,
    prompts without a file, agents that no file declares, labels left behind.

    Exit code 1 when the two differ.
    """
    found = run(standing(settings, source, dt.timedelta(days=stale_days), clock()))
    if as_json:
        show_json(standing_json(found))
    else:
        _print(found, settings)
    finish(FINE if found.is_even else FINDINGS)


def standing_json(found: Standing) -> JsonObject:
    """The stable shape of `status --json`."""
    return {
        "even": found.is_even,
        "lastSync": None if found.run is None else run_json(found.run),
        "pending": [to_json(step) for step in found.pending],
        "problems": [problem_json(problem) for problem in found.problems],
        "orphans": list(found.orphans),
        "drifted": [to_json(row) for row in found.drifted],
        "undeclared": list(found.undeclared),
        "stale": [to_json(one) for one in found.stale],
    }


def _print(found: Standing, settings: Settings) -> None:
    synced = f"last synced {instant(found.run.finished_at)}" if found.run else "never synced"
    show(f"{settings.prompts_dir}: {synced}", "head")
    show_problems(found.problems, settings.prompts_dir)
    if found.pending:
        show("A sync would change:", "head")
        show_table(
            ("", "what", "version", ""),
            [
                (
                    styled(WORDS[step.action][0], WORDS[step.action][2]),
                    f"{step.kind} {step.name}",
                    step.version,
                    step.sentence,
                )
                for step in found.pending
            ],
        )
    if found.drifted:
        show("Labels that do not serve what labels.yaml says:", "head")
        rows = [(row.name, row.label, row.file, row.registry, row.state) for row in found.drifted]
        show_table(("prompt", "label", "labels.yaml", "registry", ""), rows)
    for words, names in (
        ("Prompts without a file (the next sync retires them)", found.orphans),
        ("Agents that no file declares, seen in calls", found.undeclared),
    ):
        if names:
            show(f"{words}: {', '.join(names)}", "warn")
    for one in found.stale:
        show(
            f"{one.label} of {one.name} serves {one.version} since {instant(one.since)};"
            f" the latest is {one.latest}."
        )
    if found.is_even:
        show("The registry is what the files say.", "ok")
