"""`promptgraph check`: every problem of a prompts folder in one run."""

from __future__ import annotations

from pathlib import Path

import click

from promptgraph.cli.checking import check_folder, checked_json, existing, print_checked
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import show_json
from promptgraph.cli.surface import FINDINGS, FINE, finish
from promptgraph.config import Settings


@click.command()
@click.argument("folder", metavar="[PATH]", required=False, type=click.Path(path_type=Path))
@json_option
@with_settings("prompts_dir")
def check(settings: Settings, folder: Path | None, *, as_json: bool) -> None:
    """Check a prompts folder: forms, templates, tests, labels and selectors.

    PATH is the folder (default: the setting PROMPTS_DIR). Nothing is stored. Exit code 1 when there are
    errors.
    """
    checked = check_folder(existing(folder or settings.prompts_dir))
    if as_json:
        show_json(checked_json(checked))
    else:
        print_checked(checked)
    finish(FINDINGS if checked.errors else FINE)
