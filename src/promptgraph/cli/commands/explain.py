"""`promptgraph explain`: how the server answers an operation."""

from __future__ import annotations

from pathlib import Path

import click

from promptgraph.app import explain
from promptgraph.cli.explanations import read_document, show_explanation
from promptgraph.cli.options import json_option
from promptgraph.cli.output import show_json


@click.command("explain")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--operation", metavar="NAME", help="Which, where the document holds several.")
@json_option
def explain_operation(file: Path, *, operation: str | None, as_json: bool) -> None:
    """Say how the server answers the operation in FILE (`-`: stdin).

    On the fast path: its links, what each is read with, and the functions written for it. Otherwise: why not.
    """
    found = explain(read_document(file), operation)
    if as_json:
        show_json(found)
    else:
        show_explanation(found)
