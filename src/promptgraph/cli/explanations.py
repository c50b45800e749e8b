"""How the server answers an operation, told on the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from promptgraph.app import Explanation
from promptgraph.cli.output import show, show_table, show_text
from promptgraph.domain.errors import InvalidInputError

COLUMNS = ("in the answer", "field", "by", "of", "waits")


def read_document(file: Path) -> str:
    """The text of a GraphQL document; `-` is stdin.

    raises  InvalidInputError  it cannot be read
    """
    try:
        with click.open_file(str(file), "rb") as opened:
            return bytes(opened.read()).decode()
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{file} is no text in UTF-8.") from error


def show_explanation(found: Explanation) -> None:
    """The links level by level, then what was written for them."""
    if found.left is not None:
        show(f"Left to the standard executor: {found.left}.", "warn")
        return
    reads = "the registry alone" if found.registry_only else "the registry and calls, moves, syncs or figures"
    show(f"On the fast path; it reads {reads}.", "ok")
    if found.variables:
        names = ", ".join(f"${name}" for name in found.variables)
        show(f"Directives ask {names}: there is a variant for each case, this is all of them together.")
    rows = [
        (each.place, each.field, each.how, each.what, "yes" if each.waits else None) for each in found.links
    ]
    show_table(COLUMNS, rows)
    show("")
    for text in found.functions:
        show_text(text)
