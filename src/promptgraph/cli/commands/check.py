"""`promptgraph check`: every problem of a prompts folder in one run, and what a branch changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from promptgraph.cli.checking import Checked, check_folder, checked_json, existing, print_checked
from promptgraph.cli.options import with_settings
from promptgraph.cli.output import show_json, show_text
from promptgraph.cli.reviews import from_root, markdown, workflow_commands
from promptgraph.cli.surface import FINDINGS, FINE, finish
from promptgraph.config import Settings
from promptgraph.files.git import root_of


def _as_json(checked: Checked) -> None:
    show_json(checked_json(checked))


def _as_annotations(checked: Checked) -> None:
    folder = from_root(checked.folder, root_of(checked.folder) or Path.cwd())
    for command in workflow_commands(checked.problems, checked.reviews, folder):
        show_text(command)


def _as_markdown(checked: Checked) -> None:
    show_text("\n".join(markdown(checked.problems, checked.reviews, checked.base)))


FORMS: Mapping[str, Callable[[Checked], None]] = {
    "text": print_checked,
    "json": _as_json,
    "github": _as_annotations,
    "markdown": _as_markdown,
}


@click.command()
@click.argument("folder", metavar="[PATH]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--base", metavar="REV", help="Also find what changed since the branch parted from this revision of git."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMS)),
    help="text (default), json, annotations for GitHub, or a report for a pull request.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@with_settings("prompts_dir")
def check(
    settings: Settings, folder: Path | None, base: str | None, form: str | None, *, as_json: bool
) -> None:
    """Check a prompts folder: forms, templates, tests, labels and selectors.

    PATH is the folder (default: the setting PROMPTS_DIR). With --base, also: is there a new version wherever
    the content changed, what does each change ask of callers, and which agents does it reach? Nothing is
    stored. Exit code 1 when there are errors.
    """
    checked = check_folder(existing(folder or settings.prompts_dir), base)
    FORMS[form or ("json" if as_json else "text")](checked)
    finish(FINDINGS if checked.errors else FINE)
