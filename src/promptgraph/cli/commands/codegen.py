"""`promptgraph codegen`: a typed function for each prompt, so that an edit that breaks callers fails their
type check.
"""

from __future__ import annotations

from pathlib import Path

import click

from promptgraph.cli.checking import existing
from promptgraph.cli.options import with_settings
from promptgraph.cli.output import say, show
from promptgraph.cli.surface import FINDINGS, finish
from promptgraph.cli.typed_prompts import typed_prompts
from promptgraph.cli.typed_python import python_module
from promptgraph.cli.typed_typescript import typescript_module
from promptgraph.cli.writing import check_folder_above, put_text, read_text
from promptgraph.config import Settings
from promptgraph.files.tree import read_tree

out_option = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; default: stdout."
)
check_option = click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 when the file is not what would be written."
)


@click.group()
def codegen() -> None:
    """Write a module with a typed function for each prompt of the files."""


@codegen.command("python")
@click.option("--async", "is_async", is_flag=True, help="Functions that are awaited, on an AsyncClient.")
@out_option
@check_option
@with_settings("prompts_dir")
def python(settings: Settings, out: Path | None, *, is_async: bool, check: bool) -> None:
    """A Python module, on `promptgraph.Client`.

    Each function takes the prompt's variables by name, with their defaults, and gives what to send; where the
    file has an output schema, NAME_output reads a model's answer and holds it against that schema.
    """
    text = python_module(typed_prompts(read_tree(existing(settings.prompts_dir))), is_async=is_async)
    _put(text, out, check=check)


@codegen.command("typescript")
@click.option(
    "--package", default="@promptgraph/client", show_default=True, help="What the client is imported from."
)
@out_option
@check_option
@with_settings("prompts_dir")
def typescript(settings: Settings, package: str, out: Path | None, *, check: bool) -> None:
    """A TypeScript module, on the client of the npm package."""
    _put(
        typescript_module(typed_prompts(read_tree(existing(settings.prompts_dir))), package), out, check=check
    )


def _put(text: str, out: Path | None, *, check: bool) -> None:
    if out is None:
        if check:
            raise click.UsageError("--check compares a file: name it with --out.")
        click.echo(text, nl=False)
        return
    check_folder_above(out)
    if read_text(out.parent, out.name) == text:
        show(f"{out} is up to date.", "ok")
    elif check:
        say(f"{out} is not what the prompt files say now. Run this without --check.", "error")
        finish(FINDINGS)
    else:
        put_text(out, text)
        show(f"wrote {out}", "ok")
